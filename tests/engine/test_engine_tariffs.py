"""Prices at admission, the margin guard, and what carriers are owed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from smsagg.config.amounts import Margin
from smsagg.config.schema import Config
from smsagg.engine.admission.tariffs import MarginGuard, guard_of
from smsagg.model import ChargeOn, Message, MessageState, Refusal
from smsagg.pricing import CardRow, Currencies, DestinationKind, RateCard
from smsagg.smpp.status import ESME_RSUBMITFAIL
from smsagg.store.memory import MemoryStore
from smsagg.tables import Tables
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    make_message,
    pool_settings,
    run_gateway,
)

NUMBER = "447700900123"


def card(unit: int, charge_on: ChargeOn = ChargeOn.SUBMITTED, prefix: str = "44") -> RateCard:
    return RateCard([CardRow(DestinationKind.PREFIX, prefix, unit, "EUR", charge_on)], Currencies())


def config_of(account: Mapping[str, Any] | None = None, **pool: Any) -> Config:
    return make_config(
        accounts={"acme": account_settings("acme", **(account or {}))},
        carriers={"alpha": carrier_settings(), "beta": carrier_settings()},
        pools={"gb": pool_settings("alpha", "beta", countries=("GB", "US"), **pool)},
    )


def admit(gateway: FakeGateway, digits: str = NUMBER) -> Message | Refusal:
    """A message that the gateway's account submits to ``digits``."""
    engine, now = gateway.engine, gateway.clock.now_ms()
    message = make_message(now, pool="", country="", destination_addr=digits)
    return engine.admission.admit(engine.accounts["acme"], message, digits, now) or message


def use(gateway: FakeGateway, prices: RateCard | None = None, **cards: RateCard) -> None:
    """Go on with these price and rate cards."""
    engine = gateway.engine
    tables = Tables(cards=cards, prices={} if prices is None else {"acme": prices})
    engine.reconfigure(engine.core.config, tables, gateway.carriers)


async def test_a_message_has_the_price_of_its_admission() -> None:
    """In the account's currency and the base; without a price list it has none."""
    async with run_gateway(config_of()) as gateway:
        message = admit(gateway)
        assert isinstance(message, Message)
        assert (message.price, message.revenue, message.charge_on) == (0, 0, ChargeOn.NOTHING)
        rows = [CardRow(DestinationKind.COUNTRY, "GB", 30, "USD", ChargeOn.DELIVERED)]
        use(gateway, RateCard(rows, Currencies("EUR", {"USD": Decimal("0.5")})))
        message = admit(gateway)
        assert isinstance(message, Message)
        assert (message.price, message.revenue, message.charge_on) == (30, 15, ChargeOn.DELIVERED)


@pytest.mark.parametrize(("when", "is_refused"), [("allow", False), ("refuse", True)])
async def test_what_has_no_price_is_free_or_refused(when: str, is_refused: bool) -> None:
    """As the account says; it is counted either way."""
    async with run_gateway(config_of({"when_unpriced": when})) as gateway:
        use(gateway, card(30))
        answer = admit(gateway, "12125550100")
        assert (answer == Refusal(ESME_RSUBMITFAIL, "unpriced")) is is_refused
        assert gateway.metrics.unpriced["acme", "US"].n == 1


@pytest.mark.parametrize(
    ("cards", "is_refused"),
    [
        ({"alpha": card(31), "beta": card(40)}, True),
        ({"alpha": card(31), "beta": card(30)}, False),
        ({"alpha": card(31)}, False),
        ({"alpha": card(31), "beta": card(5, prefix="49")}, False),
    ],
)
async def test_the_guard_refuses_when_nobody_leaves_the_margin(cards: dict[str, RateCard], is_refused: bool) -> None:
    """A carrier whose cost is not known may leave it."""
    async with run_gateway(config_of(margin_guard="refuse")) as gateway:
        use(gateway, card(30), **cards)
        assert (admit(gateway) == Refusal(ESME_RSUBMITFAIL, "margin")) is is_refused


async def test_a_carrier_without_a_price_does_not_count_where_it_is_never_taken() -> None:
    """``unpriced = "refuse"`` leaves nobody who may be cheap enough."""
    config = config_of(margin_guard="refuse", policy="least_cost", unpriced="refuse")
    async with run_gateway(config) as gateway:
        use(gateway, card(30), alpha=card(31))
        assert admit(gateway) == Refusal(ESME_RSUBMITFAIL, "margin")


