"""What each outcome of an attempt does to its message: the table of smsagg.engine.sending.outcomes, row by row."""

from typing import Any

import pytest
import trio

from smsagg.config.schema import Config, Duration, MessageClassSettings, PoolMember, RetrySettings
from smsagg.model import Accepted, Message, MessageState, Refused
from smsagg.smpp.status import (
    ESME_RINVDSTADR,
    ESME_RMSGQFUL,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
)
from smsagg.store.memory import MemoryStore
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
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


async def test_accepted_awaits_the_receipt() -> None:
    """ESME_ROK with an id: ENROUTE, one attempt, and no place in the queue any more."""
    async with run_gateway() as gateway:
        message = await gateway.accept_one()
        assert gateway.engine.accounts["acme"].queued == 1
        await gateway.settle()
        (carrier_id,) = gateway.carrier.accept()
        await gateway.settle()
        found = await gateway.find(message)
        assert found is not None
        assert (found.state, found.attempts, found.carrier_message_id) == (MessageState.ENROUTE, 1, carrier_id)
        assert gateway.engine.accounts["acme"].queued == 0
        assert gateway.engine.core.pools["gb"].depth == 0


@pytest.mark.parametrize("status", [ESME_RTHROTTLED, ESME_RMSGQFUL])
async def test_throttling_spends_no_attempt(status: int) -> None:
    """Throttled more often than there are attempts, a message is tried on and keeps its turn (C05, C06)."""
    async with run_gateway(config_of(), seed=2) as gateway:
        first, second = await gateway.accept(2)
        await gateway.settle()
        for _ in range(10):
            gateway.carrier.refuse(status)
            await gateway.until(lambda: gateway.carrier.outstanding != [])
        await gateway.until(lambda: len(gateway.carrier.outstanding) == 2)
        assert seqs(gateway.carrier.outstanding) == [first.seq, second.seq]
        gateway.carrier.accept()
        await gateway.settle()
        found = await gateway.find(first)
        assert found is not None
        assert (found.state, found.attempts) == (MessageState.ENROUTE, 1)


async def test_throttling_pauses_the_link() -> None:
    """After ESME_RTHROTTLED nothing is sent for a moment, even when there is plenty of window."""
    async with run_gateway(config_of()) as gateway:
        await gateway.accept(50)
        await gateway.settle()
        gateway.carrier.refuse(ESME_RTHROTTLED)
        await gateway.settle()
        assert gateway.carrier.outstanding == []
        await trio.sleep(0.1)
        assert gateway.carrier.outstanding == []
        await trio.sleep(5)
        assert 0 < len(gateway.carrier.outstanding) < 50


async def test_a_throttled_link_leaves_the_others_alone() -> None:
    """What one carrier throttles another takes at once."""
    async with run_gateway(config_of("alpha", "beta")) as gateway:
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carriers["alpha"].refuse(ESME_RTHROTTLED)
        await gateway.settle()
        assert seqs(gateway.carriers["beta"].outstanding) == [message.seq]


