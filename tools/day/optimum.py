"""What could have been done by somebody who knew the whole day beforehand: a fluid that flows to carriers with room.

The day is cut into slots; in each the demand of a country fills its carriers in a given order, each to what it can take
then, and what is left waits for the next slot. With the order of prices nothing cheaper is possible without waiting
for a cheaper carrier: that is the least cost. Carriers of several countries have room for all of them.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations

from attrs import define

from tools.day.scenario import (
    FAILURES,
    FALSE_DELIVERS,
    HOUR_S,
    HOURS,
    OPERATORS,
    PREFIXES,
    SUPPLIERS,
    THROTTLED_TO,
    Submit,
    operator_of,
    price_of,
)

SLOT_S = 10.0
Order = Callable[[int, float], Sequence[str]]
"""Carriers, the first one first, for an operator of the country at an hour."""


@define
class Flow:
    """What became of one country's demand."""

    cost: float = 0.0
    delivered: float = 0.0
    """Expected."""
    unsent: float = 0.0
    """Left at the end of the day."""


def carriers_of(country: str) -> list[str]:
    """All that serve it."""
    return [name for name, supplier in SUPPLIERS.items() if country in supplier.offers]


def morning_price(country: str, carrier: str) -> float:
    """The mean of its prices at the beginning of the day."""
    return sum(price_of(country, carrier, operator, 0.0) for operator in range(OPERATORS)) / OPERATORS


def promised(country: str, carrier: str) -> float:
    """What share it delivers on a good day, the higher the less."""
    return -SUPPLIERS[carrier].offers[country].delivers


def flow(submits: Iterable[Submit], country: str, order: Order) -> Flow:
    """Let ``country``'s demand flow to its carriers, in the order for each operator and hour."""
    slots = round(HOURS * HOUR_S / SLOT_S) + 1
    demand = [[0.0] * slots for _ in range(OPERATORS)]
    for submit in submits:
        if submit.country == country:
            demand[operator_of(country, submit.msisdn)][int(submit.at_s / SLOT_S)] += 1
    result, waiting = Flow(), [0.0] * OPERATORS
    for slot in range(slots):
        hour = slot * SLOT_S / HOUR_S
        room = {carrier: _rate_at(carrier, hour) * SLOT_S for carrier in carriers_of(country)}
        for operator in range(OPERATORS):
            waiting[operator] += demand[operator][slot]
        orders = [(operator, carrier) for operator in range(OPERATORS) for carrier in order(operator, hour)]
        for operator, carrier in sorted(orders, key=lambda pair: order(pair[0], hour).index(pair[1])):
            taken = min(waiting[operator], room[carrier])
            waiting[operator] -= taken
            room[carrier] -= taken
            result.cost += taken * price_of(country, carrier, operator, hour)
            result.delivered += taken * _delivers_at(carrier, country, hour)
    result.unsent = sum(waiting)
    return result


def least_cost(submits: Sequence[Submit]) -> float:
    """What sending everything costs at least."""
    return sum(flow(submits, country, _cheapest(country)).cost for country in PREFIXES)


def best_list(submits: Sequence[Submit], country: str) -> list[str]:
    """The fixed order whose delivered messages are cheapest, all failures known."""

    def cost_of_delivered(names: Sequence[str]) -> float:
        flown = flow(submits, country, lambda _operator, _hour: names)
        return flown.cost / flown.delivered

    return list(min(permutations(carriers_of(country)), key=cost_of_delivered))


def _cheapest(country: str) -> Order:
    def order(operator: int, hour: float) -> list[str]:
        return sorted(carriers_of(country), key=lambda carrier: price_of(country, carrier, operator, hour))

    return order


def _rate_at(carrier: str, hour: float) -> float:
    rate = SUPPLIERS[carrier].rate
    for failure in FAILURES:
        if failure.carrier == carrier and failure.is_on(hour):
            if failure.kind == "outage":
                return 0.0
            if failure.kind == "throttling":
                return rate * THROTTLED_TO
    return rate


def _delivers_at(carrier: str, country: str, hour: float) -> float:
    for failure in FAILURES:
        if failure.carrier == carrier and failure.kind == "false receipts" and failure.is_on(hour):
            return FALSE_DELIVERS
    return SUPPLIERS[carrier].offers[country].delivers