async def test_the_guard_may_only_warn() -> None:
    """The message is taken, and counted."""
    async with run_gateway(config_of(margin_guard="warn", margin_min=Margin(1))) as gateway:
        use(gateway, card(30), alpha=card(30), beta=card(30))
        assert isinstance(admit(gateway), Message)
        assert gateway.metrics.margin_warnings["acme", "gb"].n == 1
        use(gateway, card(30), alpha=card(29), beta=card(30))
        assert isinstance(admit(gateway), Message)
        assert gateway.metrics.margin_warnings["acme", "gb"].n == 1


def test_an_account_says_more_than_its_pool() -> None:
    """Each of mode and margin by itself."""
    pool = pool_settings("alpha", margin_guard="warn", margin_min=Margin(5))
    account = account_settings("acme")
    assert guard_of(account, pool) == MarginGuard(False, Margin(5))
    assert guard_of(evolve(account, margin_guard="refuse"), pool) == MarginGuard(True, Margin(5))
    assert guard_of(evolve(account, margin_min=Margin(0, 100)), pool) == MarginGuard(False, Margin(0, 100))
    assert guard_of(evolve(account, margin_guard="off"), pool) is None


@pytest.mark.parametrize(("final", "costs"), [(MessageState.DELIVERED, [7, 7]), (MessageState.UNDELIVERABLE, [7, 0])])
async def test_a_carrier_is_owed_by_the_rule_of_its_price(final: MessageState, costs: list[int]) -> None:
    """When it takes a message, or when it has delivered it; the store has what was owed so far."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        gateway.carrier.accept_all()
        for charge_on, cost in zip((ChargeOn.SUBMITTED, ChargeOn.DELIVERED), costs, strict=True):
            use(gateway, alpha=card(7, charge_on))
            message = await gateway.accept_one()
            await gateway.settle()
            assert store.tables.messages[message.seq].cost == (7 if charge_on is ChargeOn.SUBMITTED else 0)
            gateway.carrier.receipts([(message.carrier_message_id, final)])
            await gateway.settle()
            assert store.tables.history[message.seq].cost == cost


async def test_each_segment_that_goes_on_whole_is_owed() -> None:
    """A carrier that takes a long text as one message is owed for all that its recipient gets."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        gateway.carrier.accept_all()
        use(gateway, alpha=card(7))
        message = await gateway.accept_one(body=b"x" * 400, in_payload=True)
        await gateway.settle()
        assert store.tables.messages[message.seq].cost == 21


async def test_an_attempt_in_doubt_costs_when_its_answer_comes() -> None:
    """Not before, and also when it comes late."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        use(gateway, alpha=card(7))
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.time_out()
        await gateway.settle()
        assert store.tables.messages[message.seq].cost == 0
        gateway.carrier.link.accept_late(message, "late")
        await gateway.settle()
        assert store.tables.messages[message.seq].cost == 7


async def test_a_message_that_two_carriers_took_costs_what_both_ask() -> None:
    """The first answered after the other had it: its answer comes too late to be of use, not to be charged."""
    store = MemoryStore()
    async with run_gateway(config_of(policy="priority"), store) as gateway:
        use(gateway, alpha=card(7), beta=card(5))
        message = await gateway.accept_one()
        await gateway.settle()
        first = next(carrier for carrier in gateway.carriers.values() if carrier.outstanding)
        first.time_out()
        second = next(carrier for carrier in gateway.carriers.values() if carrier is not first)
        await gateway.until(lambda: bool(second.outstanding))
        second.accept()
        await gateway.settle()
        assert store.tables.messages[message.seq].cost == (5 if second.name == "beta" else 7)
        first.link.accept_late(message, "late")
        await gateway.settle()
        assert store.tables.messages[message.seq].cost == 12


async def test_a_long_message_that_goes_whole_is_judged_by_the_segment() -> None:
    """It brings and costs as many times as much as its segments are: a carrier that loses on each is not taken."""
    config = config_of({"margin_guard": "refuse"})
    async with run_gateway(config) as gateway:
        use(gateway, card(30), alpha=card(31), beta=card(20))
        (message,) = await gateway.accept(1, body=b"x" * 400, in_payload=True, price=30, revenue=30)
        await gateway.settle()
        assert message.revenue == 3 * 30
        assert [carrier.name for carrier in gateway.carriers.values() if carrier.outstanding] == ["beta"]
        (pool,) = gateway.engine.core.pools.values()
        found = {one.carrier: (one.price, one.cost, one.margin) for one in pool.explain(message, 0.0)}
        assert found == {"alpha": (30, 31, -1), "beta": (30, 20, 10)}
