"""What a customer hears of a message of several parts: receipts by policy, query, cancel; also after a crash."""

from itertools import permutations
from typing import Any

import attrs
import pytest
import trio

from smsagg.config.schema import Config, LongMessageSettings, MessageClassSettings
from smsagg.engine.ending import reports
from smsagg.errors import StoreFailed
from smsagg.model import Message, MessageState
from smsagg.smpp.concatenation import UDHI, Concatenation, write_user_data
from smsagg.smpp.status import ESME_ROK, ESME_RREPLACEFAIL
from smsagg.store.base import QueuedMatch
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, account_settings, carrier_settings, make_config, run_gateway

LONG = b"The beginning of it. " + b"0123456789" * 38
D, U, X = MessageState.DELIVERED, MessageState.UNDELIVERABLE, MessageState.UNKNOWN


def config_of(form: str = "udh", fake: dict[str, Any] | None = None, **account: Any) -> Config:
    return make_config(
        accounts={"acme": account_settings("acme", **account)},
        carriers={"alpha": carrier_settings(FakeSettings(long_messages=form, **(fake or {})))},
        long_messages=LongMessageSettings(siblings_window=60.0),
    )


def udh_part(number: int, total: int = 3, reference: int = 7, text: bytes = b"text") -> dict[str, Any]:
    return {"body": write_user_data(Concatenation(reference, total, number), b"", text), "esm_class": UDHI}


async def sent_parts(gateway: FakeGateway, **fields: Any) -> list[Message]:
    """A long message that the carrier took, its parts under the ids c1, c2, …"""
    parts = await gateway.accept(body=LONG, in_payload=True, **fields)
    await gateway.settle()
    gateway.carrier.link.accept(ids=[f"c{part.part_number}" for part in gateway.carrier.outstanding])
    await gateway.settle()
    return parts


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
@pytest.mark.parametrize(
    ("policy", "states", "expected"),
    [
        ("worst", (D, D, D), [D]),
        ("worst", (D, U, D), [U]),
        ("worst", (X, D, U), [U]),
        ("first", (D, U, U), [D]),
        ("first", (U, D, D), [U]),
        ("last", (U, U, D), [D]),
        ("last", (D, D, U), [U]),
        ("all", (D, U, D), [D, U, D]),
    ],
)
async def test_one_receipt_by_the_policy_in_whatever_order_the_parts_end(
    policy: str, order: tuple[int, ...], states: tuple[MessageState, ...], expected: list[MessageState]
) -> None:
    """Under the one id that the customer knows, with the beginning of its text, at the moment that the policy names."""
    store = MemoryStore()
    async with run_gateway(config_of(long_receipts=policy), store) as gateway:
        sink = gateway.attach()
        parts = await sent_parts(gateway)
        decides = {"worst": order[-1], "first": 1, "last": 3}.get(policy)
        for number in order:
            before = len(sink.received)
            reported = gateway.carrier.receipt(f"c{number}", state=states[number - 1], error_code=number)
            await gateway.settle()
            assert reported.statuses == [ESME_ROK]
            assert len(sink.received) - before == (decides in (number, None))
        by_number = [expected[number - 1] for number in order] if policy == "all" else expected
        assert [receipt.message_state for receipt in sink.received] == by_number
        assert {receipt.message_id for receipt in sink.received} == {parts[0].message_id}
        assert all(b"text:The beginning of it." in receipt.body for receipt in sink.received)
        if policy == "worst":
            worst = max(expected[0], D)
            assert sink.received[0].error_code in [n for n, state in enumerate(states, 1) if state is worst]
        gateway.assert_nothing_is_held()
        assert len(store.tables.history) == 3
        assert store.tables.groups[1].done_at


@pytest.mark.parametrize(
    ("registered_delivery", "states", "told"),
    [(0, (D, D, D), False), (2, (D, D, D), False), (2, (D, U, D), True), (3, (D, U, D), False), (3, (D, D, D), True)],
)
async def test_only_receipts_that_were_asked_for(
    registered_delivery: int, states: tuple[MessageState, ...], told: bool
) -> None:
    """The whole's state decides about registered_delivery."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        await sent_parts(gateway, registered_delivery=registered_delivery)
        gateway.carrier.receipts([(f"c{n}", state) for n, state in enumerate(states, 1)])
        await gateway.settle()
        assert bool(sink.received) == told


async def test_a_refused_or_expired_part_is_the_worst() -> None:
    """Whatever ends a part counts, not only carriers' receipts."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        await gateway.accept(body=LONG, ttl_s=30)
        await gateway.settle()
        gateway.carrier.link.accept(gateway.carrier.outstanding[:1], ids=["c1"])
        gateway.carrier.link.refuse(0x0B, gateway.carrier.outstanding[:1])
        gateway.carrier.receipt("c1")
        await gateway.settle()
        assert sink.received == []
        gateway.carrier.link.accept(ids=["c3"])
        gateway.carrier.receipt("c3")
        await gateway.settle()
        (receipt,) = sink.received
        assert (receipt.message_state, receipt.error_code) == (MessageState.REJECTED, 0x0B)


