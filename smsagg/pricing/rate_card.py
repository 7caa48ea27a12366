"""Prices by destination and time: which row of a rate card a message falls under.

Theory of operation. A row names a destination and, optionally, the period in which it holds; a destination may have
several rows whose periods do not overlap. Of the destinations that a number belongs to and that have a row in force at
the instant asked for, the most specific one counts:

1. its network, by MCC and MNC (``23415``), when that is known;
2. its longest prefix (``447700``, before ``44``);
3. its network's country, by MCC alone (``234``);
4. its country (``GB``);
5. everywhere (prefix ``*``).

A row that is not in force yet, or no more, is as if it were not there: the next in this order counts.

What was found is remembered by the leading digits that could matter, with the instants between which it holds; so a
look-up is one slice and one dict access, and a change of price takes effect at its instant without anybody's doing.
What is remembered is bounded by :data:`REMEMBERED_MAX` and begins anew when that is reached.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from operator import attrgetter
from typing import NamedTuple

from smsagg.model import ChargeOn
from smsagg.pricing.currencies import Currencies

ALWAYS = 0
"""``effective_from`` of what holds since ever."""
FOREVER = 2**62
"""``effective_until`` of what has no end."""
REMEMBERED_MAX = 50_000


class DestinationKind(IntEnum):
    """What a row's destination is; the most specific kind first."""

    NETWORK = 0
    """MCC and MNC, 5 or 6 digits."""
    PREFIX = 1
    MCC = 2
    """3 digits."""
    COUNTRY = 3
    """ISO 3166 alpha-2, or ``001``."""
    EVERYWHERE = 4
    """Value ``*``."""


class CardRow(NamedTuple):
    """One row. Instants are UTC milliseconds."""

    kind: DestinationKind
    value: str
    unit: int
    """Micro-units of ``currency`` for one segment."""
    currency: str
    charge_on: ChargeOn = ChargeOn.SUBMITTED
    effective_from: int = ALWAYS
    effective_until: int = FOREVER
    """The first instant at which it does not hold any more."""


class CardRate(NamedTuple):
    """The price of one segment."""

    unit: int
    """Micro-units of ``currency``."""
    currency: str
    charge_on: ChargeOn
    base: int
    """The same in micro-units of the base currency."""


class _Period(NamedTuple):
    begins_at: int
    ends_at: int
    rate: CardRate


_Found = tuple[int, int, CardRate | None]
"""(first instant, first instant after, what holds between)."""


class RateCard:
    """The rows of one carrier's rate card or one account's price list. Immutable to its users."""

    __slots__ = ("_by_kind", "_head_digits", "_lengths", "_remembered", "charges", "rows")

    def __init__(self, rows: Iterable[CardRow], currencies: Currencies) -> None:
        """Rows of one destination must not overlap; their currencies must be in ``currencies``."""
        self.rows = tuple(rows)
        self.charges = frozenset(row.charge_on for row in self.rows)
        """For what its prices are owed."""
        self._by_kind: list[dict[str, list[_Period]]] = [{} for _ in DestinationKind]
        for row in sorted(self.rows, key=attrgetter("effective_from")):
            rate = CardRate(row.unit, row.currency, row.charge_on, currencies.to_base(row.unit, row.currency))
            period = _Period(row.effective_from, row.effective_until, rate)
            self._by_kind[row.kind].setdefault(row.value, []).append(period)
        lengths = {len(prefix) for prefix in self._by_kind[DestinationKind.PREFIX]}
        self._lengths = tuple(sorted(lengths, reverse=True))
        self._head_digits = max(lengths, default=0)
        self._remembered: dict[tuple[str, str, str], _Found] = {}

    def find(self, digits: str, network: str, at_ms: int, country: str = "") -> CardRate | None:
        """The price of a segment to the E.164 number ``digits`` (no plus) at an instant; ``None``: it has none.

        ``network`` is its MCC and MNC and ``country`` its ISO code, ``""`` for unknown: then rows of that kind do not
        count.
        """
        key = (digits[: self._head_digits], network, country)
        found = self._remembered.get(key)
        if found is None or not found[0] <= at_ms < found[1]:
            found = self._look_up(key, at_ms)
        return found[2]

    @property
    def head_digits(self) -> int:
        """Leading digits of a number that may matter; the others do not."""
        return self._head_digits

    def __len__(self) -> int:
        return len(self.rows)

    def _look_up(self, key: tuple[str, str, str], at_ms: int) -> _Found:
        """Find, and between which instants that holds: nothing that was looked at changes there."""
        since, until = ALWAYS, FOREVER
        rate: CardRate | None = None
        for periods in self._destinations(*key):
            for period in periods:
                if period.ends_at <= at_ms:
                    since = max(since, period.ends_at)
                elif period.begins_at > at_ms:
                    until = min(until, period.begins_at)
                    break
                else:
                    since, until, rate = max(since, period.begins_at), min(until, period.ends_at), period.rate
                    break
            if rate is not None:
                break
        if len(self._remembered) >= REMEMBERED_MAX:
            self._remembered.clear()
        found = self._remembered[key] = (since, until, rate)
        return found

    def _destinations(self, head: str, network: str, country: str) -> Iterator[list[_Period]]:
        """The rows of each destination that this is, the most specific first."""
        networks, prefixes, mccs, countries, everywhere = self._by_kind
        if network in networks:
            yield networks[network]
        for length in self._lengths:
            if length <= len(head) and head[:length] in prefixes:
                yield prefixes[head[:length]]
        if network[:3] in mccs:
            yield mccs[network[:3]]
        if country in countries:
            yield countries[country]
        yield from everywhere.values()
