"""query_sm and cancel_sm: the owner's messages only, wherever they wait, and one winner against the dispatcher."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import Config, MessageClassSettings
from smsagg.model import Message, MessageState
from smsagg.smpp.status import ESME_RSYSERR
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
    seqs,
)


def config_of(queue_max: int = 100, bound: bool = False, in_doubt: str = "resend") -> Config:
    return make_config(
        accounts={name: account_settings(name) for name in ("acme", "other")},
        carriers={"alpha": carrier_settings(FakeSettings(bound=bound))},
        pools={"gb": pool_settings("alpha", queue_max=queue_max)},
        message_classes={"default": MessageClassSettings(in_doubt=in_doubt)},
    )


def anyone(_: Message) -> bool:
    return True


async def cancel(gateway: FakeGateway, message: Message, account: str = "acme") -> bool:
    return await gateway.engine.control.cancel(account, message.message_id, anyone)


async def state_of(gateway: FakeGateway, message: Message) -> int | None:
    found = await gateway.engine.control.find(message.account, message.message_id)
    return None if found is None else found.state.wire


async def test_a_query_follows_the_message_to_its_end() -> None:
    """Live in memory, and over in history: the same id answers with the state that the wire knows."""
    async with run_gateway(config_of()) as gateway:
        message = await gateway.accept_one()
        assert await state_of(gateway, message) == MessageState.ENROUTE
        gateway.carrier.bind()
        await gateway.settle()
        assert await state_of(gateway, message) == MessageState.ENROUTE
        given = gateway.carrier.accept()
        await gateway.settle()
        assert await state_of(gateway, message) == MessageState.ENROUTE
        gateway.carrier.receipt(*given, state=MessageState.UNDELIVERABLE, error_code=7)
        await gateway.settle()
        found = await gateway.engine.control.find("acme", message.message_id)
        assert found is not None
        assert (found.state, found.error_code) == (MessageState.UNDELIVERABLE, 7)
        assert found.done_at == gateway.clock.now_ms()


async def test_a_query_finds_what_is_in_the_store_only() -> None:
    """Parked, or awaiting its receipt out of memory: found all the same."""
    async with run_gateway(config_of(queue_max=1)) as gateway:
        for message in await gateway.accept(3):
            assert await state_of(gateway, message) == MessageState.ENROUTE


async def test_a_foreign_id_is_no_id() -> None:
    """Another account's message, a wrong random part and nonsense answer alike, and cancel nothing."""
    async with run_gateway(config_of()) as gateway:
        message = await gateway.accept_one()
        control = gateway.engine.control
        guessed = message.message_id[:-1] + ("0" if message.message_id[-1] != "0" else "1")
        for account, message_id in (
            ("other", message.message_id),
            ("acme", guessed),
            ("acme", message.message_id.upper() + " "),
            ("acme", "00000099" + "00000000"),
            ("acme", ""),
            ("acme", "no such id"),
        ):
            assert await control.find(account, message_id) is None
            assert not await control.cancel(account, message_id, anyone)
        assert len(gateway.engine.core.live) == 1


async def test_a_ready_message_is_cancelled() -> None:
    """DELETED, told to who asked, never sent, and its place is free."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        kept, cancelled = await gateway.accept(2)
        assert await cancel(gateway, cancelled)
        await gateway.settle()
        assert [(d.message_id, d.message_state) for d in sink.received] == [
            (cancelled.message_id, MessageState.DELETED)
        ]
        assert gateway.engine.accounts["acme"].queued == 1
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == [kept.seq]
        assert not await cancel(gateway, cancelled)


async def test_a_cancel_is_answered_after_its_commit() -> None:
    """Yes means that it is durable."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway, trio.open_nursery() as nursery:
        message = await gateway.accept_one()
        answers: list[bool] = []

        async def ask() -> None:
            answers.append(await cancel(gateway, message))

        store.hold()
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        assert answers == []
        gateway.carrier.bind()
        await wait_all_tasks_blocked()
        assert gateway.sent == []
        store.release()
        await gateway.settle()
        assert answers == [True]
        assert gateway.sent == []


