"""The day: who serves which country at what price and how well, how traffic comes, and what fails when.

The clock of the day has hours of :data:`HOUR_S` seconds, so that a day is over soon. Every wait of the gateway has its
real length, so in proportion to the day it finds out everything more slowly than it would in earnest.
"""

from math import cos, pi
from random import Random

from attrs import define

HOUR_S = 600.0
HOURS = 24
PREFIXES = {"GB": "447900", "VN": "849012", "UZ": "998901", "HK": "852912", "US": "120255"}
OPERATORS = 2
"""Of each country; the digit after the prefix says which, 0 to 4 or 5 to 9."""
DEAD = "499"
"""Numbers with these digits after the prefix belong to nobody."""


@define(frozen=True)
class Offer:
    """What one carrier is in one country."""

    prices: tuple[str, str]
    """For each message that it takes, in the base currency, to the one and to the other operator of the country."""
    delivers: float
    """Share of the messages that reach their handset."""
    receipt_s: float
    """Median time from taking a message to its receipt."""


@define(frozen=True)
class Supplier:
    """One carrier, the same in each of its countries but for the offer."""

    rate: float
    """Messages per second that it takes."""
    offers: dict[str, Offer]


SUPPLIERS: dict[str, Supplier] = {
    "albion": Supplier(0.12, {"GB": Offer(("0.0200", "0.0320"), 0.93, 4)}),
    "thames": Supplier(0.2, {"GB": Offer(("0.0290", "0.0230"), 0.97, 3)}),
    "hanoi": Supplier(0.12, {"VN": Offer(("0.0300", "0.0450"), 0.92, 6)}),
    "saigon": Supplier(0.2, {"VN": Offer(("0.0440", "0.0360"), 0.96, 4)}),
    "tashkent": Supplier(0.1, {"UZ": Offer(("0.1000", "0.1600"), 0.90, 8)}),
    "samarkand": Supplier(0.2, {"UZ": Offer(("0.1500", "0.1100"), 0.95, 5)}),
    "harbour": Supplier(0.12, {"HK": Offer(("0.0250", "0.0360"), 0.95, 3)}),
    "victoria": Supplier(0.2, {"HK": Offer(("0.0330", "0.0290"), 0.985, 2)}),
    "hudson": Supplier(0.12, {"US": Offer(("0.0080", "0.0120"), 0.94, 3)}),
    "pacific": Supplier(0.2, {"US": Offer(("0.0105", "0.0085"), 0.97, 2)}),
    "orbit": Supplier(
        0.6,
        {
            "GB": Offer(("0.0300", "0.0300"), 0.960, 6),
            "VN": Offer(("0.0500", "0.0500"), 0.950, 7),
            "UZ": Offer(("0.1500", "0.1500"), 0.940, 9),
            "HK": Offer(("0.0360", "0.0360"), 0.960, 5),
            "US": Offer(("0.0120", "0.0120"), 0.960, 4),
        },
    ),
    "transit": Supplier(
        0.6,
        {
            "GB": Offer(("0.0360", "0.0360"), 0.980, 4),
            "VN": Offer(("0.0580", "0.0580"), 0.970, 5),
            "UZ": Offer(("0.1700", "0.1700"), 0.960, 6),
            "HK": Offer(("0.0410", "0.0410"), 0.975, 4),
            "US": Offer(("0.0140", "0.0140"), 0.980, 3),
        },
    ),
}


@define(frozen=True)
class PriceChange:
    """A new price for a whole country, from an hour of the day on."""

    carrier: str
    country: str
    from_hour: float
    price: str


PRICE_CHANGES = (PriceChange("orbit", "VN", 14.0, "0.0280"),)


def price_of(country: str, carrier: str, operator: int, hour: float) -> float:
    """What ``carrier`` takes for a message to that operator at that hour."""
    for change in PRICE_CHANGES:
        if (change.carrier, change.country) == (carrier, country) and hour >= change.from_hour:
            return float(change.price)
    return float(SUPPLIERS[carrier].offers[country].prices[operator])


def operator_of(country: str, msisdn: str) -> int:
    """Which of the country's operators has this number."""
    return int(msisdn[len(PREFIXES[country])]) // 5


@define(frozen=True)
class Failure:
    """What one carrier does from one hour of the day to another."""

    carrier: str
    kind: str
    """``outage``: its links are gone. ``throttling``: it takes a fifth of its rate. ``false receipts``: it delivers
    next to nothing and reports everything as delivered, at once."""
    from_hour: float
    to_hour: float

    def is_on(self, hour: float) -> bool:
        return self.from_hour <= hour < self.to_hour


FAILURES = (
    Failure("hanoi", "outage", 8.0, 10.0),
    Failure("hudson", "throttling", 12.0, 14.0),
    Failure("victoria", "false receipts", 16.0, 19.0),
)
THROTTLED_TO = 0.2
FALSE_DELIVERS = 0.05


@define(frozen=True)
class Submit:
    """One message of the day."""

    at_s: float
    account: str
    country: str
    msisdn: str


def traffic(seed: int, messages: int) -> list[Submit]:
    """The day's submits in order: a calm night, a peak in the afternoon, three accounts of different size."""
    rng = Random(f"{seed} traffic")
    countries, accounts = list(PREFIXES), ["shop", "bank", "fleet"]
    submits: list[Submit] = []
    while len(submits) < messages:
        hour = rng.uniform(0, HOURS)
        if rng.random() > (1.2 - cos((hour - 3) / HOURS * 2 * pi)) / 2.2:
            continue
        country = rng.choice(countries)
        number = f"{PREFIXES[country]}{rng.randrange(100_000):05d}"
        submits.append(Submit(hour * HOUR_S, rng.choices(accounts, (5, 3, 1))[0], country, number))
    return sorted(submits, key=lambda submit: submit.at_s)
