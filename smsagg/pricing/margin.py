"""Whether a price leaves enough after what a carrier costs."""

from smsagg.config.amounts import Margin

_HUNDREDTHS_OF_PERCENT = 10_000


def keeps_margin(margin: Margin, revenue: int, cost: int) -> bool:
    """Whether ``revenue`` exceeds ``cost`` by ``margin`` at least; both are micro-units of the base currency.

    With a margin of 0 a message may cost what it brings.
    """
    return (revenue - cost - margin.micros) * _HUNDREDTHS_OF_PERCENT >= revenue * margin.hundredths