@pytest.mark.parametrize("delay_s", [60, 7_200])
async def test_a_scheduled_message_is_cancelled(delay_s: float) -> None:
    """In memory or in the store, a message that waits for its time never sees it."""
    async with run_gateway(config_of(bound=True)) as gateway:
        message = await gateway.accept_one(delay_s=delay_s)
        assert await cancel(gateway, message)
        gateway.clock.jump_wall(delay_s)
        await trio.sleep(20)
        assert gateway.sent == []
        gateway.assert_nothing_is_held()


async def test_a_parked_message_is_cancelled() -> None:
    """Cancelled in the store while its pool is full; the others go out when there is room."""
    async with run_gateway(config_of(queue_max=2)) as gateway:
        sink = gateway.attach()
        messages = await gateway.accept(6)
        assert await cancel(gateway, messages[4])
        assert not await cancel(gateway, messages[4])
        gateway.carrier.bind()
        await trio.sleep(10)
        assert gateway.sent == [seq for seq in seqs(messages) if seq != messages[4].seq]
        assert sink.message_ids == [messages[4].message_id]
        assert gateway.engine.core.pools["gb"].depth == 5


async def test_a_message_between_retries_is_cancelled() -> None:
    """It was sent and refused, so no carrier has it."""
    async with run_gateway(config_of(bound=True)) as gateway:
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.refuse(ESME_RSYSERR)
        await gateway.settle()
        assert await cancel(gateway, message)
        await trio.sleep(600)
        assert len(gateway.sent) == 1
        gateway.assert_nothing_is_held()


@pytest.mark.parametrize("in_doubt", ["resend", "fail"])
async def test_a_message_with_a_carrier_is_not_cancelled(in_doubt: str) -> None:
    """Being recorded, in flight, taken, or over: the answer is no, and nothing changes (E11)."""
    store = MemoryStore()
    async with run_gateway(config_of(in_doubt=in_doubt), store) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        store.hold()
        gateway.carrier.bind()
        await wait_all_tasks_blocked()
        assert not await cancel(gateway, message)
        store.release()
        await gateway.settle()
        assert not await cancel(gateway, message)
        given = gateway.carrier.accept()
        assert not await cancel(gateway, message)
        await gateway.settle()
        assert not await cancel(gateway, message)
        gateway.carrier.receipt(*given)
        assert not await cancel(gateway, message)
        await gateway.settle()
        assert not await cancel(gateway, message)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.DELIVERED]
        gateway.assert_nothing_is_held()


async def test_the_front_door_may_say_no() -> None:
    """``may_cancel`` looks at the addresses; its no is final."""
    async with run_gateway(config_of()) as gateway:
        message = await gateway.accept_one()
        assert not await gateway.engine.control.cancel("acme", message.message_id, lambda _: False)
        assert len(gateway.engine.core.live) == 1


