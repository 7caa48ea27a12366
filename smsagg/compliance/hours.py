"""When messages may be sent, by the clocks where the recipient is.

Theory of operation. Hours are minutes of a local week without the holidays, so that most questions are one look-up.
When it is closed, the next open minute is found on the local clock, and then the instant at which clocks there will
show it, heeding that they may change before. On the day on which they do, it may open up to an hour late, never early:
whoever is told an instant is told one that is open.
"""

from collections.abc import Callable

from attrs import define

from smsagg.routing.zones import MINUTES_A_DAY, MINUTES_A_WEEK

_MINUTE_MS = 60_000
_EPOCH_MINUTE_OF_WEEK = 3 * MINUTES_A_DAY
"""1970-01-01 was a Thursday; weeks begin on Monday."""
_STEPS_MAX = 100
"""One would do, but that clocks which are put forward may skip what would have been open."""

OffsetAt = Callable[[int], int]
"""Minutes that the clocks there are ahead of UTC at an instant (UTC milliseconds)."""


@define(frozen=True)
class Hours:
    """The hours of one class in one country."""

    week: bytes
    """One octet for each minute of the week, Monday 00:00 first: 1 where it is open."""
    holidays: frozenset[int] = frozenset()
    """Local days since 1970-01-01 on which it never is."""
    holds: bool = True
    """What comes while it is closed waits; False: it is refused."""
    as_written: tuple[str, ...] = ()
    """For people: ``mon-fri 08:00-20:00``."""

    def is_open(self, minute: int) -> bool:
        """At a minute of the local clock, counted from 1970-01-01 00:00 there."""
        week = self.week[(minute + _EPOCH_MINUTE_OF_WEEK) % MINUTES_A_WEEK]
        return bool(week) and (not self.holidays or minute // MINUTES_A_DAY not in self.holidays)

    def next_open(self, minute: int) -> int | None:
        """The first open minute that is not before ``minute``, by the local clock; ``None``: there is none."""
        for _ in range(len(self.holidays) + 1):
            of_week = (minute + _EPOCH_MINUTE_OF_WEEK) % MINUTES_A_WEEK
            found = self.week.find(1, of_week)
            if found < 0:
                found = self.week.find(1)
                if found < 0:
                    return None
                found += MINUTES_A_WEEK
            minute += found - of_week
            day = minute // MINUTES_A_DAY
            if day not in self.holidays:
                return minute
            minute = (day + 1) * MINUTES_A_DAY
        raise AssertionError("more holidays than there are")


def opens_at(hours: Hours, now: int, offset_at: OffsetAt) -> int | None:
    """When it is open next: ``now`` (UTC milliseconds) if it is, else the beginning of a minute; ``None``: never, or
    not for so long that it makes no difference."""
    at = now
    for _ in range(_STEPS_MAX):
        minute = at // _MINUTE_MS + offset_at(at)
        opening = hours.next_open(minute)
        if opening is None:
            return None
        if opening == minute:
            return at
        at = (at // _MINUTE_MS + opening - minute) * _MINUTE_MS
    return None