async def test_a_temporary_refusal_is_retried_with_back_off() -> None:
    """ESME_RSYSERR: the same carrier again after 10, 20, 40 s when there is no other; each attempt counts."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        for _ in range(4):
            gateway.carrier.refuse(ESME_RSYSERR)
            await trio.sleep(61)
        times = [sent.at - gateway.carrier.sent[0].at for sent in gateway.carrier.sent]
        assert [round(at / 1000) for at in times] == [0, 10, 61 + 20, 2 * 61 + 40]
        assert [delivery.message_state for delivery in sink.received] == [MessageState.UNDELIVERABLE]
        assert sink.received[0].error_code == ESME_RSYSERR
        found = await gateway.find(message)
        assert found is not None
        assert (found.state, found.attempts) == (MessageState.UNDELIVERABLE, 4)
        gateway.assert_nothing_is_held()


async def test_a_temporary_refusal_fails_over() -> None:
    """The next attempt goes to another carrier first, whatever the ranks say."""
    async with run_gateway(config_of("alpha", "beta")) as gateway:
        alpha, beta = gateway.carriers["alpha"], gateway.carriers["beta"]
        message = await gateway.accept_one()
        await gateway.settle()
        alpha.refuse(ESME_RSYSERR)
        await trio.sleep(11)
        assert seqs(beta.outstanding) == [message.seq]
        beta.refuse(ESME_RSYSERR)
        await trio.sleep(21)
        assert seqs(alpha.outstanding) == [message.seq]


async def test_failing_over_takes_nobody_with_it() -> None:
    """A message that avoids a carrier does not keep others in its batch from it."""
    async with run_gateway(config_of("alpha", "beta")) as gateway:
        alpha, beta = gateway.carriers["alpha"], gateway.carriers["beta"]
        (first,) = await gateway.accept(1)
        await gateway.settle()
        alpha.refuse(ESME_RSYSERR)
        alpha.link.is_bound = beta.link.is_bound = False
        await trio.sleep(11)
        others = await gateway.accept(3)
        alpha.link.is_bound = beta.link.is_bound = True
        alpha.bind()
        beta.bind()
        await gateway.settle()
        assert seqs(alpha.outstanding) == seqs(others)
        assert seqs(beta.outstanding) == [first.seq]


async def test_the_avoided_carrier_is_used_when_there_is_no_other() -> None:
    """Avoiding is a preference: with the other one unbound the message goes to the one that failed it."""
    async with run_gateway(config_of("alpha", "beta")) as gateway:
        alpha, beta = gateway.carriers["alpha"], gateway.carriers["beta"]
        message = await gateway.accept_one()
        await gateway.settle()
        beta.lose()
        alpha.refuse(ESME_RSYSERR)
        await trio.sleep(11)
        assert seqs(alpha.outstanding) == [message.seq]


async def test_a_permanent_refusal_rejects() -> None:
    """ESME_RINVDSTADR: REJECTED with its receipt, never tried again."""
    async with run_gateway(config_of("alpha", "beta")) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.refuse(ESME_RINVDSTADR)
        await trio.sleep(600)
        assert [(d.message_state, d.error_code) for d in sink.received] == [(MessageState.REJECTED, ESME_RINVDSTADR)]
        assert gateway.sent == [message.seq]
        assert gateway.carriers["beta"].sent == []
        gateway.assert_nothing_is_held()


async def test_a_carrier_may_read_a_status_its_own_way() -> None:
    """``[carriers.NAME]`` ``temporary``, ``throttled`` and ``permanent`` go before the table."""
    async with run_gateway(config_of(permanent=(0x405,), temporary=(ESME_RINVDSTADR,))) as gateway:
        one = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.refuse(0x405)
        await gateway.settle()
        assert await state_of(gateway, one) is MessageState.REJECTED
        other = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.refuse(ESME_RINVDSTADR)
        await gateway.settle()
        assert await state_of(gateway, other) is MessageState.QUEUED


async def test_a_lost_link_resends_at_once() -> None:
    """In doubt for the first time because the link was lost: the other carrier has it without delay."""
    async with run_gateway(config_of("alpha", "beta")) as gateway:
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carriers["alpha"].lose()
        await gateway.settle()
        await trio.sleep(0.01)
        assert seqs(gateway.carriers["beta"].outstanding) == [message.seq]
        gateway.carriers["beta"].accept()
        await gateway.settle()
        found = await gateway.find(message)
        assert found is not None
        assert (found.state, found.attempts, found.carrier) == (MessageState.ENROUTE, 2, "beta")


async def test_a_message_that_costs_the_link_each_time_is_given_up() -> None:
    """A message at which the carrier hangs up is tried with back-off and ends after ``attempts_max`` (E08)."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        for _ in range(4):
            gateway.carrier.lose()
            await trio.sleep(1)
            gateway.carrier.bind()
            await trio.sleep(61)
        assert gateway.sent == [message.seq] * 4
        assert [delivery.message_state for delivery in sink.received] == [MessageState.UNDELIVERABLE]
        gateway.assert_nothing_is_held()


async def test_a_time_out_resends_after_the_back_off() -> None:
    """No answer on a living link: again, but not at once; the carrier may only be slow (C10)."""
    async with run_gateway(config_of()) as gateway:
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.time_out()
        await trio.sleep(9)
        assert gateway.sent == [message.seq]
        await trio.sleep(2)
        assert gateway.sent == [message.seq] * 2


@pytest.mark.parametrize("lost", [True, False])
async def test_at_most_once_ends_in_doubt(lost: bool) -> None:
    """A class that says ``fail`` is never sent twice: what became of it is UNKNOWN, and its account hears so."""
    async with run_gateway(config_of("alpha", "beta", in_doubt="fail")) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        if lost:
            gateway.carriers["alpha"].lose()
        else:
            gateway.carriers["alpha"].time_out()
        await trio.sleep(600)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.UNKNOWN]
        assert gateway.sent == [message.seq]
        assert gateway.carriers["beta"].sent == []
        gateway.assert_nothing_is_held()


