"""Responses that come after their attempt was given up: the carrier has the message after all (C04)."""

from typing import Any

import trio

from smsagg.config.schema import Config, Duration, MessageClassSettings, PoolMember, RetrySettings
from smsagg.model import Accepted, Message, MessageState, NotSent
from smsagg.smpp.status import (
    ESME_ROK,
    ESME_RSYSERR,
)
from smsagg.testing.gateway import (
    FakeGateway,
    carrier_settings,
    make_config,
    pool_settings,
    run_gateway,
    seqs,
)

RETRY = RetrySettings(first=Duration(10), multiplier=2, max=Duration(60), jitter=0, attempts_max=4)


def config_of(*carriers: str, in_doubt: str = "resend", retry: RetrySettings = RETRY, **common: Any) -> Config:
    """Carriers of one pool in order of rank, with a circuit that never opens unless told otherwise."""
    names = carriers or ("alpha",)
    members = [PoolMember(name, rank=rank) for rank, name in enumerate(names)]
    return make_config(
        carriers={name: carrier_settings(**({"circuit_failures": 0} | common)) for name in names},
        pools={"gb": pool_settings(*members, countries=("GB",))},
        message_classes={"default": MessageClassSettings(in_doubt=in_doubt, retry=retry)},
    )


async def state_of(gateway: FakeGateway, message: Message) -> MessageState:
    found = await gateway.find(message)
    assert found is not None
    return found.state


async def test_a_late_acceptance_cancels_the_retry() -> None:
    """The response comes after the timer: the id is kept, the pending retry is not sent (C04)."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.time_out()
        await trio.sleep(5)
        gateway.carrier.link.accept_late(message, "late-1")
        await trio.sleep(600)
        assert gateway.sent == [message.seq]
        assert gateway.engine.accounts["acme"].queued == 0
        gateway.carrier.receipt("late-1")
        await gateway.settle()
        assert [delivery.message_state for delivery in sink.received] == [MessageState.DELIVERED]
        gateway.assert_nothing_is_held()


async def test_a_late_acceptance_finds_its_early_receipt() -> None:
    """The receipt came first, then the late response: matched."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.time_out()
        reported = gateway.carrier.receipt("late-1")
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        gateway.carrier.link.accept_late(message, "late-1")
        await gateway.settle()
        assert [delivery.message_state for delivery in sink.received] == [MessageState.DELIVERED]
        gateway.assert_nothing_is_held()


async def test_a_late_acceptance_without_a_receipt_to_come() -> None:
    """Nobody asked the carrier for a receipt: the late response ends the message as ACCEPTED."""
    async with run_gateway(config_of(ask_receipts="as_asked")) as gateway:
        message = await gateway.accept_one(registered_delivery=0)
        await gateway.settle()
        gateway.carrier.time_out()
        await gateway.settle()
        gateway.carrier.link.accept_late(message, "late-1")
        await gateway.settle()
        assert await state_of(gateway, message) is MessageState.ACCEPTED
        gateway.assert_nothing_is_held()


async def test_a_late_acceptance_while_another_carrier_has_the_message() -> None:
    """The receipt of the carrier that answered late is matched; the other's outcome changes nothing any more."""
    async with run_gateway(config_of("alpha", "beta")) as gateway:
        alpha, beta = gateway.carriers["alpha"], gateway.carriers["beta"]
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        alpha.time_out()
        await trio.sleep(11)
        assert seqs(beta.outstanding) == [message.seq]
        alpha.link.accept_late(message, "same-id")
        await gateway.settle()
        beta.refuse(ESME_RSYSERR)
        await trio.sleep(600)
        assert len(alpha.sent) + len(beta.sent) == 2
        stranger = beta.receipt("same-id", state=MessageState.UNDELIVERABLE)
        await gateway.settle()
        assert stranger.statuses == [ESME_ROK]
        assert sink.received == []
        alpha.receipt("same-id")
        await gateway.settle()
        assert [delivery.message_state for delivery in sink.received] == [MessageState.DELIVERED]
        gateway.assert_nothing_is_held()


async def test_a_late_acceptance_while_the_same_carrier_has_it_again() -> None:
    """Either response will do: one of the two ids is awaited, the message ends once."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.time_out()
        await trio.sleep(11)
        gateway.carrier.link.accept_late(message, "first")
        gateway.carrier.link.accept(ids=["second"])
        await gateway.settle()
        gateway.carrier.receipt("second", "first")
        await gateway.settle()
        assert [delivery.message_state for delivery in sink.received] == [MessageState.DELIVERED]
        assert gateway.engine.accounts["acme"].queued == 0


async def test_a_late_acceptance_of_a_message_that_is_over_changes_nothing() -> None:
    """UNKNOWN was told already; a response after that is counted and no more."""
    async with run_gateway(config_of(in_doubt="fail")) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.time_out()
        await gateway.settle()
        gateway.carrier.link.accept_late(message, "late-1")
        reported = gateway.carrier.receipt("late-1")
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert [delivery.message_state for delivery in sink.received] == [MessageState.UNKNOWN]
        assert gateway.engine.accounts["acme"].queued == 0
        assert not gateway.engine.core.live


async def test_an_attempt_returned_and_accepted_in_one_batch_is_sent_once() -> None:
    """The later outcome counts: the message is with the carrier, and not in its queue again."""
    async with run_gateway(config_of()) as gateway:
        gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        link = gateway.carrier.link
        link.outstanding.clear()
        link.report([NotSent(message), Accepted(message, "late-1")])
        await trio.sleep(600)
        assert gateway.sent == [message.seq]
        assert await state_of(gateway, message) is MessageState.ENROUTE
        gateway.carrier.receipt("late-1")
        await gateway.settle()
        gateway.assert_nothing_is_held()
