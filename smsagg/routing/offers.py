"""What the carriers of a pool would cost for a message, shared by all messages of which that is true.

Theory of operation. Prices go by prefix, network and country, and thousands of numbers have the same ones. So
:class:`OfferBook` looks a number's prices up once for each of its leading digits that the pool's rate cards tell apart,
and gives the same :class:`Offers` object to all messages with the same prices: what is equal can be chosen for
together. A change of price takes effect within ``LOOKED_UP_MS`` of its instant, for messages that come to be queued
from then on.

Money is whole micro-units of the base currency. Memory: ``REMEMBERED_MAX`` leading digits and as many offers.
"""

from collections.abc import Sequence
from typing import Protocol

from attrs import define

LOOKED_UP_MS = 10_000
"""What was found is looked up anew after so long."""
REMEMBERED_MAX = 20_000


class Rate(Protocol):
    """A price of one segment."""

    @property
    def base(self) -> int:
        """Micro-units of the base currency."""
        ...


class Card(Protocol):
    """A carrier's prices, see :class:`smsagg.pricing.RateCard`."""

    @property
    def head_digits(self) -> int:
        """Leading digits of a number that it tells apart."""
        ...

    def find(self, digits: str, network: str, at_ms: int, country: str = "") -> Rate | None: ...


@define(eq=False, frozen=True)
class Offers:
    """What each member of a pool would cost for one segment; one object for all messages that it is true of."""

    country: str
    network: str
    revenue: int
    """What such a message brings; 0 where nobody asks."""
    costs: tuple[int | None, ...]
    """By member; ``None``: its price is not known."""


class OfferBook:
    """The offers of one pool's members. ``at_ms`` is UTC milliseconds."""

    __slots__ = ("_by_head", "_cards", "_head_digits", "_looked_up_at", "_offers")

    def __init__(self, cards: Sequence[Card | None]) -> None:
        """``cards`` by member, ``None`` for who has none."""
        self._cards = tuple(cards)
        self._head_digits = max((card.head_digits for card in cards if card is not None), default=0)
        self._by_head: dict[tuple[str, str, str, int], Offers] = {}
        self._offers: dict[tuple[str, str, int, tuple[int | None, ...]], Offers] = {}
        self._looked_up_at = 0

    def find(self, destination_addr: str, country: str, network: str, revenue: int, at_ms: int) -> Offers:
        """The offers for a message to this address; ``revenue``: 0 unless it matters what the message brings."""
        if not 0 <= at_ms - self._looked_up_at < LOOKED_UP_MS:
            self._by_head.clear()
            self._looked_up_at = at_ms
        head = digits_of(destination_addr)[: self._head_digits] if self._head_digits else ""
        key = (head, network, country, revenue)
        offers = self._by_head.get(key)
        if offers is None:
            offers = self._look_up(key, at_ms)
        return offers

    def _look_up(self, key: tuple[str, str, str, int], at_ms: int) -> Offers:
        head, network, country, revenue = key
        rates = (None if card is None else card.find(head, network, at_ms, country) for card in self._cards)
        costs = tuple(None if rate is None else rate.base for rate in rates)
        of = (country, network, revenue, costs)
        offers = self._offers.get(of)
        if offers is None:
            if len(self._offers) >= REMEMBERED_MAX:
                self._offers.clear()
            offers = self._offers[of] = Offers(country, network, revenue, costs)
        if len(self._by_head) >= REMEMBERED_MAX:
            self._by_head.clear()
        self._by_head[key] = offers
        return offers


def digits_of(destination_addr: str) -> str:
    """The number in an address that was taken for an international one: no plus, no leading zeros."""
    return destination_addr if destination_addr[:1] not in ("+", "0") else destination_addr.lstrip("+0")