async def test_at_most_once_is_recorded_before_it_is_sent() -> None:
    """A ``fail`` class's attempt is durable before the carrier has it; others do not wait for that."""
    store = MemoryStore()
    config = make_config(
        accounts={"acme": account_settings("acme"), "otp": account_settings("otp", message_class="otp")},
        message_classes={"otp": MessageClassSettings(in_doubt="fail")},
    )
    async with run_gateway(config, store) as gateway:
        states: list[MessageState] = []
        gateway.carrier.observe_sent = lambda messages: states.extend(
            store.tables.messages[message.seq].state for message in messages
        )
        gateway.carrier.lose()
        await gateway.accept(1, account="otp", message_class="otp")
        await gateway.accept(1)
        await gateway.settle()
        store.hold()
        gateway.carrier.bind()
        await trio.sleep(2)
        assert states == [MessageState.QUEUED]
        store.release()
        await gateway.settle()
        assert states == [MessageState.QUEUED, MessageState.SENDING]


async def test_a_link_lost_while_an_attempt_is_recorded() -> None:
    """Nothing was written, so nothing is in doubt: the message waits again, and so does the store's row."""
    store = MemoryStore()
    async with run_gateway(config_of("alpha", "beta", in_doubt="fail"), store) as gateway:
        alpha, beta = gateway.carriers["alpha"], gateway.carriers["beta"]
        beta.lose()
        alpha.lose()
        message = await gateway.accept_one()
        store.hold()
        alpha.bind()
        await trio.sleep(0.1)
        alpha.lose()
        store.release()
        await gateway.settle()
        assert alpha.sent == []
        assert await state_of(gateway, message) is MessageState.QUEUED
        beta.bind()
        await gateway.settle()
        assert seqs(beta.outstanding) == [message.seq]
        beta.accept()
        await gateway.settle()
        found = await gateway.find(message)
        assert found is not None
        assert (found.state, found.attempts) == (MessageState.ENROUTE, 1)


@pytest.mark.parametrize("in_doubt", ["resend", "fail"])
async def test_not_sent_goes_back_as_if_it_had_never_left(in_doubt: str) -> None:
    """Unwritten when the link ended: front of the queue, no attempt spent, no doubt; also for ``fail``."""
    async with run_gateway(config_of(in_doubt=in_doubt)) as gateway:
        messages = await gateway.accept(3)
        await gateway.settle()
        gateway.carrier.link.is_bound = False
        gateway.carrier.link.return_unsent()
        await gateway.settle()
        assert [await state_of(gateway, message) for message in messages] == [MessageState.QUEUED] * 3
        gateway.carrier.bind()
        await gateway.settle()
        assert seqs(gateway.carrier.outstanding) == seqs(messages)
        gateway.carrier.accept()
        await gateway.settle()
        found = await gateway.find(messages[0])
        assert found is not None
        assert found.attempts == 1


async def test_mixed_outcomes_of_one_batch() -> None:
    """Each message of a batch fares by its own answer."""
    async with run_gateway(config_of()) as gateway:
        taken, rejected, retried, throttled = await gateway.accept(4)
        await gateway.settle()
        link = gateway.carrier.link
        link.outstanding.clear()
        link.report(
            [
                Accepted(taken, "x"),
                Refused(rejected, ESME_RINVDSTADR),
                Refused(retried, ESME_RSYSERR),
                Refused(throttled, ESME_RTHROTTLED),
            ]
        )
        await gateway.settle()
        states = [await state_of(gateway, message) for message in (taken, rejected, retried, throttled)]
        assert states == [MessageState.ENROUTE, MessageState.REJECTED, MessageState.QUEUED, MessageState.QUEUED]
        await trio.sleep(30)
        assert sorted(gateway.sent[4:]) == [retried.seq, throttled.seq]


async def test_refusals_with_statuses_that_nobody_knows_are_one_series() -> None:
    """A carrier that makes up a status for each refusal makes no metric for each."""
    async with run_gateway() as gateway:
        await gateway.accept(3)
        await gateway.settle()
        for command_status, message in enumerate(list(gateway.carrier.outstanding), 0xABCD):
            gateway.carrier.link.refuse(command_status, [message])
        assert gateway.metrics.carrier_refusals["alpha", "other"].n == 3
