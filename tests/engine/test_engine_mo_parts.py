"""Long messages from handsets: one delivery or as many as there were parts, and nothing lost on the way."""

from collections.abc import Sequence
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import Config, Duration, MoRouteSettings, MoSettings
from smsagg.model import Delivery
from smsagg.smpp.concatenation import Concatenation, write_user_data
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import Reported
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway

WHOLE = make_config(accounts={"acme": account_settings("acme", mo_numbers=("53849",), reassemble=True)})
PARTS = make_config(accounts={"acme": account_settings("acme", mo_numbers=("53849",))})
KEYWORDS = make_config(
    accounts={"acme": account_settings("acme"), "other": account_settings("other")},
    mo_routes=(MoRouteSettings("acme", "53849"), MoRouteSettings("other", "53849", "vote")),
)


def body(text: bytes, number: int, total: int) -> bytes:
    return write_user_data(Concatenation(7, total, number, False), b"", text)


def send(gateway: FakeGateway, number: int, text: bytes, total: int = 2, destination: str = "53849") -> Reported:
    return gateway.carrier.mo(destination, body(text, number, total), esm_class=0x40)


def tables(gateway: FakeGateway) -> Tables:
    assert isinstance(gateway.store, MemoryStore)
    return gateway.store.tables


def bodies(deliveries: Sequence[Delivery]) -> list[bytes]:
    return [delivery.body for delivery in deliveries]


async def test_one_message_of_parts_in_any_order() -> None:
    """Each part is answered when it is durable; the account gets one deliver_sm without header."""
    async with run_gateway(WHOLE) as gateway:
        sink = gateway.attach()
        second = send(gateway, 2, b"llo ", 3)
        third = send(gateway, 3, b"there", 3)
        await gateway.settle()
        assert [second.statuses, third.statuses] == [[ESME_ROK], [ESME_ROK]]
        assert sink.received == []
        assert len(tables(gateway).mo_parts) == gateway.engine.handset.parts_waiting == 2
        first = send(gateway, 1, b"he", 3)
        await gateway.settle()
        assert first.statuses == [ESME_ROK]
        assert [(d.body, d.esm_class) for d in sink.received] == [(b"hello there", 0)]
        assert tables(gateway).mo_parts == {}
        gateway.assert_nothing_is_held()


async def test_parts_stay_parts_by_default() -> None:
    """They go on at once, octet for octet."""
    async with run_gateway(PARTS) as gateway:
        sink = gateway.attach()
        send(gateway, 2, b"llo")
        await gateway.settle()
        send(gateway, 1, b"he")
        await gateway.settle()
        assert [(d.body, d.esm_class) for d in sink.received] == [
            (body(b"llo", 2, 2), 0x40),
            (body(b"he", 1, 2), 0x40),
        ]
        assert tables(gateway).mo_parts == {}


async def test_a_repeated_part() -> None:
    """Is answered once more and delivered no second time, before and after the whole was handed out."""
    async with run_gateway(WHOLE) as gateway:
        sink = gateway.attach()
        again = [send(gateway, 1, b"he") for _ in range(3)]
        send(gateway, 2, b"llo")
        again += [send(gateway, 2, b"llo") for _ in range(3)]
        await gateway.settle()
        assert [reported.statuses for reported in again] == [[ESME_ROK]] * 6
        assert bodies(sink.received) == [b"hello"]
        assert gateway.metrics.mo_reassembled["alpha", "repeated"].n == 5


async def test_a_part_is_answered_after_its_commit() -> None:
    """And so is one that repeats a part whose commit is under way."""
    store = MemoryStore()
    async with run_gateway(WHOLE, store) as gateway:
        store.hold()
        reported = [send(gateway, 1, b"he"), send(gateway, 1, b"he")]
        await wait_all_tasks_blocked()
        assert [one.statuses for one in reported] == [[], []]
        store.release()
        await gateway.settle()
        assert [one.statuses for one in reported] == [[ESME_ROK], [ESME_ROK]]


async def test_parts_that_stay_alone_are_delivered_as_they_are() -> None:
    """After the timeout, and a sibling that comes still later at once."""
    async with run_gateway(WHOLE) as gateway:
        sink = gateway.attach()
        send(gateway, 2, b"b", 3)
        send(gateway, 1, b"a", 3)
        await trio.sleep(299)
        assert sink.received == []
        await trio.sleep(3)
        assert bodies(sink.received) == [body(b"a", 1, 3), body(b"b", 2, 3)]
        assert tables(gateway).mo_parts == {}
        late = send(gateway, 3, b"c", 3)
        await gateway.settle()
        assert late.statuses == [ESME_ROK]
        assert bodies(sink.received)[2:] == [body(b"c", 3, 3)]
        gateway.assert_nothing_is_held()


