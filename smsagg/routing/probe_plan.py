"""When to probe which carrier, and how much of it a day has room for.

A carrier is probed ``every`` so often, ``DOUBTED_FACTOR`` times as often while its receipts are doubted or known to be
false, but not more often than once in ``BETWEEN_MIN_S``. The first probes of several carriers are spread over one
``every``. ``now`` is monotonic seconds; days are counted by their number.
"""

from collections.abc import Sequence

from smsagg.config.schema import ProbeSettings

DOUBTED_FACTOR = 5.0
BETWEEN_MIN_S = 30.0


class ProbePlan:
    """The plan of one ``[[probes]]`` table."""

    __slots__ = ("_cost", "_day", "_due_at", "_messages", "carriers", "settings")

    def __init__(self, settings: ProbeSettings, carriers: Sequence[str], now: float) -> None:
        self.settings = settings
        self.carriers = list(carriers)
        spread = settings.every / max(len(carriers), 1)
        self._due_at = {name: now + spread * place for place, name in enumerate(carriers, 1)}
        self._day = -1
        self._messages = 0
        self._cost = 0

    def due(self, now: float, doubted: Sequence[str] = ()) -> list[str]:
        """Carriers that are to be probed now; ``doubted`` ones sooner."""
        sooner_s = self.settings.every - max(self.settings.every / DOUBTED_FACTOR, BETWEEN_MIN_S)
        return [name for name, at in self._due_at.items() if now >= at - (max(sooner_s, 0) if name in doubted else 0)]

    def has_room(self, day: int, cost: int) -> bool:
        """Whether a day's bounds allow one more message of that cost (micro-units of the base currency)."""
        if day != self._day:
            self._day, self._messages, self._cost = day, 0, 0
        bound = self.settings.cost_per_day_max
        return self._messages < self.settings.messages_per_day_max and (bound is None or self._cost + cost <= bound)

    def sent(self, carrier: str, cost: int, now: float) -> None:
        """``carrier`` was probed."""
        self._messages += 1
        self._cost += cost
        self._due_at[carrier] = now + self.settings.every

    def postponed(self, carrier: str, now: float) -> None:
        """``carrier`` could not be probed; it is due again in a while."""
        self._due_at[carrier] = now + min(self.settings.every, BETWEEN_MIN_S)
