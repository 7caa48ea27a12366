"""One account's money in memory: what it has, what is reserved for messages on their way, and whether more may come.

Theory of operation. ``balance`` is all that was ever credited less all that was charged. A message reserves its price
when it is accepted, and holds it until it is over; then it is charged or let go. What may be reserved is bounded by
``balance + credit``, so whatever is charged later, the balance never falls below ``-credit`` by messages: decisions are
made here, in one place and synchronously, and the store follows in the transactions of the messages.
"""

from smsagg.pricing.days import Days
from smsagg.pricing.spending import Spending

UNLIMITED = 2**62
"""Credit of an account that may owe any amount."""
NO_CREDIT = "no_credit"
CURRENCY_CHANGED = "currency_changed"


class Purse:
    """Amounts are micro-units of ``currency``."""

    __slots__ = (
        "_days",
        "account",
        "balance",
        "charged",
        "credit",
        "currency",
        "is_billed",
        "is_frozen",
        "reserved",
        "spending",
    )

    def __init__(self, account: str, currency: str, days: Days) -> None:
        self.account = account
        self.currency = currency
        self.balance = 0
        self.reserved = 0
        self.charged = 0
        """Since the process began, for metrics."""
        self.credit = 0
        """How far below 0 messages may bring the balance."""
        self.is_billed = False
        """Whether messages reserve and are charged."""
        self.is_frozen = False
        """It holds money of another currency than the account has now; nothing is accepted."""
        self.spending: Spending | None = None
        """``None``: the account has no caps and no quotas."""
        self._days = days

    @property
    def available(self) -> int:
        """What messages may still reserve."""
        return self.balance + self.credit - self.reserved

    def use(self, days: Days) -> None:
        """Days begin as they do there from now on."""
        self._days = days

    def day_at(self, at_ms: int) -> int:
        """The number of the day at an instant (UTC milliseconds)."""
        return self._days.at(at_ms).number

    def reserve(self, country: str, price: int, count: int, now: int) -> str:
        """Reserve ``price`` for each of ``count`` segments to ``country``; ``""``, or why not, and then nothing is.

        Without a price there is nothing to reserve, but quotas count.
        """
        total = price * count
        if self.is_billed and price:
            if self.is_frozen:
                return CURRENCY_CHANGED
            if total > self.balance + self.credit - self.reserved:
                return NO_CREDIT
        if self.spending is not None:
            limit = self.spending.take(country, total, count, now)
            if limit is not None:
                return limit.value
        if self.is_billed:
            self.reserved += total
        return ""

    def settle(self, price: int, charged: int) -> None:
        """A reserved message is over: of its price so much is charged, and the rest free again."""
        self.reserved -= price
        self.balance -= charged
        self.charged += charged