async def test_more_than_may_wait() -> None:
    """The message that waits longest is delivered as the parts that it is."""
    config = Config(accounts=WHOLE.accounts, carriers=WHOLE.carriers, pools=WHOLE.pools, mo=MoSettings(parts_max=1))
    async with run_gateway(config) as gateway:
        sink = gateway.attach()
        send(gateway, 1, b"a", 3)
        send(gateway, 1, b"b", 2)
        await gateway.settle()
        assert bodies(sink.received) == [body(b"a", 1, 3)]
        assert gateway.engine.handset.parts_waiting == len(tables(gateway).mo_parts) == 1


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_parts_follow_the_keyword_of_the_first(order: tuple[int, int]) -> None:
    """Whatever comes first: the account of the keyword gets all parts, as the parts that they are, in order."""
    texts = {1: b"Vote for", 2: b"stop me"}
    async with run_gateway(KEYWORDS) as gateway:
        acme, other = gateway.attach("acme"), gateway.attach("other")
        for number in order:
            send(gateway, number, texts[number])
        await gateway.settle()
        assert bodies(other.received) == [body(texts[number], number, 2) for number in (1, 2)]
        assert acme.received == []
        send(gateway, 2, b"vote", total=3)  # a second part's words are no keyword
        await trio.sleep(302)
        assert bodies(acme.received) == [body(b"vote", 2, 3)]


async def test_parts_for_a_keyword_that_nobody_has() -> None:
    """Refused while that can be said, dropped and counted when it shows too late."""
    config = make_config(
        accounts={"acme": account_settings("acme")}, mo_routes=(MoRouteSettings("acme", "53849", "vote"),)
    )
    async with run_gateway(config) as gateway:
        sink = gateway.attach()
        nobody = send(gateway, 1, b"x", destination="1")
        send(gateway, 1, b"hello")
        send(gateway, 2, b"vote")
        await gateway.settle()
        assert nobody.statuses == [ESME_RINVDSTADR]
        assert sink.received == []
        assert tables(gateway).mo_parts == {}
        assert gateway.metrics.carrier_mo["alpha", "refused"].n == 3


async def test_a_crash_between_the_parts() -> None:
    """What was answered waits on in the next life, and is one message when the rest comes."""
    store_tables, clock = Tables(), FakeClock()
    async with run_gateway(WHOLE, MemoryStore(store_tables), clock) as gateway:
        assert (reported := send(gateway, 1, b"he", 3)).statuses == []
        send(gateway, 2, b"llo", 3)
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
    async with run_gateway(WHOLE, MemoryStore(store_tables), clock) as gateway:
        sink = gateway.attach()
        assert gateway.engine.handset.parts_waiting == 2
        send(gateway, 1, b"he", 3)  # its answer was lost with the link
        send(gateway, 3, b"!", 3)
        await gateway.settle()
        assert bodies(sink.received) == [b"hello!"]
        assert store_tables.mo_parts == {}


async def test_a_crash_before_the_last_part_is_committed() -> None:
    """The last part was not answered, so it comes again; the others are still there."""
    store_tables, clock = Tables(), FakeClock()
    store = MemoryStore(store_tables)
    async with run_gateway(WHOLE, store, clock) as gateway:
        send(gateway, 1, b"he")
        await gateway.settle()
        store.hold()
        last = send(gateway, 2, b"llo")
        await wait_all_tasks_blocked()
        assert last.statuses == []
        store.crash()
    async with run_gateway(WHOLE, MemoryStore(store_tables), clock) as gateway:
        sink = gateway.attach()
        send(gateway, 2, b"llo")
        await gateway.settle()
        assert bodies(sink.received) == [b"hello"]


async def test_parts_that_waited_through_a_long_stop() -> None:
    """Their time goes on while nothing runs."""
    store_tables, clock = Tables(), FakeClock()
    async with run_gateway(WHOLE, MemoryStore(store_tables), clock) as gateway:
        send(gateway, 1, b"he")
        await gateway.settle()
    clock.jump_wall(3_600)
    async with run_gateway(WHOLE, MemoryStore(store_tables), clock) as gateway:
        sink = gateway.attach()
        await trio.sleep(2)
        assert bodies(sink.received) == [body(b"he", 1, 2)]


@pytest.mark.parametrize("settings", [MoSettings(parts_max=1), MoSettings(reassembly_timeout=Duration(1))])
async def test_other_limits_after_a_restart(settings: MoSettings) -> None:
    """What waits beyond them is delivered as it is."""
    store_tables, clock = Tables(), FakeClock()
    sections: dict[str, Any] = {"accounts": WHOLE.accounts}
    async with run_gateway(WHOLE, MemoryStore(store_tables), clock) as gateway:
        send(gateway, 1, b"a", 3)
        send(gateway, 2, b"b", 3)
        await gateway.settle()
    async with run_gateway(make_config(**sections, mo=settings), MemoryStore(store_tables), clock) as gateway:
        sink = gateway.attach()
        await trio.sleep(5)
        assert bodies(sink.received) == [body(b"a", 1, 3), body(b"b", 2, 3)]
        assert store_tables.mo_parts == {}
