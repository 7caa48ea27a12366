"""What is owed to accounts: kept until acknowledged, offered to the least busy session, never to another account."""

from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import Config, Duration, ReceiptSettings
from smsagg.errors import StoreFailed
from smsagg.model import Message
from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway
from smsagg.testing.sink import FakeSink

SETTINGS = ReceiptSettings(retry_first=Duration(5), retry_max=Duration(40), ttl=Duration(86_400))


def config_of(in_memory_max: int = 10_000, receipts: ReceiptSettings = SETTINGS) -> Config:
    accounts = {
        name: account_settings(name, deliveries_in_memory_max=in_memory_max, mo_numbers=(number,))
        for name, number in (("acme", "60001"), ("other", "60002"))
    }
    return make_config(accounts=accounts, receipts=receipts)


async def finish(gateway: FakeGateway, count: int = 1, account: str = "acme", **fields: Any) -> list[Message]:
    """Messages that are delivered, so that their receipts are owed."""
    messages = await gateway.accept(count, account, **fields)
    await gateway.settle()
    gateway.carrier.receipt(*gateway.carrier.accept())
    await gateway.settle()
    return messages


def ids(messages: list[Message]) -> list[str]:
    return [message.message_id for message in messages]


async def test_nothing_is_handed_out_before_its_commit() -> None:
    """A receipt that is not durable yet is not sent."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        sink = gateway.attach()
        await gateway.accept_one()
        await gateway.settle()
        given = gateway.carrier.accept()
        await gateway.settle()
        store.hold()
        gateway.carrier.receipt(*given)
        await wait_all_tasks_blocked()
        assert sink.received == []
        store.release()
        await gateway.settle()
        assert len(sink.received) == 1


async def test_least_outstanding_first() -> None:
    """Of several sessions the one with least to answer gets the next."""
    async with run_gateway(config_of()) as gateway:
        slow, fast = gateway.attach(status=None), gateway.attach()
        for _ in range(10):
            await finish(gateway)
        assert len(slow.received) <= 1
        assert len(fast.received) >= 9


async def test_a_batch_is_shared() -> None:
    """Many receipts at once are divided between the sessions, none given to two."""
    async with run_gateway(config_of()) as gateway:
        sinks = [gateway.attach(status=None) for _ in range(3)]
        messages = await finish(gateway, 60)
        assert [len(sink.received) for sink in sinks] == [20, 20, 20]
        assert sorted(given for sink in sinks for given in sink.message_ids) == sorted(ids(messages))


async def test_a_thousand_sessions_are_not_all_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each receipt looks at a few of them, and all get their turn."""
    looks = 0

    def count_look(sink: FakeSink) -> int:
        nonlocal looks
        looks += 1
        return sink.window - len(sink.outstanding)

    async with run_gateway(config_of()) as gateway:
        sinks = [gateway.attach() for _ in range(1_000)]
        monkeypatch.setattr(FakeSink, "delivery_window_free", property(count_look))
        for _ in range(250):
            await finish(gateway, 8)
        assert looks < 250 * 100
        assert all(1 <= len(sink.received) <= 4 for sink in sinks)


async def test_the_window_is_respected() -> None:
    """No more are outstanding than the session allows; an answer lets the next go."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach(window=3, status=None)
        messages = await finish(gateway, 10)
        assert len(sink.received) == 3
        sink.answer(ESME_ROK, sink.outstanding[:1])
        await gateway.settle()
        assert len(sink.received) == 4
        while sink.outstanding:
            sink.answer(ESME_ROK)
            await gateway.settle()
        assert sink.message_ids == ids(messages)
        gateway.assert_nothing_is_held()
        assert not gateway.store.tables.deliveries  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [0x58, 0x14, 0x08, 0x64, 0x45, None])
async def test_a_temporary_answer_is_tried_again(status: int | None) -> None:
    """Asked to come later, or not answered at all: offered again until it is taken (D18, D19)."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach(status=None)
        await finish(gateway)
        for _ in range(5):
            sink.answer(status)
            await trio.sleep(41)
        assert len(sink.received) == 6
        assert len({delivery.delivery_id for delivery in sink.received}) == 1
        sink.answer(ESME_ROK)
        await trio.sleep(200)
        assert len(sink.received) == 6
        gateway.assert_nothing_is_held()
        assert not gateway.store.tables.deliveries  # type: ignore[attr-defined]


