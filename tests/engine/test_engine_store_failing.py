"""A store that fails: nothing is accepted, nothing is sent that could not be recorded, and all resumes by itself."""

import pytest
import trio

from smsagg.config.schema import MessageClassSettings
from smsagg.errors import StoreError, StoreFailed, StoreFull
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_RMSGQFUL, ESME_ROK, ESME_RSYSERR
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings, make_config, run_gateway, seqs


@pytest.mark.parametrize(
    ("error", "status"), [(StoreFull("full"), ESME_RMSGQFUL), (StoreFailed("read-only"), ESME_RSYSERR)]
)
async def test_new_messages_are_refused_until_it_recovers(error: StoreError, status: int) -> None:
    """Refused at once with the reason, and taken again when what is owed is written (H01, H02)."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        await gateway.accept_one()
        await gateway.settle()
        store.break_down(error)
        gateway.carrier.accept()  # an outcome that cannot be recorded
        await trio.sleep(1)
        assert gateway.submit(2).refused == [status, status]
        store.repair()
        await gateway.settle()
        later = await gateway.accept_one()
        await gateway.settle()
        assert seqs(gateway.carrier.outstanding) == [later.seq]


async def test_nothing_is_sent_that_could_not_be_recorded() -> None:
    """Every attempt would be a duplicate after a crash: the dispatcher rests, and wakes by itself (H16)."""
    store = MemoryStore()
    config = make_config(carriers={"alpha": carrier_settings(FakeSettings(window=5))})
    async with run_gateway(config, store) as gateway:
        messages = await gateway.accept(20)
        await gateway.settle()
        store.break_down(StoreFailed("gone"))
        gateway.carrier.accept_all()
        await trio.sleep(60)
        assert len(gateway.sent) == 5
        store.repair()
        await trio.sleep(6)
        assert gateway.sent == seqs(messages)
        await gateway.settle()
        assert all(m.state is MessageState.ENROUTE for m in store.tables.messages.values())


async def test_receipts_are_answered_when_they_are_recorded() -> None:
    """The carrier waits for its answer as long as the store takes; the account hears after that, once."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        sink = gateway.attach()
        await gateway.accept(3)
        await gateway.settle()
        given = gateway.carrier.accept()
        await gateway.settle()
        store.break_down(StoreFailed("gone"))
        reported = gateway.carrier.receipt(*given, "unknown")
        await trio.sleep(60)
        assert reported.statuses == []
        assert sink.received == []
        store.repair()
        await trio.sleep(2)
        assert reported.statuses == [ESME_ROK] * 4
        assert len(sink.received) == 3
        gateway.assert_nothing_is_held()


async def test_expiry_goes_on_when_the_store_does() -> None:
    """Messages whose time ended during the failure are told of afterwards, and were not sent."""
    store = MemoryStore()
    config = make_config(carriers={"alpha": carrier_settings(FakeSettings(bound=False))})
    async with run_gateway(config, store) as gateway:
        sink = gateway.attach()
        messages = await gateway.accept(5, ttl_s=10)
        store.break_down(StoreFailed("gone"))
        await trio.sleep(100)
        gateway.carrier.bind()
        await trio.sleep(5)
        store.repair()
        await trio.sleep(3)
        assert gateway.sent == []
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages)
        assert {delivery.message_state for delivery in sink.received} == {MessageState.EXPIRED}
        gateway.assert_nothing_is_held()


async def test_one_failed_commit_in_a_hundred() -> None:
    """Commits fail now and then under load: what was refused is absent, what was accepted arrives once."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        sink = gateway.attach()
        gateway.carrier.accept_all()
        accepted: list[str] = []
        for number in range(100):
            if number % 10 == 0:
                store.fail_next(StoreFull("full") if number % 20 else StoreFailed("bad"))
            submitted = gateway.submit(5)
            if submitted.messages:
                await submitted.answered.wait()
            if submitted.status == ESME_ROK:
                accepted += [message.message_id for message in submitted.messages]
            await trio.sleep(0.1)
        await trio.sleep(10)
        given = [m.carrier_message_id for m in store.tables.messages.values()]
        gateway.carrier.receipt(*given)
        await trio.sleep(2)
        assert sorted(sink.message_ids) == sorted(accepted)
        assert len(gateway.sent) == len(set(gateway.sent)) == len(accepted)
        assert not store.tables.messages
        gateway.assert_nothing_is_held()


async def test_a_failure_while_an_attempt_is_recorded() -> None:
    """At most once: the attempt waits for its record as long as the store fails."""
    store = MemoryStore()
    config = make_config(message_classes={"default": MessageClassSettings(in_doubt="fail")})
    async with run_gateway(config, store) as gateway:
        gateway.carrier.lose()
        messages = await gateway.accept(3)
        store.break_down(StoreFailed("gone"))
        gateway.carrier.bind()
        await trio.sleep(30)
        assert gateway.sent == []
        store.repair()
        await trio.sleep(6)
        assert gateway.sent == seqs(messages)
