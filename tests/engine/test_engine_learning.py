"""Carriers whose receipts name messages by other ids than they gave them: found out, told, and matched where asked."""

from random import Random

import pytest
import trio

from smsagg.config.schema import StoreSettings
from smsagg.model import CarrierReceipt, MessageState
from smsagg.receipts.learner import PAIRS_MIN
from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings, Reported
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, run_gateway

LEARN = make_config(carriers={"alpha": carrier_settings(FakeSettings(window=1_000, learns_ids=True))})
FIRST = 0x10C8F40D
KEYS = 'resp_id = "hex_to_decimal", id_strip_zeros = true'


def numbers(count: int, first: int = FIRST) -> list[int]:
    return [first + 7919 * n for n in range(count)]


async def take(gateway: FakeGateway, taken: list[int]) -> None:
    """Messages that the carrier takes under ids in hexadecimal."""
    await gateway.accept(len(taken))
    await gateway.settle()
    gateway.carrier.link.accept(ids=[f"{n:X}" for n in taken])
    await gateway.settle()


def report(gateway: FakeGateway, reported: list[int], state: MessageState = MessageState.DELIVERED) -> Reported:
    """Receipts in decimal."""
    return gateway.carrier.report(*(CarrierReceipt(f"{n}", state, 0, 0, raw_id=f"{n}") for n in reported))


def dialects(gateway: FakeGateway) -> list[tuple[str, ...]]:
    return list(gateway.engine.reports.learning.told())


async def test_a_rule_is_learned_and_all_that_waited_is_matched() -> None:
    """With ``learn``: the first receipts are parked until the evidence is enough, then all of them match."""
    async with run_gateway(LEARN) as gateway:
        sink = gateway.attach()
        await take(gateway, numbers(PAIRS_MIN + 10))
        report(gateway, numbers(PAIRS_MIN - 1))
        await gateway.settle()
        assert sink.received == []
        assert dialects(gateway) == []
        report(gateway, numbers(PAIRS_MIN)[-1:])
        await gateway.settle()
        assert len(sink.received) == PAIRS_MIN
        assert dialects(gateway) == [("alpha", KEYS, "applied")]
        report(gateway, numbers(PAIRS_MIN + 10)[PAIRS_MIN:])
        await gateway.settle()
        assert len(sink.received) == PAIRS_MIN + 10
        gateway.assert_nothing_is_held()
        assert isinstance(gateway.store, MemoryStore)
        assert gateway.store.tables.parked_receipts == {}


