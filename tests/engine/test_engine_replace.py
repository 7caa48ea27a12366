"""Replacing what waits, against everything that could get in between: exactly one text goes out, whatever happens."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import Config
from smsagg.engine.requests.replacement import Revision
from smsagg.errors import StoreFailed
from smsagg.model import Message, MessageState
from smsagg.smpp.status import ESME_RMSGQFUL, ESME_ROK, ESME_RREPLACEFAIL, ESME_RSYSERR
from smsagg.store.base import Changes, QueuedMatch
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    make_message,
    pool_settings,
    run_gateway,
)


def config_of(queue_max: int = 100, bound: bool = False, **account: int) -> Config:
    return make_config(
        accounts={"acme": account_settings("acme", **account), "other": account_settings("other")},
        carriers={"alpha": carrier_settings(FakeSettings(bound=bound))},
        pools={"gb": pool_settings("alpha", queue_max=queue_max)},
    )


def with_body(body: bytes, delay_s: float | None = None) -> Callable[[Message], Revision]:
    def revise(message: Message) -> Revision:
        not_before = message.not_before if delay_s is None else message.accepted_at + int(delay_s * 1000)
        return Revision(message.registered_delivery, body, False, not_before, message.expires_at)

    return revise


async def replace(gateway: FakeGateway, message: Message, body: bytes = b"new", delay_s: float | None = None) -> int:
    return await gateway.engine.replacement.revise("acme", message.message_id, with_body(body, delay_s))


def bodies_sent(gateway: FakeGateway) -> dict[int, list[bytes]]:
    sent: dict[int, list[bytes]] = {}
    for attempt in gateway.carrier.sent:
        sent.setdefault(attempt.seq, []).append(attempt.body)
    return sent


@pytest.mark.parametrize("seed", range(10))
async def test_replacing_races_with_the_loader_and_the_dispatcher(seed: int) -> None:
    """ESME_ROK: the new text went, once. Else: the old one did. Never both, never neither (E12)."""
    async with run_gateway(config_of(queue_max=3), seed=seed) as gateway:
        messages = await gateway.accept(40)
        answers: dict[int, int] = {}

        async def ask(message: Message) -> None:
            answers[message.seq] = await replace(gateway, message)

        gateway.carrier.accept_all()
        async with trio.open_nursery() as nursery:
            for message in messages[::2]:
                nursery.start_soon(ask, message)
            gateway.carrier.bind()
            for message in messages[1::4]:
                nursery.start_soon(ask, message)
        await trio.sleep(10)
        expected = {message.seq: [b"new" if answers.get(message.seq) == ESME_ROK else b"hello"] for message in messages}
        assert bodies_sent(gateway) == expected
        assert set(answers.values()) <= {ESME_ROK, ESME_RREPLACEFAIL}
        assert gateway.engine.core.pools["gb"].depth == 0
        assert gateway.engine.accounts["acme"].queued == 0


@pytest.mark.parametrize("seed", range(10))
async def test_replacing_races_with_cancelling(seed: int) -> None:
    """A cancelled message is never sent, whatever text it had by then, and ends once."""
    async with run_gateway(config_of(queue_max=3), seed=seed) as gateway:
        sink = gateway.attach()
        messages = await gateway.accept(20)
        cancelled: set[int] = set()

        async def cancel(message: Message) -> None:
            if await gateway.engine.control.cancel("acme", message.message_id, lambda _: True):
                cancelled.add(message.seq)

        async with trio.open_nursery() as nursery:
            for message in messages:
                nursery.start_soon(replace, gateway, message)
                nursery.start_soon(cancel, message)
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await trio.sleep(10)
        sent = bodies_sent(gateway)
        assert not set(sent) & cancelled
        assert set(sent) | cancelled == {message.seq for message in messages}
        assert all(len(bodies) == 1 for bodies in sent.values())
        assert sorted(sink.message_ids) == sorted(m.message_id for m in messages if m.seq in cancelled)


@pytest.mark.parametrize("queue_max", [1, 100])
async def test_a_crash_leaves_the_old_text_or_the_new_one(queue_max: int) -> None:
    """Before the commit the old, after it the new, and one message either way."""
    for commits in (False, True):
        tables, clock = Tables(), FakeClock()
        store = MemoryStore(tables)
        async with run_gateway(config_of(queue_max), store, clock) as gateway:
            messages = await gateway.accept(3, delay_s=2)
            if commits:
                assert await replace(gateway, messages[2]) == ESME_ROK
            else:
                with trio.move_on_after(0.5):
                    gateway.engine.core.store.write = lambda *_: None  # type: ignore[method-assign]
                    await replace(gateway, messages[2])
        async with run_gateway(config_of(bound=True), MemoryStore(tables), clock) as gateway:
            await trio.sleep(10)
            expected = b"new" if commits else b"hello"
            assert [sent.body for sent in gateway.carrier.sent if sent.seq == messages[2].seq] == [expected]
            assert len(gateway.carrier.sent) == 3


async def test_a_new_schedule_holds() -> None:
    """Later than before, sooner than before, and beyond what memory keeps."""
    async with run_gateway(config_of(bound=True)) as gateway:
        later, sooner, parked = await gateway.accept(3, delay_s=60, ttl_s=90_000)
        assert await replace(gateway, later, delay_s=120) == ESME_ROK
        assert await replace(gateway, sooner, delay_s=10) == ESME_ROK
        assert await replace(gateway, parked, delay_s=3_600) == ESME_ROK
        began_at = later.accepted_at
        await gateway.until(lambda: len(gateway.carrier.sent) == 3, within_s=7_200)
        times = {sent.seq: (sent.at - began_at) // 1000 for sent in gateway.carrier.sent}
        assert times[sooner.seq] in range(10, 12)
        assert times[later.seq] in range(120, 122)
        assert times[parked.seq] in range(3_600, 3_607)


async def test_a_message_that_was_sent_to_the_store_and_back_goes_by_its_own_outcome() -> None:
    """It left the ready queue for a time beyond memory, and came back while the queue had not moved: the carrier's
    refusal counts, it is tried again, and it ends once."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one(ttl_s=90_000)
        assert await replace(gateway, message, delay_s=3_600) == ESME_ROK
        await gateway.until(lambda: message.seq in gateway.engine.core.live, within_s=7_200)
        gateway.carrier.bind()
        await gateway.settle()
        gateway.carrier.refuse(ESME_RSYSERR)
        await gateway.until(lambda: len(gateway.carrier.sent) == 2, within_s=600)
        assert [sent.body for sent in gateway.carrier.sent] == [b"new", b"new"]
        assert sink.received == []


