"""Times on the wire: ``YYMMDDhhmmsstnnp``, absolute or relative (SMPP 3.4 §7.1.1), strictly, both ways.

Absolute: ``t`` are tenths of a second, ``nn`` the quarter hours (00 to 48) by which that local time differs from UTC,
``p`` is ``+`` when it is ahead and ``-`` when it is behind. Of the two-digit year the century is taken that brings it
closest to now, so that the format lives through a change of century.

Relative: ``p`` is ``R``, ``tnn`` is 000, and the rest is added to now: years and months by the calendar (a day that the
month lacks becomes its last), the other fields as durations. Each may be 00 to 99, since "000000480000000R" can only
mean 48 hours.

Instants are UTC milliseconds. Operator's bounds (how far ahead is allowed) are the caller's business.
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from smsagg.smpp.errors import InvalidTime, PastTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_QUARTER_HOURS_MAX = 48


def parse_time(text: str, now_ms: int) -> int:
    """The instant that ``text`` names.

    Raises :class:`InvalidTime` for anything that is no time of the format (the empty string, which means "no time",
    included), and :class:`PastTime` for an absolute time before ``now_ms``.
    """
    if len(text) != 16 or not (text[:15].isascii() and text[:15].isdigit()):
        raise InvalidTime(f"{len(text)} characters, or not digits")
    fields = [int(text[i : i + 2]) for i in range(0, 12, 2)]
    tenths, quarter_hours, sign = int(text[12]), int(text[13:15]), text[15]
    try:
        if sign == "R":
            if tenths or quarter_hours:
                raise InvalidTime("a relative time has 000 before its R")
            return _relative(fields, now_ms)
        if sign not in "+-" or quarter_hours > _QUARTER_HOURS_MAX:
            raise InvalidTime("no such offset from UTC")
        offset = timedelta(minutes=15 * quarter_hours)
        instant_ms = _absolute(fields, tenths, offset if sign == "+" else -offset, now_ms)
    except (ValueError, OverflowError):
        raise InvalidTime("no such date or time of day") from None
    if instant_ms < now_ms:
        raise PastTime(instant_ms)
    return instant_ms


def _absolute(fields: list[int], tenths: int, offset: timedelta, now_ms: int) -> int:
    year, month, day, hour, minute, second = fields
    this_year = _datetime(now_ms).year
    year += this_year // 100 * 100
    if year - this_year > 50:
        year -= 100
    elif this_year - year >= 50:
        year += 100
    local = datetime(year, month, day, hour, minute, second, tenths * 100_000, tzinfo=UTC)
    return _milliseconds(local - offset)


def _relative(fields: list[int], now_ms: int) -> int:
    years, months, days, hours, minutes, seconds = fields
    now = _datetime(now_ms)
    year, month0 = divmod(now.year * 12 + now.month - 1 + years * 12 + months, 12)
    day = min(now.day, monthrange(year, month0 + 1)[1])
    later = now.replace(year=year, month=month0 + 1, day=day)
    return _milliseconds(later + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))


def format_absolute(instant_ms: int, quarter_hours: int = 0) -> str:
    """The absolute form, in the local time that is ``quarter_hours`` (-48 to 48) ahead of UTC; cut to tenths."""
    if not -_QUARTER_HOURS_MAX <= quarter_hours <= _QUARTER_HOURS_MAX:
        raise InvalidTime(f"{quarter_hours} quarter hours from UTC")
    local = _datetime(instant_ms) + timedelta(minutes=15 * quarter_hours)
    tenths = local.microsecond // 100_000
    return f"{local:%y%m%d%H%M%S}{tenths}{abs(quarter_hours):02d}{'-' if quarter_hours < 0 else '+'}"


def format_relative(duration_ms: int) -> str:
    """The relative form of a duration below 100 days, rounded up to seconds; days, hours, minutes and seconds only."""
    seconds = -(-duration_ms // 1000)
    days, seconds = divmod(seconds, 86_400)
    if not 0 <= days <= 99:
        raise InvalidTime(f"{duration_ms} ms do not fit a relative time")
    hours, seconds = divmod(seconds, 3_600)
    minutes, seconds = divmod(seconds, 60)
    return f"0000{days:02d}{hours:02d}{minutes:02d}{seconds:02d}000R"


def _datetime(instant_ms: int) -> datetime:
    return _EPOCH + instant_ms * _MILLISECOND


def _milliseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MILLISECOND
