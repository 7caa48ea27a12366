"""Look-ups on rate cards, against a search of all rows."""

from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_rows import COUNTRIES, CURRENCIES, DIGITS, INSTANTS, NETWORKS, card_rows

from smsagg.model import ChargeOn
from smsagg.pricing import CardRate, CardRow, DestinationKind, RateCard, rate_card
from smsagg.pricing.rate_card import FOREVER

DAY = 86_400_000


def row_for(rows: list[CardRow], digits: str, network: str, at_ms: int, country: str) -> CardRow | None:
    """The obvious way."""
    matches = {
        DestinationKind.NETWORK: lambda value: value == network,
        DestinationKind.PREFIX: digits.startswith,
        DestinationKind.MCC: lambda value: network[:3] == value,
        DestinationKind.COUNTRY: lambda value: country == value,
        DestinationKind.EVERYWHERE: lambda value: True,
    }
    inforce = [row for row in rows if row.effective_from <= at_ms < row.effective_until]
    found = [row for row in inforce if matches[row.kind](row.value)]
    return min(found, key=lambda row: (row.kind, -len(row.value)), default=None)


@settings(max_examples=50)
@given(card_rows(), st.lists(st.tuples(DIGITS, NETWORKS, INSTANTS, COUNTRIES), min_size=1, max_size=30))
def test_the_most_specific_row_in_force_counts(rows: list[CardRow], asked: list[tuple[str, str, int, str]]) -> None:
    """Network before prefix before MCC before country, the longer prefix first, in whatever order it is asked."""
    card = RateCard(rows, CURRENCIES)
    for digits, network, at_ms, country in asked:
        row = row_for(rows, digits, network, at_ms, country)
        rate = card.find(digits, network, at_ms, country)
        if row is None:
            assert rate is None
        else:
            base = CURRENCIES.to_base(row.unit, row.currency)
            assert rate == CardRate(row.unit, row.currency, row.charge_on, base)


def test_a_price_changes_at_its_instant() -> None:
    """The same look-up gives the old price until then and the new one from then on."""
    rows = [
        CardRow(DestinationKind.PREFIX, "44", 100, "EUR", effective_until=5 * DAY),
        CardRow(DestinationKind.PREFIX, "44", 200, "EUR", ChargeOn.DELIVERED, 5 * DAY),
    ]
    card = RateCard(rows, CURRENCIES)
    units = [card.find("447700900123", "", at_ms).unit for at_ms in (0, 5 * DAY - 1, 5 * DAY, 9 * DAY, 1)]
    assert units == [100, 100, 200, 200, 100]


def test_a_row_that_is_not_in_force_leaves_it_to_a_less_specific_one() -> None:
    """A prefix with a price from tomorrow on costs what its country costs today."""
    rows = [
        CardRow(DestinationKind.PREFIX, "447700", 100, "EUR", effective_from=5 * DAY),
        CardRow(DestinationKind.COUNTRY, "GB", 300, "EUR"),
    ]
    card = RateCard(rows, CURRENCIES)
    assert card.find("447700900123", "", DAY, "GB").unit == 300
    assert card.find("447700900123", "", 6 * DAY, "GB").unit == 100


def test_what_is_remembered_is_bounded(monkeypatch) -> None:
    """Numbers that were never seen before push out the others, and answers stay right."""
    monkeypatch.setattr(rate_card, "REMEMBERED_MAX", 10)
    card = RateCard([CardRow(DestinationKind.PREFIX, f"44{n:02d}", n, "EUR") for n in range(100)], CURRENCIES)
    for n in [*range(100), *range(100)]:
        assert card.find(f"44{n:02d}700900", "", DAY).unit == n
        assert len(card._remembered) <= 10


def test_an_empty_card_has_no_price_for_anybody() -> None:
    """Nor does it fail."""
    assert RateCard([], CURRENCIES).find("447700900123", "23415", FOREVER - 1, "GB") is None