async def test_notifications_come_from_one_part() -> None:
    """One part speaks for all while they are under way."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        await sent_parts(gateway, registered_delivery=0x11)
        for number in (2, 1, 3):
            gateway.carrier.receipt(f"c{number}", state=MessageState.ENROUTE)
        await gateway.settle()
        assert len(sink.received) == 1


# --- submitted in parts ---


async def test_a_part_that_was_refused_asks_for_no_receipt() -> None:
    """It opened the message and wanted every end told; what came after it wants failures only."""
    store = MemoryStore()
    async with run_gateway(config_of(part_receipts="worst"), store) as gateway:
        sink = gateway.attach()
        store.fail_next(StoreFailed("disk"))
        refused = gateway.submit(**udh_part(1, total=2), registered_delivery=0x11)
        await refused.answered.wait()
        for number in (2, 1):
            await gateway.accept_one(**udh_part(number, total=2), registered_delivery=2)
        await gateway.settle()
        gateway.carrier.link.accept(ids=["c2", "c1"])
        gateway.carrier.receipts([("c2", D), ("c1", D)])
        await gateway.settle()
        assert sink.received == []
        assert not store.tables.messages


@pytest.mark.parametrize(("policy", "told"), [("all", [1, 2, 3]), ("first", [1]), ("last", [3]), ("worst", [2])])
async def test_receipts_of_parts_that_were_submitted_so(policy: str, told: list[int]) -> None:
    """Each part has its own id; with ``worst`` the one that came first speaks for all."""
    async with run_gateway(config_of(part_receipts=policy)) as gateway:
        sink = gateway.attach()
        parts = [await gateway.accept_one(**udh_part(number)) for number in (2, 3, 1)]
        await gateway.settle()
        gateway.carrier.link.accept(ids=["c1", "c2", "c3"])
        gateway.carrier.receipts([("c3", D), ("c1", U), ("c2", D)])
        await gateway.settle()
        ids = {part.part_number: part.message_id for part in parts}
        assert {receipt.message_id for receipt in sink.received} == {ids[number] for number in told}
        assert len(sink.received) == len(told)
        if policy == "worst":
            assert sink.received[0].message_state is U


async def test_a_message_that_misses_a_part_is_reported_when_none_can_come() -> None:
    """The worst of those that came, once the window is over; and not twice."""
    store = MemoryStore()
    async with run_gateway(config_of(part_receipts="worst"), store) as gateway:
        sink = gateway.attach()
        parts = [await gateway.accept_one(**udh_part(number)) for number in (1, 3)]
        gateway.carrier.accept_all()
        await gateway.until(lambda: len(gateway.carrier.sent) == 2)
        await gateway.settle()
        gateway.carrier.receipts([("alpha-1", D), ("alpha-2", D)])
        await gateway.settle()
        assert sink.received == []
        gateway.clock.jump_wall(61)
        await trio.sleep(5)
        assert sink.received == []
        gateway.clock.jump_wall(20)
        await gateway.until(lambda: bool(sink.received))
        await trio.sleep(10)
        (receipt,) = sink.received
        assert (receipt.message_id, receipt.message_state) == (parts[0].message_id, D)
        assert store.tables.groups[1].done_at
        late = await gateway.accept_one(**udh_part(2))
        assert late.group is not parts[0].group


# --- query and cancel ---


async def test_a_query_shows_the_whole() -> None:
    """ENROUTE until every part has ended, then the worst; in memory, in the store and in history."""
    async with run_gateway(config_of(long_receipts="first")) as gateway:
        (first, *_) = await sent_parts(gateway)

        async def state() -> tuple[MessageState, int]:
            found = await gateway.engine.control.find("acme", first.message_id)
            assert found is not None
            return found.state, found.error_code

        assert await state() == (MessageState.ENROUTE, 0)
        gateway.carrier.receipt("c1")
        await gateway.settle()
        assert await state() == (MessageState.ENROUTE, 0)
        gateway.carrier.receipt("c2", state=U, error_code=9)
        gateway.carrier.receipt("c3")
        await gateway.settle()
        assert await state() == (U, 9)
        assert await gateway.engine.control.find("other", first.message_id) is None


@pytest.mark.parametrize("where", ["assembled", "scheduled", "parked", "following"])
async def test_a_cancel_ends_all_parts_or_none(where: str) -> None:
    """Wherever they wait; once one has been sent it is refused."""
    store = MemoryStore()
    bound = where == "following"
    config = config_of(fake={"bound": bound, "window": 1})
    async with run_gateway(config, store) as gateway:
        sink = gateway.attach()
        delay_s = {"scheduled": 60, "parked": 3_600}.get(where, 0)
        parts = await gateway.accept(body=LONG, delay_s=delay_s)
        await gateway.settle()
        cancelled = await gateway.engine.control.cancel("acme", parts[0].message_id, lambda _message: True)
        await gateway.settle()
        assert cancelled == (where != "following")
        if cancelled:
            assert {row.state for row in store.tables.history.values()} == {MessageState.DELETED}
            assert [receipt.message_state for receipt in sink.received] == [MessageState.DELETED]
            gateway.assert_nothing_is_held()
        else:
            assert not store.tables.history


@pytest.mark.parametrize("where", ["ready", "parked", "assembly"])
async def test_a_cancel_by_addresses_ends_all_parts_or_none(where: str) -> None:
    """Cut messages go as a whole, also when only some of their parts are found; submitted parts one by one."""
    match = QueuedMatch("acme", "ACME", "447700900123", None)
    delay_s = 3_600 if where == "parked" else 0
    store = MemoryStore()
    async with run_gateway(config_of(fake={"bound": False, "window": 1}), store) as gateway:
        if where == "assembly":
            await gateway.accept_one(**udh_part(1))
            await gateway.accept_one(**udh_part(3))
        else:
            await gateway.accept(body=LONG, delay_s=delay_s)
        other = await gateway.accept_one(destination_addr="447700900124", delay_s=delay_s)
        await gateway.settle()
        assert await gateway.engine.control.cancel_matching(match) == (2 if where == "assembly" else 3)
        await gateway.settle()
        assert list(store.tables.messages) == [other.seq]
    store = MemoryStore()
    async with run_gateway(config_of(fake={"window": 1}), store) as gateway:
        await gateway.accept(body=LONG)
        await gateway.settle()
        gateway.carrier.accept()
        await gateway.settle()
        assert await gateway.engine.control.cancel_matching(match) == 0
        assert len(store.tables.messages) == 3


async def test_parts_are_not_replaced() -> None:
    """Neither by id nor by a submit that would end them: one text cannot stand for several."""
    async with run_gateway(config_of(fake={"bound": False})) as gateway:
        cut = (await gateway.accept(body=LONG, delay_s=60))[0]
        submitted = await gateway.accept_one(**udh_part(1), delay_s=60)
        for message in (cut, submitted):
            status = await gateway.engine.replacement.revise("acme", message.message_id, _never)
            assert status == ESME_RREPLACEFAIL


def _never(_message: Message) -> int:
    raise AssertionError("asked for a revision")


# --- after a crash ---


@pytest.mark.parametrize("crash_after", range(4))
async def test_counting_goes_on_after_a_crash_at_any_point(crash_after: int) -> None:
    """Whenever the process dies between the ends of the parts, there is one receipt, with the worst state."""
    store, clock = MemoryStore(), FakeClock()
    config = config_of()
    async with run_gateway(config, store, clock) as gateway:
        await sent_parts(gateway)
        for number in range(1, crash_after + 1):
            gateway.carrier.receipt(f"c{number}", state=U if number == 1 else D)
            await gateway.settle()
    store = MemoryStore(store.tables)
    async with run_gateway(config, store, clock) as gateway:
        sink = gateway.attach()
        for number in range(crash_after + 1, 4):
            gateway.carrier.receipt(f"c{number}", state=U if number == 1 else D)
            await gateway.settle()
        await gateway.until(lambda: bool(sink.received))
        await gateway.settle()
        (receipt,) = sink.received
        assert receipt.message_state is U
        assert b"text:The beginning of it." in receipt.body


async def test_parts_that_waited_go_together_after_a_crash() -> None:
    """They pass the assembly again, as one on one link, also those of which a sibling was sent before."""
    store, clock = MemoryStore(), FakeClock()
    config = config_of(fake={"links": 3, "bound": False})
    async with run_gateway(config, store, clock) as gateway:
        await gateway.accept(body=LONG)
        await gateway.settle()
    store = MemoryStore(store.tables)
    config = config_of(fake={"links": 3, "window": 2})
    async with run_gateway(config, store, clock) as gateway:
        await gateway.until(lambda: bool(gateway.carrier.outstanding))
        (link,) = [link for link in gateway.carrier.links if link.outstanding]
        assert [part.part_number for part in link.outstanding] == [1, 2]
        link.accept(link.outstanding[:1], ids=["c1"])
        await gateway.settle()
    store = MemoryStore(store.tables)
    async with run_gateway(config, store, clock) as gateway:
        sink = gateway.attach()
        await gateway.until(lambda: bool(gateway.carrier.outstanding))
        (link,) = [link for link in gateway.carrier.links if link.outstanding]
        assert [part.part_number for part in link.outstanding] == [2, 3]
        link.accept(ids=["c2", "c3"])
        gateway.carrier.receipts([("c1", D), ("c2", D), ("c3", D)])
        await gateway.settle()
        await gateway.until(lambda: bool(sink.received))
        assert [receipt.message_state for receipt in sink.received] == [D]
        gateway.assert_nothing_is_held()


async def test_siblings_are_recognised_after_a_crash() -> None:
    """A part that is submitted to the next life belongs to those of the last one: one receipt for all."""
    store, clock = MemoryStore(), FakeClock()
    config = config_of(part_receipts="worst")
    async with run_gateway(config, store, clock) as gateway:
        first = await gateway.accept_one(**udh_part(1))
        await gateway.accept_one(**udh_part(3))
    store = MemoryStore(store.tables)
    async with run_gateway(config, store, clock) as gateway:
        sink = gateway.attach()
        await gateway.accept_one(**udh_part(2))
        await gateway.until(lambda: bool(gateway.carrier.outstanding))
        assert [part.part_number for part in gateway.carrier.outstanding] == [1, 2, 3]
        ids = gateway.carrier.accept()
        gateway.carrier.receipt(*ids)
        await gateway.settle()
        (receipt,) = sink.received
        assert receipt.message_id == first.message_id


@pytest.mark.parametrize("backlog_max", [0, 10])
@pytest.mark.parametrize("in_memory", [1, 2])
async def test_the_receipt_of_a_joined_message_finds_parts_that_left_memory(
    in_memory: int, backlog_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some in memory, some in the store only: all end, and the carrier is answered after that; also when those that are
    loaded push each other out, and when too many receipts wait for a look-up."""
    monkeypatch.setattr(reports, "BACKLOG_MAX", backlog_max)
    config = config_of("payload", part_receipts="worst")
    config = make_config(
        accounts=config.accounts,
        carriers=config.carriers,
        store=_small_store(config, in_memory),
    )
    store = MemoryStore()
    async with run_gateway(config, store) as gateway:
        sink = gateway.attach()
        for number in (1, 2, 3):
            await gateway.accept_one(**udh_part(number))
        await gateway.settle()
        (carrier_id,) = gateway.carrier.accept()
        await gateway.settle()
        assert len(gateway.engine.core.live) == in_memory
        reported = gateway.carrier.receipt(carrier_id, state=U)
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert [receipt.message_state for receipt in sink.received] == [U]
        assert not store.tables.messages
        gateway.assert_nothing_is_held()


