"""How much an account has spent and sent today and this month, and whether it may go on: caps and quotas.

Theory of operation. A *cap* bounds money, a *quota* messages; each of a day or a month, of the account as a whole or
of what goes to one country. What is accepted counts at once, with its price; what is not charged in the end gives its
price back, to the day on which it was accepted, and stays in the count of messages.

Counted is only what has a limit: the account as a whole (scope ``""``) and the countries that have one. Days are those
of the account's time zone. Counts of days gone by are the store's; here are today's and this month's.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from smsagg.pricing.days import Day, Days

WHOLE = ""
"""The scope of all that an account sends."""
ALARMS = (80, 100)
"""Per cent of a limit at which its operator is told, once a period."""

_CLOCK_SET_BACK_MS = 86_400_000
"""A clock that is set back by less does not begin the day before anew: what was counted today still counts."""


class LimitKind(Enum):
    """What a limit bounds. The values are reasons of refusals and labels of metrics."""

    DAILY_CAP = "daily_cap"
    MONTHLY_CAP = "monthly_cap"
    DAILY_QUOTA = "daily_quota"
    MONTHLY_QUOTA = "monthly_quota"


class Alarm(NamedTuple):
    """A limit has been used to so many per cent."""

    scope: str
    kind: LimitKind
    percent: int


class SpentDay(NamedTuple):
    """What was spent and sent in a scope on a day, as the store has it."""

    scope: str
    day: int
    spent: int
    messages: int


class Limit:
    """One cap or quota, and how much of it is used."""

    __slots__ = ("_alarm", "alarm_at", "bound", "is_daily", "is_money", "kind", "scope", "used")

    def __init__(self, scope: str, kind: LimitKind, bound: int) -> None:
        self.scope = scope
        self.kind = kind
        self.bound = bound
        """Micro-units of the account's currency, or messages."""
        self.is_money = kind in (LimitKind.DAILY_CAP, LimitKind.MONTHLY_CAP)
        self.is_daily = kind in (LimitKind.DAILY_CAP, LimitKind.DAILY_QUOTA)
        self.begin(0)

    def begin(self, used: int) -> None:
        """A new period, in which so much is used already; alarms that are due then are not told again."""
        self.used = used
        self._alarm = 0
        self._plan_alarm()
        while self.used >= self.alarm_at:
            self._alarm += 1
            self._plan_alarm()

    def take_alarm(self) -> int:
        """The highest per cent that was reached, once ``used`` is ``alarm_at`` or more."""
        percent = 0
        while self.used >= self.alarm_at:
            percent = ALARMS[self._alarm]
            self._alarm += 1
            self._plan_alarm()
        return percent

    def _plan_alarm(self) -> None:
        due = self._alarm < len(ALARMS)
        self.alarm_at = -(-self.bound * ALARMS[self._alarm] // 100) if due else float("inf")


class Spending:
    """One account's counts. ``now`` is UTC milliseconds."""

    def __init__(self, days: Days, limits: Iterable[Limit]) -> None:
        self._days = days
        self._day = Day(0, 0, 0)
        self._by_scope: dict[str, list[Limit]] = {}
        for limit in limits:
            self._by_scope.setdefault(limit.scope, []).append(limit)
        self._whole = (WHOLE,) if WHOLE in self._by_scope else ()
        self._scopes: dict[str, Sequence[str]] = {
            scope: (*self._whole, scope) for scope in self._by_scope if scope != WHOLE
        }
        self.alarms: list[Alarm] = []
        """What was reached since somebody emptied this."""

    @property
    def limits(self) -> Iterable[Limit]:
        return (limit for limits in self._by_scope.values() for limit in limits)

    def scopes_of(self, country: str) -> Sequence[str]:
        """The scopes in which a message to ``country`` counts."""
        return self._scopes.get(country, self._whole)

    def take(self, country: str, spent: int, messages: int, now: int) -> LimitKind | None:
        """Count so many parts of one message that cost ``spent`` together; or, counting nothing, what forbids it."""
        exceeded = self._exceeded(country, spent, messages, now)
        if exceeded is not None:
            self._tell_refusal(exceeded)
            return exceeded.kind
        for scope in self.scopes_of(country):
            for limit in self._by_scope[scope]:
                limit.used += spent if limit.is_money else messages
                if limit.used >= limit.alarm_at:
                    self.alarms.append(Alarm(scope, limit.kind, limit.take_alarm()))
        return None

    def foresee(self, country: str, spent: int, messages: int, now: int) -> LimitKind | None:
        """What :meth:`take` would answer; nothing is counted."""
        exceeded = self._exceeded(country, spent, messages, now)
        return None if exceeded is None else exceeded.kind

    def _exceeded(self, country: str, spent: int, messages: int, now: int) -> Limit | None:
        if not self._day.begins_at - _CLOCK_SET_BACK_MS <= now < self._day.ends_at:
            self._roll(now)
        for scope in self.scopes_of(country):
            for limit in self._by_scope[scope]:
                if limit.used + (spent if limit.is_money else messages) > limit.bound:
                    return limit
        return None

    def give_back(self, scopes: Iterable[str], spent: int, messages: int, accepted_at: int, now: int) -> None:
        """A message that was accepted then, and counted in ``scopes``, does not cost so much, or (``messages``) was not
        accepted after all."""
        if not self._day.begins_at - _CLOCK_SET_BACK_MS <= now < self._day.ends_at:
            self._roll(now)
        is_today = accepted_at >= self._day.begins_at
        if not is_today and self._days.at(accepted_at).month != self._day.month:
            return
        for scope in scopes:
            for limit in self._by_scope.get(scope, ()):
                if is_today or not limit.is_daily:
                    limit.used = max(limit.used - (spent if limit.is_money else messages), 0)

    def load(self, spent_days: Iterable[SpentDay], now: int) -> None:
        """Begin with what the store has; days of other months do not count."""
        self._roll(now)
        day, used = self._day, dict.fromkeys(self.limits, 0)
        for spent_day in spent_days:
            for limit in self._by_scope.get(spent_day.scope, ()):
                if spent_day.day == day.number or (not limit.is_daily and spent_day.day // 100 == day.month):
                    used[limit] += spent_day.spent if limit.is_money else spent_day.messages
        for limit, amount in used.items():
            limit.begin(max(amount, 0))

    def take_over(self, older: "Spending", now: int) -> None:
        """Go on from the counts of ``older``, whose limits were others: scopes that it did not count begin at 0."""
        self._roll(now)
        older._roll(now)
        known: Mapping[tuple[str, bool, bool], int] = {
            (limit.scope, limit.is_money, limit.is_daily): limit.used for limit in older.limits
        }
        for limit in self.limits:
            limit.begin(known.get((limit.scope, limit.is_money, limit.is_daily), 0))

    def _roll(self, now: int) -> None:
        """Begin the day of ``now``, and its month."""
        before, self._day = self._day, self._days.at(now)
        if before.number == self._day.number:
            return
        for limit in self.limits:
            if limit.is_daily or before.month != self._day.month:
                limit.begin(0)

    def _tell_refusal(self, limit: Limit) -> None:
        """The first refusal of a period says that the limit is reached, whatever is left of it."""
        if limit.alarm_at < float("inf"):
            limit.alarm_at, limit._alarm = float("inf"), len(ALARMS)
            self.alarms.append(Alarm(limit.scope, limit.kind, ALARMS[-1]))
