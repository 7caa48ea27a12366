"""The rate cards of the day's carriers, as they would stand in their files."""

from datetime import UTC, datetime

from smsagg.config.csv_rows import FileProblems
from smsagg.pricing import Currencies, RateCard
from smsagg.pricing.card_file import read_card
from smsagg.tables import Tables
from smsagg.testing.clock import EPOCH_MS
from tools.day.scenario import HOUR_S, PREFIXES, PRICE_CHANGES, SUPPLIERS

CURRENCY = "EUR"


def day_tables() -> Tables:
    """What the gateway knows of prices on the day."""
    return Tables(cards={name: _card(name) for name in SUPPLIERS})


def _card(carrier: str) -> RateCard:
    problems = FileProblems(f"{carrier}.csv")
    card = read_card(card_text(carrier), CURRENCY, Currencies(), problems)
    assert card is not None, problems.lines
    return card


def card_text(carrier: str) -> str:
    """A row for each range of numbers and each price."""
    rows = ["prefix,price,effective_from,effective_until"]
    for country, offer in SUPPLIERS[carrier].offers.items():
        changes = [change for change in PRICE_CHANGES if (change.carrier, change.country) == (carrier, country)]
        ends = _instant(changes[0].from_hour) if changes else ""
        for digit in range(10):
            prefix = f"{PREFIXES[country]}{digit}"
            rows.append(f"{prefix},{offer.prices[digit // 5]},,{ends}")
            rows += [f"{prefix},{change.price},{_instant(change.from_hour)}," for change in changes]
    return "\n".join(rows) + "\n"


def _instant(hour: float) -> str:
    return datetime.fromtimestamp(EPOCH_MS / 1000 + hour * HOUR_S, UTC).isoformat()