async def test_a_search_does_not_find_what_a_message_was_before_it_went_to_the_store() -> None:
    """Cancelling by addresses ends each message once, though the ready queue has not forgotten that it was there."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one(ttl_s=90_000)
        assert await replace(gateway, message, delay_s=3_600) == ESME_ROK
        assert await submit_replacing(gateway) == ESME_ROK
        await trio.sleep(20)
        match = QueuedMatch("acme", message.source_addr, message.destination_addr, None)
        assert await gateway.engine.control.cancel_matching(match) == 1
        await gateway.settle()
        assert sorted(sink.message_ids) == sorted(set(sink.message_ids))
        assert len(sink.received) == 2
        assert gateway.engine.accounts["acme"].queued == 0


async def test_who_replaces_when_the_store_fails_hears_so() -> None:
    """Nothing is held, and the old text goes when the store works again."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        message = await gateway.accept_one(delay_s=5)
        parked = await gateway.accept_one(delay_s=3_600, ttl_s=90_000)
        store.break_down(StoreFailed("disk"))
        assert await replace(gateway, parked) == ESME_RSYSERR
        store.repair()
        gateway.carrier.bind()
        await trio.sleep(10)
        assert bodies_sent(gateway) == {message.seq: [b"hello"]}


async def test_a_replacement_whose_asker_goes_away_is_finished() -> None:
    """The session ended while it was committed: the new text goes, and the next one may replace it."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        message = await gateway.accept_one(delay_s=5)
        store.hold()
        with trio.move_on_after(1):
            await replace(gateway, message, b"one")
        store.release()
        await gateway.settle()
        assert await replace(gateway, message, b"two") == ESME_ROK
        gateway.carrier.bind()
        await trio.sleep(10)
        assert bodies_sent(gateway) == {message.seq: [b"two"]}


async def test_copies_of_which_one_ended_meanwhile_keep_their_texts_and_times() -> None:
    """ESME_RREPLACEFAIL, and a restart finds the other one as it was before."""
    tables, clock = Tables(), FakeClock()
    store = MemoryStore(tables)
    async with run_gateway(config_of(), store, clock) as gateway:
        now = clock.now_ms()
        copies = [make_message(now, delay_s=60, ttl_s=90_000) for _ in range(2)]
        intake = gateway.engine.intake
        assert [intake.reserve(gateway.engine.accounts["acme"], copy, now) for copy in copies] == [ESME_ROK, ESME_ROK]
        intake.number_copies(copies)
        intake.commit(copies, lambda _status: None)
        await gateway.settle()
        before = {seq: (row.body, row.next_attempt_at) for seq, row in tables.messages.items()}
        write = store.write

        def cancel_then_write(changes, on_done=None):  # type: ignore[no-untyped-def]
            store.write = write  # type: ignore[method-assign]
            write(changes, on_done)
            ended = Changes()
            gateway.engine._finisher.finish(copies[0], MessageState.DELETED, 0, now, ended)
            write(ended)

        store.write = cancel_then_write  # type: ignore[method-assign]
        assert await replace(gateway, copies[0], delay_s=3_600) == ESME_RREPLACEFAIL
        await gateway.settle()
        ((seq, row),) = tables.messages.items()
        assert (row.body, row.next_attempt_at) == before[seq]


async def submit_replacing(gateway: FakeGateway, account: str = "acme") -> int:
    """A submit with replace_if_present_flag; what its ESME hears."""
    message = make_message(gateway.clock.now_ms(), account=account, body=b"new")
    match = QueuedMatch(account, message.source_addr, message.destination_addr, message.service_type)
    told: list[int] = []
    answered = trio.Event()

    def accepted(status: int) -> None:
        told.append(status)
        answered.set()

    status = await gateway.engine.replacement.submit(message, match, False, accepted)
    if status:
        return status
    await answered.wait()
    (status,) = told
    return status


@pytest.mark.parametrize("seed", range(10))
async def test_replacing_submits_race_with_the_dispatcher(seed: int) -> None:
    """What was not sent in time is DELETED with its receipt, and what was is not; every submit counts once."""
    async with run_gateway(config_of(queue_max=5), seed=seed) as gateway:
        sink = gateway.attach()
        messages = await gateway.accept(20)
        gateway.carrier.accept_all()
        answers: list[int] = []

        async def ask() -> None:
            answers.append(await submit_replacing(gateway))

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
            gateway.carrier.bind()
        await trio.sleep(10)
        await gateway.settle()
        sent = bodies_sent(gateway)
        assert all(len(bodies) == 1 for bodies in sent.values())
        deleted = [d.message_id for d in sink.received if d.message_state == MessageState.DELETED]
        assert len(deleted) == len(set(deleted))
        taken = answers.count(ESME_ROK)
        assert len(sent) + len(deleted) == len(messages) + taken
        assert gateway.engine.core.pools["gb"].depth == 0
        assert gateway.engine.accounts["acme"].queued == 0


@pytest.mark.parametrize("queue_max", [1, 100])
async def test_a_refused_commit_puts_the_old_messages_back(queue_max: int) -> None:
    """In memory or parked: they wait as before, with no receipt and no place lost."""
    store = MemoryStore()
    async with run_gateway(config_of(queue_max), store) as gateway:
        sink = gateway.attach()
        messages = await gateway.accept(3)
        write = store.write

        def refuse(changes, on_done=None):  # type: ignore[no-untyped-def]
            if changes.new_messages:
                assert len(changes.finished) == len(changes.new_deliveries) == 3
                trio.lowlevel.current_trio_token().run_sync_soon(on_done, StoreFailed("disk"))
            else:
                write(changes, on_done)

        store.write = refuse  # type: ignore[method-assign]
        assert await submit_replacing(gateway) == ESME_RSYSERR
        store.write = write  # type: ignore[method-assign]
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await trio.sleep(10)
        assert bodies_sent(gateway) == {message.seq: [b"hello"] for message in messages}
        assert sink.received == []
        assert gateway.engine.deliveries.reserved() == {"acme": 0, "other": 0}


async def test_a_submit_that_finds_no_place_replaces_nothing() -> None:
    """ESME_RMSGQFUL, and the old message goes."""
    async with run_gateway(config_of(queue_max=10)) as gateway:
        message = await gateway.accept_one()
        gateway.engine.accounts["acme"].queued += 1_000_000
        assert await submit_replacing(gateway) == ESME_RMSGQFUL
        gateway.engine.accounts["acme"].queued -= 1_000_000
        gateway.carrier.bind()
        await gateway.settle()
        assert bodies_sent(gateway) == {message.seq: [b"hello"]}


async def test_a_crash_leaves_the_old_message_or_the_new_one() -> None:
    """One transaction: never both, never neither."""
    for commits in (False, True):
        tables, clock = Tables(), FakeClock()
        store = MemoryStore(tables)
        async with run_gateway(config_of(), store, clock) as gateway:
            await gateway.accept_one(delay_s=5)
            if commits:
                assert await submit_replacing(gateway) == ESME_ROK
            else:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(submit_replacing, gateway)
                    await wait_all_tasks_blocked()
                    store.hold()
                    nursery.cancel_scope.cancel()
        async with run_gateway(config_of(bound=True), MemoryStore(tables), clock) as gateway:
            await trio.sleep(10)
            assert len(gateway.carrier.sent) == 1


async def test_a_message_that_is_being_replaced_does_not_expire_besides() -> None:
    """Its time was up when a link gave it back, while the search held it: it ends once, as the replacement says."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        write = store.write

        def write_slowly(changes, on_done=None):  # type: ignore[no-untyped-def]
            store.hold()
            write(changes, on_done)

        store.write = write_slowly  # type: ignore[method-assign]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(submit_replacing, gateway)
            await wait_all_tasks_blocked()
            store.write = write  # type: ignore[method-assign]
            gateway.engine.waiting.overdue.append(message)
            gateway.engine.core.wake_dispatcher()
            await wait_all_tasks_blocked()
            store.release()
        await gateway.settle()
        assert [delivery.message_state for delivery in sink.received] == [MessageState.DELETED]


