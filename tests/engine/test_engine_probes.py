"""Probes: messages of nobody to numbers whose fate is known, and what their receipts prove."""

from typing import Any

import trio

from smsagg.config.schema import Amount, Config, Duration, ProbeSettings
from smsagg.model import MessageState
from smsagg.pricing import CardRow, Currencies, DestinationKind, RateCard
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK
from smsagg.tables import Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, pool_settings, run_gateway

DEAD = "447700900999"


def config_of(*carriers: str, policy: str = "quality", **probe: Any) -> Config:
    values = {"pool": "gb", "number": DEAD, "expected": "undeliverable", "every": Duration(60), "within": Duration(30)}
    return make_config(
        carriers={name: carrier_settings(FakeSettings()) for name in carriers},
        pools={"gb": pool_settings(*carriers, policy=policy)},
        probes=(ProbeSettings(**(values | probe)),),  # type: ignore[arg-type]
    )


def results(gateway: FakeGateway) -> dict[tuple[str, str], int]:
    """Of the probes, by carrier and result."""
    return {(key[0], key[2]): int(child.n) for key, child in gateway.metrics.probes.items()}


async def probe(gateway: FakeGateway, carrier: str, state: MessageState) -> list[int]:
    """Wait for the next probe through ``carrier`` and report ``state`` for it; what the carrier was answered."""
    await gateway.until(lambda: bool(gateway.carriers[carrier].outstanding))
    ids = gateway.carriers[carrier].accept()
    reported = gateway.carriers[carrier].receipt(*ids, state=state)
    await gateway.settle()
    return reported.statuses


async def test_each_carrier_of_the_pool_is_probed() -> None:
    """In turn, with the text and number that were asked for, and nobody hears of it."""
    async with run_gateway(config_of("alpha", "beta", text="hello", sender="ACME")) as gateway:
        sink = gateway.attach()
        assert await probe(gateway, "alpha", MessageState.UNDELIVERABLE) == [ESME_ROK]
        assert await probe(gateway, "beta", MessageState.REJECTED) == [ESME_ROK]
        assert {name: len(carrier.sent) for name, carrier in gateway.carriers.items()} == {"alpha": 1, "beta": 1}
        assert gateway.carriers["alpha"].sent[0].body == b"hello"
        assert gateway.carriers["alpha"].sent[0].asks_receipt
        assert results(gateway) == {("alpha", "right"): 1, ("beta", "right"): 1}
        assert not sink.received
        gateway.assert_nothing_is_held()
        assert not gateway.store.tables.messages  # type: ignore[attr-defined]
        assert not gateway.store.tables.history  # type: ignore[attr-defined]
        assert not gateway.store.tables.parked_receipts  # type: ignore[attr-defined]


async def test_a_dead_number_that_was_reached_makes_a_carrier_a_last_resort() -> None:
    """Until its probes were right twice in a row."""
    async with run_gateway(config_of("alpha", "beta")) as gateway:
        await probe(gateway, "alpha", MessageState.DELIVERED)
        assert gateway.engine.core.quality.is_false("alpha", "GB")
        await gateway.accept(10)
        await gateway.settle()
        assert len(gateway.carriers["beta"].outstanding) == 10
        gateway.carriers["beta"].accept()
        await probe(gateway, "alpha", MessageState.UNDELIVERABLE)
        assert gateway.engine.core.quality.is_false("alpha", "GB")
        await probe(gateway, "alpha", MessageState.UNDELIVERABLE)
        assert not gateway.engine.core.quality.is_false("alpha", "GB")
        assert results(gateway)["alpha", "wrong"] == 1


async def test_a_carrier_that_is_doubted_is_probed_sooner() -> None:
    """Five times as often as one that is believed."""
    async with run_gateway(config_of("alpha", "beta", every=Duration(150))) as gateway:
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        gateway.engine.core.quality.probed("alpha", "GB", False, gateway.clock.now_ms())
        await trio.sleep(750)
        assert 20 <= len(gateway.carriers["alpha"].sent) <= 26
        assert 4 <= len(gateway.carriers["beta"].sent) <= 5


async def test_a_report_before_the_response() -> None:
    """Is found when the response comes, and leaves the store."""
    async with run_gateway(config_of("alpha")) as gateway:
        alpha = gateway.carriers["alpha"]
        await gateway.until(lambda: bool(alpha.outstanding))
        reported = alpha.receipt("early-1", state=MessageState.DELIVERED)
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        alpha.link.accept(ids=["early-1"])
        await gateway.settle()
        assert results(gateway) == {("alpha", "wrong"): 1}
        assert not gateway.store.tables.parked_receipts  # type: ignore[attr-defined]


async def test_what_tells_nothing() -> None:
    """Silence, a refusal, and reports on the way."""
    async with run_gateway(config_of("alpha", every=Duration(60))) as gateway:
        alpha = gateway.carriers["alpha"]
        await gateway.until(lambda: bool(alpha.outstanding))
        alpha.refuse(ESME_RINVDSTADR)
        await probe(gateway, "alpha", MessageState.ENROUTE)
        await trio.sleep(40)
        assert results(gateway) == {("alpha", "refused"): 1, ("alpha", "silent"): 1}
        assert not gateway.engine.core.quality.is_false("alpha", "GB")


async def test_a_live_number_counts_as_any_message() -> None:
    """What became of it is experience with the carrier, and no proof of anything."""
    async with run_gateway(config_of("alpha", expected="delivered")) as gateway:
        await probe(gateway, "alpha", MessageState.DELIVERED)
        await probe(gateway, "alpha", MessageState.UNDELIVERABLE)
        cell = gateway.engine.core.experience.cell("alpha", "GB")
        assert (cell.accepted, cell.delivered, cell.failed, cell.awaited) == (2, 1, 1, 0)
        assert results(gateway) == {("alpha", "right"): 1, ("alpha", "wrong"): 1}
        assert not gateway.engine.core.quality.is_false("alpha", "GB")


async def test_a_day_has_room_for_so_many() -> None:
    """By number, and by what they cost."""
    async with run_gateway(config_of("alpha", "beta", messages_per_day_max=5, every=Duration(10))) as gateway:
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        await trio.sleep(200)
        assert sum(len(carrier.sent) for carrier in gateway.carriers.values()) == 5
    card = RateCard([CardRow(DestinationKind.COUNTRY, "GB", 30_000, "EUR")], Currencies())
    config = config_of("alpha", cost_per_day_max=Amount(100_000), every=Duration(10))
    async with run_gateway(config, tables=Tables(cards={"alpha": card})) as gateway:
        gateway.carriers["alpha"].accept_all()
        await trio.sleep(200)
        assert len(gateway.carriers["alpha"].sent) == 3


async def test_a_carrier_without_room_is_probed_when_it_has_some() -> None:
    """A link that is down takes no probe, and is asked again soon."""
    async with run_gateway(config_of("alpha")) as gateway:
        gateway.carriers["alpha"].link.is_bound = False
        await trio.sleep(100)
        assert not gateway.carriers["alpha"].sent
        gateway.carriers["alpha"].bind()
        await trio.sleep(40)
        assert len(gateway.carriers["alpha"].sent) == 1
