"""Days and months of a time zone, as numbers: 20260131 and 202601."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = timedelta(days=1)


class Day(NamedTuple):
    """One day. Instants are UTC milliseconds."""

    number: int
    """Year, month and day: 20260131."""
    begins_at: int
    ends_at: int
    """The first instant of the next."""

    @property
    def month(self) -> int:
        return self.number // 100


class Days:
    """The days of a zone of the IANA database. Raises ``ZoneInfoNotFoundError`` for a zone that is not there."""

    __slots__ = ("_latest", "_other", "_zone")

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._latest = self._other = Day(0, 0, 0)

    def at(self, at_ms: int) -> Day:
        """The day that an instant belongs to; cheap for instants of the two days that were asked for last."""
        latest = self._latest
        if latest.begins_at <= at_ms < latest.ends_at:
            return latest
        self._latest, self._other = self._other, latest
        latest = self._latest
        if latest.begins_at <= at_ms < latest.ends_at:
            return latest
        local = (_EPOCH + at_ms * _MILLISECOND).astimezone(self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        day = Day(
            (local.year * 100 + local.month) * 100 + local.day,
            min(_milliseconds(midnight), at_ms),
            max(_milliseconds(midnight + _DAY), at_ms + 1),  # a clock that is set back at midnight repeats a little
        )
        self._latest = day
        return day


def _milliseconds(instant: datetime) -> int:
    return (instant.astimezone(UTC) - _EPOCH) // _MILLISECOND