async def test_a_rule_is_only_told_where_nobody_asked_to_apply_it() -> None:
    """Receipts stay parked; the operator gets the keys to set."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        await take(gateway, numbers(PAIRS_MIN))
        report(gateway, numbers(PAIRS_MIN))
        await gateway.settle()
        assert dialects(gateway) == [("alpha", KEYS, "proposed")]
        assert sink.received == []
        assert gateway.engine.reports.correlator.early_count == PAIRS_MIN


async def learned(gateway: FakeGateway) -> None:
    await take(gateway, numbers(PAIRS_MIN))
    report(gateway, numbers(PAIRS_MIN))
    await gateway.settle()
    assert dialects(gateway) == [("alpha", KEYS, "applied")]


async def test_early_receipts_under_a_learned_rule() -> None:
    """Parked by event under either spelling, matched when the response comes (D01)."""
    async with run_gateway(LEARN) as gateway:
        sink = gateway.attach()
        await learned(gateway)
        await gateway.accept_one()
        await gateway.settle()
        report(gateway, [0xABC])
        await gateway.settle()
        assert len(sink.received) == PAIRS_MIN
        gateway.carrier.link.accept(ids=["00ABC"])
        await gateway.settle()
        assert len(sink.received) == PAIRS_MIN + 1
        gateway.assert_nothing_is_held()


async def test_a_repeated_receipt_under_a_learned_rule() -> None:
    """Answered, told once (D07)."""
    async with run_gateway(LEARN) as gateway:
        sink = gateway.attach()
        await learned(gateway)
        answers = report(gateway, numbers(3))
        await gateway.settle()
        assert answers.statuses == [ESME_ROK] * 3
        assert len(sink.received) == PAIRS_MIN
        assert gateway.engine.reports.correlator.early_count == 0


async def test_ambiguity_matches_nobody() -> None:
    """Two messages that the rule holds for the same: the receipt waits, and neither is ended by it."""
    async with run_gateway(LEARN) as gateway:
        sink = gateway.attach()
        await learned(gateway)
        await gateway.accept(2)
        await gateway.settle()
        gateway.carrier.link.accept(ids=["ABC", "0abc"])
        report(gateway, [0xABC])
        await gateway.settle()
        assert len(sink.received) == PAIRS_MIN
        assert gateway.engine.reports.correlator.early_count == 1


async def test_a_rule_in_force_goes_before_equal_ids() -> None:
    """A receipt in decimal whose digits are also another message's id in hexadecimal ends its own message only, whether
    it comes after the responses or before them."""
    async with run_gateway(LEARN) as gateway:
        sink = gateway.attach()
        await learned(gateway)
        own, other = await gateway.accept(2)
        await gateway.settle()
        gateway.carrier.link.accept(ids=["AB", "171"])
        report(gateway, [171])
        await gateway.settle()
        assert sink.message_ids[PAIRS_MIN:] == [own.message_id]
        report(gateway, [0x352])
        later, early = await gateway.accept(2)
        await gateway.settle()
        gateway.carrier.link.accept(ids=["850", "352"])  # 0x352 is 850
        await gateway.settle()
        assert sink.message_ids[PAIRS_MIN + 1 :] == [early.message_id]
        left = gateway.engine.core.live.values()
        assert {message.message_id for message in left} == {other.message_id, later.message_id}


async def test_early_and_ambiguous() -> None:
    """A receipt before two messages that it may name waits as well."""
    async with run_gateway(LEARN) as gateway:
        sink = gateway.attach()
        await learned(gateway)
        await gateway.accept(2)
        await gateway.settle()
        report(gateway, [0xABC])
        await gateway.settle()
        gateway.carrier.link.accept(ids=["ABC", "0abc"])
        await gateway.settle()
        assert len(sink.received) == PAIRS_MIN


async def test_messages_that_only_the_store_has() -> None:
    """Accepted before a restart: the receipts that teach the rule and all later ones find them there."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(LEARN, MemoryStore(tables), clock) as gateway:
        await take(gateway, numbers(PAIRS_MIN + 5))
    async with run_gateway(LEARN, MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        await take(gateway, numbers(PAIRS_MIN, 0x20000001))
        report(gateway, numbers(5))  # foreign as long as no rule is known
        await gateway.settle()
        report(gateway, numbers(5 * PAIRS_MIN, 0x20000001)[:PAIRS_MIN])
        await gateway.settle()
        await take(gateway, numbers(5 * PAIRS_MIN, 0x20000001)[PAIRS_MIN:])
        report(gateway, numbers(5 * PAIRS_MIN, 0x20000001)[PAIRS_MIN:])
        await gateway.settle()
        assert dialects(gateway) == [("alpha", KEYS, "applied")]
        report(gateway, numbers(PAIRS_MIN + 5)[5:])
        await gateway.settle()
        await trio.sleep(1)
        await gateway.settle()
        assert len(sink.received) == 5 * PAIRS_MIN + PAIRS_MIN + 5
        gateway.assert_nothing_is_held()


@pytest.mark.parametrize("learns", [True, False])
async def test_a_carrier_that_works_is_left_alone(learns: bool) -> None:
    """Receipts for messages of somebody else on the same bind teach nothing."""
    config = make_config(carriers={"alpha": carrier_settings(FakeSettings(window=1_000, learns_ids=learns))})
    async with run_gateway(config) as gateway:
        await gateway.accept(3 * PAIRS_MIN)
        await gateway.settle()
        ids = [f"{n}" for n in range(16, 16 + 3 * PAIRS_MIN)]
        gateway.carrier.link.accept(ids=ids)
        await gateway.settle()
        for n in range(16, 16 + PAIRS_MIN):
            gateway.carrier.receipt(f"{n}")
            gateway.carrier.receipt(f"{n:x}0")
        await gateway.settle()
        assert dialects(gateway) == []


@pytest.mark.parametrize("seed", range(12))
async def test_no_receipt_ever_ends_another_message(seed: int) -> None:
    """Ids so dense that most digits are an id in either base, receipts before and after their responses, some twice, a
    memory that holds few: every message that ends does so by its own receipt."""
    rng = Random(seed)
    config = make_config(
        carriers=LEARN.carriers, store=StoreSettings(live_messages_in_memory_max=rng.choice((20, 1_000)))
    )
    async with run_gateway(config) as gateway:
        sink = gateway.attach(window=1_000)
        await learned(gateway)
        given = rng.sample(range(16, 900), 200)
        own: dict[str, int] = {}
        for start in range(0, len(given), 20):
            batch = given[start : start + 20]
            messages = await gateway.accept(len(batch))
            await gateway.settle()
            own |= {message.message_id: n for message, n in zip(messages, batch, strict=True)}
            early = rng.sample(batch, 5)
            told = early + rng.sample(given[: start + 20], 5)
            ids = [f"{n:X}" for n in batch]
            outstanding = {message.message_id: message for message in gateway.carrier.outstanding}
            gateway.carrier.report(*(coded(n) for n in early))
            if rng.random() < 0.5:
                await gateway.settle()
            gateway.carrier.link.accept([outstanding[m.message_id] for m in messages], ids)
            gateway.carrier.report(*(coded(n) for n in told))
            await gateway.settle()
        gateway.carrier.report(*(coded(n) for n in given))
        await gateway.settle()
        ended = [delivery for delivery in sink.received if delivery.message_id in own]
        assert all(delivery.error_code == own[delivery.message_id] for delivery in ended)
        assert len({delivery.message_id for delivery in ended}) == len(ended) == len(given)


def coded(n: int) -> CarrierReceipt:
    """The receipt of message ``n``, which says so in its error code."""
    return CarrierReceipt(f"{n}", MessageState.UNDELIVERABLE, n, 0, raw_id=f"{n}")
