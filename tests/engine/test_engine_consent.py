"""A suppressed recipient gets nothing from the commit of the suppression on, whatever waited then."""

from typing import Any

import pytest
import trio
from engine_money import ON_SUBMIT, held, money_config, stored, top_up
from trio.testing import MockClock

from smsagg.config.consent_settings import ConsentSettings
from smsagg.config.schema import MessageClassSettings
from smsagg.engine.consent.consents import SENDERS_MAX
from smsagg.engine.gauges import add_engine_sources
from smsagg.errors import RegisterFull
from smsagg.model import Cause, Message, MessageState
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.model.message import ANSWERED
from smsagg.smpp.status import ESME_RINVDSTADR
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, run_gateway

NUMBER = "447700900123"
AWAY: dict[str, Any] = {"carriers": {"alpha": carrier_settings(FakeSettings(bound=False))}}
"""What is submitted waits, until the test binds the carrier."""


def suppression(number: str = NUMBER, account: str = "acme", sender: str = "", is_kept: bool = True) -> ConsentUpdate:
    return ConsentUpdate(ConsentRecord(ConsentKind.SUPPRESSION, account, number, sender, 1, "api"), is_kept)


async def over(gateway: FakeGateway, message: Message) -> Message:
    found = await gateway.find(message)
    assert found is not None
    return found


async def test_a_queued_message_is_rejected_with_one_receipt_and_not_charged() -> None:
    """K10: it is never sent; REJECTED with its cause, and the reserved price is let go."""
    tables = Tables()
    config = money_config({"carriers": {"alpha": carrier_settings(FakeSettings(bound=False))}})
    async with run_gateway(config, MemoryStore(tables)) as gateway:
        await top_up(gateway, 100)
        sink = gateway.attach()
        message = await gateway.accept_one(**ON_SUBMIT)
        other = await gateway.accept_one(destination_addr="447700900124", **ON_SUBMIT)
        assert await gateway.engine.consents.change([suppression()]) == 1
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == [other.seq]
        found = await over(gateway, message)
        assert (found.state, found.error_code) == (MessageState.REJECTED, ESME_RINVDSTADR)
        assert (found.cause, found.charged, found.attempts) == (Cause.OPTED_OUT, 0, 0)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.REJECTED]
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        assert held(gateway) == (90, 0)
        assert stored(tables) == (100, 10, 0)
        gateway.assert_nothing_is_held()


async def test_it_is_in_force_after_its_commit_and_lifted_after_the_commit_of_that() -> None:
    """While the disk is slow the old word holds, and whoever asked is not told yet."""
    async with run_gateway(make_config(**AWAY)) as gateway:
        consents, store = gateway.engine.consents, gateway.store
        assert isinstance(store, MemoryStore)
        for update in (suppression(), suppression(is_kept=False)):
            before = consents.book.suppresses
            store.hold()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(consents.change, [update])
                await trio.testing.wait_all_tasks_blocked()
                assert consents.book.suppresses is before
                store.release()
            assert consents.book.suppresses is update.is_kept


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_retry_is_not_sent_either(attempts: int, mock_clock: MockClock) -> None:
    """A message that a carrier refused for now ends when it comes to be sent again."""
    async with run_gateway() as gateway:
        message = await gateway.accept_one()
        for _ in range(attempts - 1):
            await gateway.settle()
            gateway.carrier.refuse(0x64)
            mock_clock.jump(10)
        await gateway.settle()
        gateway.carrier.refuse(0x64)
        await gateway.engine.consents.change([suppression()])
        mock_clock.jump(30)
        await gateway.settle()
        found = await over(gateway, message)
        assert (found.state, found.cause) == (MessageState.REJECTED, Cause.OPTED_OUT)
        assert len(gateway.sent) == attempts


async def test_an_attempt_that_is_being_recorded_is_not_made() -> None:
    """A class that must not send twice: its attempt is durable first, and the suppression comes before it is."""
    classes = {"once": MessageClassSettings(in_doubt="fail")}
    async with run_gateway(make_config(message_classes=classes, **AWAY)) as gateway:
        store = gateway.store
        assert isinstance(store, MemoryStore)
        message = await gateway.accept_one(message_class="once")
        store.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gateway.engine.consents.change, [suppression()])
            await trio.testing.wait_all_tasks_blocked()
            gateway.carrier.bind()
            await trio.testing.wait_all_tasks_blocked()
            assert (message.state, gateway.sent) == (MessageState.SENDING, [])
            store.release()
        await gateway.settle()
        found = await over(gateway, message)
        assert (found.state, found.cause, gateway.sent) == (MessageState.REJECTED, Cause.OPTED_OUT, [])
        gateway.assert_nothing_is_held()