async def test_a_message_of_an_earlier_life_is_cancelled() -> None:
    """Also before the loader has had a look at it."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        messages = await gateway.accept(3, delay_s=30)
    async with run_gateway(config_of(bound=True), MemoryStore(tables), clock) as gateway:
        assert await cancel(gateway, messages[1])
        await trio.sleep(60)
        assert gateway.sent == [messages[0].seq, messages[2].seq]


@pytest.mark.parametrize("seed", range(10))
async def test_cancelling_races_with_the_loader_and_the_dispatcher(seed: int) -> None:
    """Every message is either cancelled and never sent, or refused to be and sent; never both, never neither (E11)."""
    async with run_gateway(config_of(queue_max=3), seed=seed) as gateway:
        sink = gateway.attach()
        messages = await gateway.accept(40)
        cancelled: set[int] = set()

        async def ask(message: Message) -> None:
            if await cancel(gateway, message):
                cancelled.add(message.seq)

        gateway.carrier.accept_all()
        async with trio.open_nursery() as nursery:
            for message in messages[::2]:
                nursery.start_soon(ask, message)
            gateway.carrier.bind()
            for message in messages[1::4]:
                nursery.start_soon(ask, message)
        await trio.sleep(10)
        sent = set(gateway.sent)
        assert not sent & cancelled
        assert sent | cancelled == set(seqs(messages))
        assert len(gateway.sent) == len(sent)
        assert {delivery.message_state for delivery in sink.received} <= {MessageState.DELETED}
        assert len(sink.received) == len(cancelled)
        assert gateway.engine.core.pools["gb"].depth == 0
        assert gateway.engine.accounts["acme"].queued == 0


async def test_cancelling_races_with_expiry() -> None:
    """A parked message that is cancelled while the sweeper looks at it ends once."""
    async with run_gateway(config_of(queue_max=1)) as gateway:
        sink = gateway.attach()
        messages = await gateway.accept(20, ttl_s=5)
        await trio.sleep(4.999)
        async with trio.open_nursery() as nursery:
            for message in messages:
                nursery.start_soon(cancel, gateway, message)
                await trio.sleep(0.1)
        await trio.sleep(5)
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages)
        gateway.assert_nothing_is_held()


async def test_a_cancel_whose_asker_goes_away() -> None:
    """The session ended while the cancel was committed: it stands, and nothing is left over."""
    store = MemoryStore()
    async with run_gateway(config_of(queue_max=1), store) as gateway:
        messages = await gateway.accept(2)
        store.hold()
        with trio.move_on_after(1):
            await cancel(gateway, messages[0])
        with trio.move_on_after(1):
            await cancel(gateway, messages[1])
        store.release()
        await gateway.settle()
        gateway.carrier.bind()
        await trio.sleep(5)
        assert messages[0].seq not in gateway.sent
        assert not gateway.engine.core.finish_watchers or len(gateway.engine.core.finish_watchers) <= 1


async def accept_copies(gateway: FakeGateway, count: int, *, short: bool) -> list[Message]:
    """As submit_multi does."""
    now = gateway.clock.now_ms()
    intake, account = gateway.engine.intake, gateway.engine.accounts["acme"]
    copies = [make_message(now) for _ in range(count)]
    assert [intake.take(account, copy, now) for copy in copies] == [[copy] for copy in copies]
    intake.number_copies(copies, short=short)
    intake.commit(copies, lambda _status: None)
    await gateway.settle()
    return copies


@pytest.mark.parametrize("copies", [1, 4, 5, 300])
async def test_a_short_id_costs_what_it_names(copies: int) -> None:
    """All of its messages are found, and not many more are read."""
    store = MemoryStore()
    async with run_gateway(make_config(accounts={"acme": account_settings("acme")}), store) as gateway:
        await gateway.accept(3)
        messages = await accept_copies(gateway, copies, short=True)
        await gateway.accept(300)
        asked: list[int] = []
        find = store.find_messages

        async def find_messages(seq: int, count: int) -> list[Message]:
            asked.append(count)
            return await find(seq, count)

        store.find_messages = find_messages  # type: ignore[method-assign]
        found = await gateway.engine.control.find_all("acme", messages[0].message_id)
        assert [message.seq for message in found] == [message.seq for message in messages]
        assert asked[0] == 4
        assert sum(asked) <= copies + 4 + 2 * 256


async def test_copies_are_found_when_the_first_are_gone() -> None:
    """History keeps what was over last."""
    store = MemoryStore()
    async with run_gateway(make_config(accounts={"acme": account_settings("acme")}), store) as gateway:
        messages = await accept_copies(gateway, 20, short=False)
        for gone in messages[:10]:
            gateway.engine.core.live.pop(gone.seq)
            del store.tables.messages[gone.seq]
        found = await gateway.engine.control.find_all("acme", messages[0].message_id)
        assert [message.seq for message in found] == [message.seq for message in messages[10:]]
