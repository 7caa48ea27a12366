"""Messages judged anew: who stays, who moves, by whom, and at what cost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_records import NOW, traffic

from smsagg.config.schema import PoolMember, PoolSettings, RoutingSettings
from smsagg.model import ChargeOn, MessageState
from smsagg.pricing import CardRow, Currencies, DestinationKind, RateCard
from smsagg.reports.replay import Replay
from smsagg.reports.report import Report
from smsagg.reports.savings import Savings
from smsagg.reports.what_if import Draft, PastMessage, Rates, WhatIf
from smsagg.routing.router import Router


def past(seq: int = 1, **values: Any) -> PastMessage:
    """A delivered message to GB by alpha."""
    fields: dict[str, Any] = {
        "seq": seq,
        "accepted_at": NOW,
        "account": "acme",
        "message_class": "otp",
        "country": "GB",
        "network": "23415",
        "pool": "gb",
        "carrier": "alpha",
        "route": "",
        "source_addr": "ACME",
        "tag": "",
        "state": MessageState.DELIVERED,
        "destination_addr": "447700900123",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "data_coding": 0,
        "esm_class": 0,
        "segments": 1,
        "earned": 50_000,
        "cost": 20_000,
        "taken": 1,
        "body": b"",
    }
    return PastMessage(**(fields | values))


def card(unit: int, charge_on: ChargeOn = ChargeOn.SUBMITTED, prefix: str = "4477") -> RateCard:
    return RateCard([CardRow(DestinationKind.PREFIX, prefix, unit, "EUR", charge_on)], Currencies())


def what_if(rates: dict[str, tuple[int, int]] | None = None, **values: Any) -> WhatIf:
    """A draft of one pool; ``rates``: by carrier, how many of how many were delivered in GB."""
    report = Report(("carrier", "country"))
    for carrier, (delivered, known) in (rates or {}).items():
        for number in range(known):
            state = MessageState.DELIVERED if number < delivered else MessageState.UNDELIVERABLE
            report.add([traffic(number, carrier=carrier, country="GB", state=state)])
    pools = {"gb": PoolSettings(tuple(PoolMember(name) for name in ("alpha", "beta")), countries=("GB",))}
    pools |= values.pop("pools", {})
    router = Router(pools, RoutingSettings())
    cards = values.pop("cards", {"alpha": card(20_000), "beta": card(15_000)})
    return WhatIf(Draft(pools, router, None, cards, **values), Rates(report))


def test_nothing_changes_under_what_is_in_force() -> None:
    """Carrier and cost stay, whatever cards say now."""
    judged = what_if().judge(past(cost=17))
    assert judged == ("gb", "", "", "alpha", 17)


@given(st.lists(st.builds(past, cost=st.integers(0, 10**6), earned=st.integers(0, 10**6), taken=st.integers(0, 1))))
def test_sums_of_an_unchanged_draft_are_those_of_the_messages(messages: list[PastMessage]) -> None:
    """Replay and savings find no difference, and add up right."""
    replay, savings = Replay(what_if()), Savings(what_if())
    replay.add(messages)
    savings.add(messages)
    total = replay.total
    assert total.cost_now == sum(m.cost for m in messages)
    assert total.cost_then == sum(m.cost for m in messages if m.taken)
    assert total.earned_now == total.earned_then == sum(m.earned for m in messages)
    assert (total.volume, total.moved, total.blocked) == (len(messages), 0, 0)
    assert savings.total.volume_now == savings.total.volume_then == sum(m.taken for m in messages)
    assert savings.total.difference == 0


@pytest.mark.parametrize(
    ("policy", "rates", "chosen"),
    [
        ("priority", {}, {"alpha": 3, "beta": 3}),
        ("least_cost", {}, {"beta": 6}),
        ("quality", {"alpha": (90, 100), "beta": (80, 100)}, {"alpha": 6}),
        ("combined", {"alpha": (90, 100), "beta": (80, 100)}, {"beta": 6}),
        ("combined", {"alpha": (90, 100), "beta": (70, 100)}, {"alpha": 6}),
        ("combined", {"alpha": (60, 100), "beta": (70, 100)}, {"beta": 6}),
    ],
)
def test_policies(policy: str, rates: dict[str, tuple[int, int]], chosen: dict[str, int]) -> None:
    """Each chooses as it does for live traffic, by the rates of the span."""
    judge = what_if(rates, policy=policy)
    found: dict[str, int] = {}
    for seq in range(6):
        carrier = judge.judge(past(seq)).carrier
        found[carrier] = found.get(carrier, 0) + 1
    assert found == chosen


@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), st.integers(1, 60))
def test_weights_come_out_to_one_message(weights: list[int], count: int) -> None:
    """Messages take turns."""
    members = tuple(PoolMember(f"c{place}", weight) for place, weight in enumerate(weights))
    pools = {"gb": PoolSettings(members, policy="weighted", countries=("GB",))}
    judge = what_if(pools=pools, changed_pools=frozenset(["gb"]), cards={})
    given_to = [judge.judge(past(seq)).carrier for seq in range(count)]
    for member in members:
        assert abs(given_to.count(member.carrier) - count * member.weight / sum(weights)) <= len(members)


def test_a_delivery_price_is_owed_for_what_was_delivered() -> None:
    """And a submit price for whatever was taken; each segment costs."""
    judge = what_if(cards={"alpha": card(9, ChargeOn.DELIVERED), "beta": card(5)}, changed_cards=frozenset(["alpha"]))
    assert judge.judge(past(segments=3)).cost == 27
    assert judge.judge(past(state=MessageState.UNDELIVERABLE)).cost == 0
    assert judge.judge(past(taken=0, carrier="", cost=0)).cost == 0
    assert judge.judge(past(country="FR")) == ("", "", "no_route", "", 0)


def test_of_a_number_that_was_taken_out_the_first_digits_are_left() -> None:
    """They still find a price by prefix, or none."""
    assert past(destination_addr="44770•••").digits == "44770"
    assert past(destination_addr="+4477•••").digits == "4477"
    assert past(destination_addr="ab•••").digits == ""
    judge = what_if(cards={"alpha": card(9, prefix="44")}, changed_cards=frozenset(["alpha"]))
    assert judge.judge(past(destination_addr="44770•••")).cost == 9


def test_rates_of_few_messages_are_those_of_more() -> None:
    """Of the carrier elsewhere, or of everybody."""
    report = Report(("carrier", "country"))
    report.add(traffic(seq, carrier="alpha", country="VN", state=2 if seq % 4 else 5) for seq in range(40))
    report.add(traffic(seq, carrier="alpha", country="GB", state=5) for seq in range(3))
    report.add(traffic(seq, carrier="beta", country="GB", state=5) for seq in range(3))
    rates = Rates(report)
    assert rates.rate("alpha", "VN") == 0.75
    assert rates.rate("alpha", "GB") == 30 / 43
    assert rates.rate("beta", "GB") == 30 / 46
    assert Rates(Report(("carrier", "country"))).rate("alpha", "GB") is None