@pytest.mark.parametrize("seed", range(10))
async def test_cancelling_by_addresses_races_with_the_loader(seed: int) -> None:
    """Every message that waited when the search began is cancelled or was sent; none is missed on its way (E11)."""
    async with run_gateway(config_of(queue_max=3), seed=seed) as gateway:
        messages = await gateway.accept(40)
        gateway.carrier.accept_all()
        match = QueuedMatch("acme", messages[0].source_addr, messages[0].destination_addr, None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gateway.engine.control.cancel_matching, match)
            gateway.carrier.bind()
        await gateway.settle()
        states = [found.state async for found in _found(gateway, messages)]
        assert set(states) <= {MessageState.DELETED, MessageState.ENROUTE}
        assert states.count(MessageState.ENROUTE) == len(gateway.sent) == len(set(gateway.sent))
        assert gateway.engine.accounts["acme"].queued == 0


async def _found(gateway: FakeGateway, messages: list[Message]):  # type: ignore[no-untyped-def]
    for message in messages:
        found = await gateway.find(message)
        assert found is not None
        yield found


async def test_a_replacing_submit_whose_schedule_passes_while_it_waits_for_its_turn() -> None:
    """It goes at once, and gives back the place that it had reserved."""
    store = MemoryStore()
    async with run_gateway(config_of(bound=True), store) as gateway:
        gateway.carrier.accept_all()
        message = make_message(gateway.clock.now_ms(), delay_s=2, body=b"new")
        match = QueuedMatch("acme", message.source_addr, message.destination_addr, None)
        store.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gateway.engine.replacement.submit, message, match, False, lambda _: None)
            await trio.sleep(5)
            store.release()
        await gateway.settle()
        assert bodies_sent(gateway) == {message.seq: [b"new"]}
        assert gateway.engine.core.pools["gb"].reserved == 0