async def test_what_an_account_may_send_all_the_same() -> None:
    """Its own suppressions let classes pass that recipients ask for; the operator's let nothing pass but our answer."""
    settings = ConsentSettings(passes=("otp",))
    async with run_gateway(make_config(consent=settings, **AWAY)) as gateway:
        await gateway.engine.consents.change([suppression(), suppression("447700900124", account="")])
        for number in (NUMBER, "447700900124"):
            for values in ({"message_class": "otp"}, {"message_class": "marketing"}, {"origin": ANSWERED}):
                await gateway.accept_one(destination_addr=number, **values)
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == [1, 3, 6]


async def test_of_one_sender_alone_and_of_one_account_alone() -> None:
    """Who opted out of one sender gets messages from the others, and from other accounts."""
    async with run_gateway(make_config(**AWAY)) as gateway:
        await gateway.engine.consents.change([suppression(sender="447700900999")])
        for sender in ("+447700900999", "447700900999", "ACME"):
            await gateway.accept_one(source_addr=sender)
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == [3]


async def test_destinations_are_one_number_in_every_spelling() -> None:
    """As the customer wrote it, with plus or with zeros."""
    async with run_gateway(make_config(**AWAY)) as gateway:
        await gateway.engine.consents.change([suppression()])
        for number in (f"+{NUMBER}", f"00{NUMBER}"):
            await gateway.accept_one(destination_addr=number)
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == []


async def test_the_next_life_knows_what_was_committed() -> None:
    """Also of a message that waited for it."""
    tables = Tables()
    async with run_gateway(make_config(**AWAY), MemoryStore(tables)) as gateway:
        await gateway.accept_one()
        await gateway.engine.consents.change([suppression()])
    async with run_gateway(make_config(), MemoryStore(tables)) as gateway:
        await gateway.settle()
        assert gateway.sent == []
        assert tables.history[1].state is MessageState.REJECTED


async def test_parts_that_did_not_go_yet_do_not_go() -> None:
    """Of a long message the customer hears once, as for any part that failed."""
    async with run_gateway(make_config(**AWAY)) as gateway:
        sink = gateway.attach()
        await gateway.accept(body=b"x" * 400)
        await gateway.engine.consents.change([suppression()])
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == []
        assert [delivery.message_state for delivery in sink.received] == [MessageState.REJECTED]
        gateway.assert_nothing_is_held()


async def test_a_list_names_so_many_senders() -> None:
    """For memory keeps something of each; numbers are not counted, and what was named before stays welcome."""
    async with run_gateway() as gateway:
        change = gateway.engine.consents.change
        for start in (0, 999):
            await change([suppression(sender=f"s{i}") for i in range(start, min(start + 999, SENDERS_MAX))])
        with pytest.raises(RegisterFull):
            await change([suppression(sender="more")])
        assert not gateway.engine.consents.book.is_suppressed("acme", "more", NUMBER)
        assert await change([suppression(sender="s7", number="447700900124")]) == 1
        assert await change([suppression(), suppression(sender="s7", account="other")]) == 2
        removed = [suppression(number, sender="s7", is_kept=False) for number in (NUMBER, "447700900124")]
        assert await change(removed) == 2
        assert await change([suppression(sender="more")]) == 1


async def test_the_lengths_of_the_lists_are_gauges() -> None:
    """By kind and account."""
    async with run_gateway(make_config(**AWAY)) as gateway:
        await gateway.engine.consents.change([suppression(), suppression(sender="ACME"), suppression(account="")])
        add_engine_sources(gateway.metrics, gateway.engine, gateway.store)
        gateway.metrics.refresh()

        def shown(account: str) -> float | None:
            labels = {"kind": "suppression", "account": account}
            return gateway.metrics.registry.get_sample_value("smsagg_consent_records", labels)

        assert (shown("acme"), shown("")) == (2, 1)
