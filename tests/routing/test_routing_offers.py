"""Offers: one object for all messages with the same prices."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from smsagg.routing.offers import LOOKED_UP_MS, OfferBook, digits_of

NOW = 1_700_000_000_000


class Price(NamedTuple):
    base: int


class FakeCard:
    """Prices by prefix of two digits; asked how often."""

    head_digits = 4

    def __init__(self, prices: dict[str, int]) -> None:
        self.prices = prices
        self.asked = 0

    def find(self, digits: str, network: str, at_ms: int, country: str = "") -> Price | None:
        self.asked += 1
        price = self.prices.get(network) or self.prices.get(digits[:2])
        return None if price is None else Price(price)


def test_what_is_equal_is_one_object() -> None:
    """Numbers of other prefixes with the same prices too; other prices, networks and countries are others."""
    book = OfferBook([FakeCard({"44": 10, "45": 10, "46": 20}), None])
    first = book.find("447700900123", "GB", "", 0, NOW)
    assert first.costs == (10, None)
    assert book.find("+447811900123", "GB", "", 0, NOW) is first
    assert book.find("457700900123", "GB", "", 0, NOW) is first
    assert book.find("467700900123", "GB", "", 0, NOW) is not first
    assert book.find("447700900123", "GG", "", 0, NOW) is not first
    assert book.find("447700900123", "GB", "23415", 0, NOW) is not first
    assert book.find("447700900123", "GB", "", 5, NOW).revenue == 5


def test_prices_are_looked_up_once_in_a_while() -> None:
    """For each head of a number; a price that changes is seen after that."""
    card = FakeCard({"44": 10})
    book = OfferBook([card])
    for number in range(100):
        book.find(f"4477{number:08}", "GB", "", 0, NOW + number)
    assert card.asked == 1
    card.prices["44"] = 30
    assert book.find("447700900123", "GB", "", 0, NOW + 200).costs == (10,)
    assert book.find("447700900123", "GB", "", 0, NOW + LOOKED_UP_MS + 200).costs == (30,)


def test_without_cards_all_of_a_country_is_one() -> None:
    """Whatever the number."""
    book = OfferBook([None, None])
    assert book.find("447700900123", "GB", "", 0, NOW) is book.find("447811111111", "GB", "", 0, NOW + 99_999)


@given(st.from_regex(r"[1-9]\d{6,14}", fullmatch=True), st.sampled_from(["", "+", "00"]))
def test_the_number_in_an_address(digits: str, mark: str) -> None:
    """However it is written."""
    assert digits_of(mark + digits) == digits