async def test_the_back_off_grows() -> None:
    """Each refusal doubles the pause, up to the maximum."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach(status=0x64)
        times: list[float] = []
        sink.observe = lambda _: times.append(trio.current_time())
        await finish(gateway)
        await trio.sleep(150)
        gaps = [later - at for at, later in pairwise(times)]
        for gap, expected in zip(gaps, [5, 10, 20, 40, 40], strict=False):
            assert expected <= gap <= expected + 0.5
        assert len(gaps) >= 5


@pytest.mark.parametrize("status", [0x65, 0x66, 0x0B, 0x01, 0x400])
async def test_a_permanent_answer_ends_it(status: int) -> None:
    """The ESME's final word: not offered again (D18)."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach(status=status)
        await finish(gateway)
        await trio.sleep(200)
        assert len(sink.received) == 1
        gateway.assert_nothing_is_held()
        assert not gateway.store.tables.deliveries  # type: ignore[attr-defined]


async def test_a_refused_receipt_holds_up_no_other() -> None:
    """While one waits for its back-off the next ones go out."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach(status=0x64)
        await finish(gateway)
        sink.status = ESME_ROK
        later = await finish(gateway, 5)
        assert sink.message_ids[1:] == ids(later)
        await trio.sleep(6)
        assert len(sink.received) == 7


async def test_a_session_that_ends_gives_back_what_it_did_not_answer() -> None:
    """Another session of the account has it at once, before what came later."""
    async with run_gateway(config_of()) as gateway:
        first = gateway.attach(window=2, status=None)
        messages = await finish(gateway, 4)
        second = gateway.attach(window=2, status=None)
        assert first.message_ids + second.message_ids == ids(messages)
        first.detach()
        second.answer(ESME_ROK)
        await gateway.settle()
        assert second.message_ids[2:] == ids(messages[:2])


async def test_with_the_last_session_everything_returns_to_the_store() -> None:
    """Nobody bound: memory is free, and the next session gets all of it in order."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach(window=2, status=None)
        messages = await finish(gateway, 5)
        sink.detach()
        await gateway.settle()
        assert gateway.engine.deliveries.pending()["acme"] == 0
        gateway.assert_nothing_is_held()
        again = gateway.attach()
        await trio.sleep(1)
        assert again.message_ids == ids(messages)


async def test_a_session_that_ends_while_a_receipt_is_committed() -> None:
    """Decided for memory, and nobody is there when it is durable: it waits in the store, and its life ends there."""
    store = MemoryStore()
    receipts = ReceiptSettings(ttl=Duration(60))
    async with run_gateway(config_of(receipts=receipts), store) as gateway:
        sink = gateway.attach()
        await gateway.accept_one()
        await gateway.settle()
        given = gateway.carrier.accept()
        await gateway.settle()
        store.hold()
        gateway.carrier.receipt(*given)
        await wait_all_tasks_blocked()
        sink.detach()
        store.release()
        await gateway.settle()
        gateway.assert_nothing_is_held()
        await trio.sleep(70)
        assert not store.tables.deliveries
        again = gateway.attach()
        await trio.sleep(5)
        assert again.received == []


async def test_an_account_that_was_away_for_ten_hours() -> None:
    """Its receipts are kept, cost no memory, and come at the next bind, oldest first (D17)."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        messages: list[Message] = []
        for _ in range(10):
            messages += await finish(gateway, 100)
            gateway.clock.jump_wall(3_600)
            await trio.sleep(2)
        gateway.assert_nothing_is_held()
        assert len(store.tables.deliveries) == 1_000
        sink = gateway.attach(window=50)
        await trio.sleep(5)
        assert sink.message_ids == ids(messages)
        assert not store.tables.deliveries


async def test_receipts_outlive_the_process() -> None:
    """Owed in one life, delivered in the next: those never sent, and those sent and not answered (F13, F14)."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        sink = gateway.attach(window=2, status=None)
        messages = await finish(gateway, 5)
        assert len(sink.received) == 2
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        fresh = await finish(gateway, 1)
        await trio.sleep(1)
        assert sorted(sink.message_ids) == sorted(ids([*messages, *fresh]))
        assert len({delivery.delivery_id for delivery in sink.received}) == 6
    assert not tables.deliveries


async def test_a_receipt_has_its_own_life() -> None:
    """Past ``[receipts] ttl`` it is given up, parked or between two tries."""
    receipts = ReceiptSettings(ttl=Duration(100), retry_first=Duration(30), retry_max=Duration(30))
    store = MemoryStore()
    async with run_gateway(config_of(receipts=receipts), store) as gateway:
        await finish(gateway, 3)
        busy = gateway.attach("other", status=0x64)
        await finish(gateway, 2, account="other")
        await trio.sleep(105)
        assert not store.tables.deliveries
        count = len(busy.received)
        assert count == 2 * 4
        late = gateway.attach()
        await trio.sleep(60)
        assert late.received == []
        assert len(busy.received) == count


