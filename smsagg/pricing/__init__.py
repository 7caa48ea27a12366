"""What messages cost and bring: currencies, rate cards and price lists, margins, and limits on spending. All pure.

Money is whole micro-units (:mod:`smsagg.config.amounts`). A *rate card* holds a carrier's prices to us, a *price list*
ours to an account; both are a :class:`RateCard`, and every price is that of one segment.
"""

from smsagg.pricing.currencies import Currencies
from smsagg.pricing.margin import keeps_margin
from smsagg.pricing.rate_card import CardRate, CardRow, DestinationKind, RateCard

__all__ = ["CardRate", "CardRow", "Currencies", "DestinationKind", "RateCard", "keeps_margin"]
