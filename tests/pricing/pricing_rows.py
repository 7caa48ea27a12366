"""Rows of rate cards for property tests."""

from decimal import Decimal

from hypothesis import strategies as st

from smsagg.model import ChargeOn
from smsagg.pricing import CardRow, Currencies, DestinationKind
from smsagg.pricing.rate_card import ALWAYS, FOREVER

CURRENCIES = Currencies("EUR", {"USD": Decimal("0.92"), "GBP": Decimal("1.15")})
BOUNDARIES = [ALWAYS, *(1_700_000_000_000 + 86_400_000 * day for day in range(5)), 1_700_000_000_001, FOREVER]
VALUES = {
    DestinationKind.NETWORK: ["23415", "23410", "310260"],
    DestinationKind.PREFIX: ["4", "44", "447", "44770", "1", "1212"],
    DestinationKind.MCC: ["234", "310"],
    DestinationKind.COUNTRY: ["GB", "US"],
    DestinationKind.EVERYWHERE: ["*"],
}
DIGITS = st.sampled_from(["447700900123", "447911123456", "12125550100", "491701234567", "4"])
NETWORKS = st.sampled_from(["", "23415", "23499", "310260"])
COUNTRIES = st.sampled_from(["", "GB", "US", "DE"])
INSTANTS = st.one_of(st.sampled_from(BOUNDARIES[1:-1]), st.integers(1, 2_000_000_000_000))


@st.composite
def card_rows(draw: st.DrawFn) -> list[CardRow]:
    """Rows of which none overlap."""
    rows = []
    for kind, values in VALUES.items():
        for value in draw(st.lists(st.sampled_from(values), unique=True)):
            instants = sorted(draw(st.lists(st.sampled_from(BOUNDARIES), min_size=2, max_size=5, unique=True)))
            for effective_from, effective_until in zip(instants[::2], instants[1::2], strict=False):
                unit = draw(st.integers(0, 10**9))
                currency = draw(st.sampled_from(CURRENCIES.names))
                charge_on = draw(st.sampled_from([ChargeOn.SUBMITTED, ChargeOn.DELIVERED]))
                rows.append(CardRow(kind, value, unit, currency, charge_on, effective_from, effective_until))
    return rows