async def test_receipts_go_to_their_own_account_only() -> None:
    """Each account hears of its own messages and numbers, and of nothing else."""
    async with run_gateway(config_of()) as gateway:
        acme, other = gateway.attach("acme"), gateway.attach("other")
        ours, theirs = await finish(gateway, 5), await finish(gateway, 5, account="other")
        gateway.carrier.mo("60002")
        await gateway.settle()
        assert acme.message_ids == ids(ours)
        assert other.message_ids == [*ids(theirs), ""]
        other.detach()
        await finish(gateway, 3, account="other")
        await trio.sleep(60)
        assert acme.message_ids == ids(ours)


async def test_a_slow_account_slows_nobody() -> None:
    """One account answers nothing with its memory full; another's receipts come without delay."""
    async with run_gateway(config_of(in_memory_max=5)) as gateway:
        slow = gateway.attach("acme", window=2, status=None)
        fast = gateway.attach("other", window=2)
        await finish(gateway, 50)
        times: list[float] = []
        fast.observe = lambda _: times.append(trio.current_time())
        began_at = trio.current_time()
        theirs = await finish(gateway, 50, account="other")
        await trio.sleep(5)
        assert sorted(fast.message_ids) == sorted(ids(theirs))
        assert max(times) - began_at < 2
        assert len(slow.received) == 2
        assert gateway.engine.deliveries.pending()["acme"] <= 2 + 5


@pytest.mark.parametrize("in_memory_max", [1, 2, 7])
async def test_memory_for_deliveries_is_bounded(in_memory_max: int) -> None:
    """What does not fit waits in the store, all of it arrives once, and a full memory leaves the store in peace."""
    store = MemoryStore()
    async with run_gateway(config_of(in_memory_max), store) as gateway:
        sink = gateway.attach(window=1, status=None)
        messages = await finish(gateway, 40)
        assert gateway.engine.deliveries.pending()["acme"] <= in_memory_max + 1
        await trio.sleep(5)
        before = store.statistics.commits
        await trio.sleep(5)
        assert store.statistics.commits - before < 100
        sink.status = ESME_ROK
        sink.answer(ESME_ROK)
        await trio.sleep(60)
        assert sorted(sink.message_ids) == sorted(ids(messages))
        gateway.assert_nothing_is_held()


async def test_an_acknowledgement_while_the_store_fails() -> None:
    """It is owed to the store and not asked for again; the receipt goes out once."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        sink = gateway.attach(status=None)
        await finish(gateway)
        store.break_down(StoreFailed("gone"))
        sink.answer(ESME_ROK)
        await trio.sleep(60)
        store.repair()
        await trio.sleep(60)
        assert len(sink.received) == 1
        assert not store.tables.deliveries


async def test_loading_while_the_store_fails() -> None:
    """What waits in the store comes when the store answers again."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        messages = await finish(gateway, 5)
        store.break_down(StoreFailed("gone"))
        sink = gateway.attach()
        await trio.sleep(60)
        assert sink.received == []
        store.repair()
        await trio.sleep(6)
        assert sink.message_ids == ids(messages)


async def test_a_late_acknowledgement_spares_the_repetition() -> None:
    """The answer came after the response timer: what waits in the store need not go again."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach(status=None)
        await finish(gateway)
        (delivery,) = sink.outstanding
        sink.answer(None)
        await trio.sleep(1)
        gateway.engine.deliveries.on_late_answers([delivery])
        await trio.sleep(60)
        assert len(sink.received) == 1
        gateway.assert_nothing_is_held()


async def test_sessions_that_come_and_go() -> None:
    """Binds and unbinds under load: every receipt arrives, and only those unanswered at an unbind arrive twice."""
    async with run_gateway(config_of(in_memory_max=30)) as gateway:
        messages: list[Message] = []
        arrived: list[str] = []
        in_doubt = 0
        for round_number in range(30):
            sink = gateway.attach(window=5, status=None if round_number % 3 == 0 else ESME_ROK)
            messages += await finish(gateway, 10)
            await trio.sleep(0.2)
            in_doubt += len(sink.outstanding)
            sink.detach()
            arrived += sink.message_ids
        last = gateway.attach()
        await trio.sleep(30)
        arrived += last.message_ids
        assert set(arrived) == set(ids(messages))
        assert len(arrived) - len(set(arrived)) <= in_doubt
        gateway.assert_nothing_is_held()