def _small_store(config: Config, in_memory: int) -> Any:
    return attrs.evolve(config.store, live_messages_in_memory_max=in_memory)


@pytest.mark.parametrize("in_doubt", ["resend", "fail"])
async def test_parts_in_doubt_at_a_crash(in_doubt: str) -> None:
    """Sent again together, or ended as UNKNOWN with one receipt: as the class of single messages would have it."""
    store, clock = MemoryStore(), FakeClock()
    base = config_of()
    config = make_config(
        accounts=base.accounts,
        carriers=base.carriers,
        message_classes={"default": MessageClassSettings(in_doubt=in_doubt)},
    )
    async with run_gateway(config, store, clock) as gateway:
        await gateway.accept(body=LONG)
        await gateway.settle()
        assert len(gateway.carrier.outstanding) == 3
    store = MemoryStore(store.tables)
    async with run_gateway(config, store, clock) as gateway:
        sink = gateway.attach()
        if in_doubt == "resend":
            await gateway.until(lambda: len(gateway.carrier.outstanding) == 3)
            gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.until(lambda: bool(sink.received))
        await gateway.settle()
        assert [receipt.message_state for receipt in sink.received] == [X if in_doubt == "fail" else D]
        assert len(gateway.carrier.sent) == (0 if in_doubt == "fail" else 3)


async def test_a_commit_that_took_too_long_unwinds_the_whole() -> None:
    """The client hears an error, and neither parts nor receipt come of it."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        sink = gateway.attach()
        store.hold()
        submitted = gateway.submit(body=LONG)
        await trio.sleep(20)
        store.release()
        await submitted.answered.wait()
        assert submitted.status != ESME_ROK
        await gateway.settle()
        assert sink.received == []
        assert store.tables.groups[1].done_at
        gateway.assert_nothing_is_held()
