"""Windows of the week: which minutes "22:00-07:00 on Fridays" are.

A window that ends before it begins goes over midnight and belongs to the day on which it begins: Friday's 22:00-02:00
holds Saturday 01:00 and not Friday 01:00. The end of a window is not in it; ``24:00`` is the end of a day.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from smsagg.routing.zones import MINUTES_A_DAY, MINUTES_A_WEEK

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAY = (0, MINUTES_A_DAY)

_WINDOW = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_WINDOW_WANTED = 'must be a window such as "22:00-07:00" (to "24:00" at most)'
_DAYS_WANTED = 'must be a weekday such as "mon" or several such as "mon-fri"'


def parse_window(text: str) -> tuple[int, int]:
    """``(first minute of the day, minute after the last)`` of ``"22:00-07:00"``; raises :class:`ValueError`."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(f'{_WINDOW_WANTED}, not "{text}"')
    hours, minutes, end_hours, end_minutes = map(int, match.groups())
    begin, end = 60 * hours + minutes, 60 * end_hours + end_minutes
    if minutes > 59 or end_minutes > 59 or begin >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        raise ValueError(f'{_WINDOW_WANTED}, not "{text}"')
    if begin == end:
        raise ValueError(f'"{text}" ends when it begins; a whole day is "00:00-24:00"')
    return begin, end


def parse_days(text: str) -> tuple[int, ...]:
    """The days, Monday being 0, of ``"fri"`` or ``"sat-mon"``; raises :class:`ValueError`."""
    first, dash, last = text.lower().partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise ValueError(f'{_DAYS_WANTED}, not "{text}"')
    begin = DAYS.index(first)
    length = (DAYS.index(last) - begin) % 7 + 1 if dash else 1
    return tuple((begin + day) % 7 for day in range(length))


@lru_cache(maxsize=1_000)
def week_of(times: tuple[str, ...], weekdays: tuple[str, ...]) -> bytes | None:
    """One octet for each minute of the week, Monday 00:00 first: 1 within some window; ``None``: there are none at all.

    Without ``times`` the days are whole, without ``weekdays`` it is every day. Like windows share their octets.
    """
    if not times and not weekdays:
        return None
    days = sorted({day for text in weekdays for day in parse_days(text)}) or range(7)
    return bytes(_minutes(days, [parse_window(text) for text in times] or [ALL_DAY]))


def _minutes(days: Iterable[int], windows: Iterable[tuple[int, int]]) -> bytearray:
    week = bytearray(MINUTES_A_WEEK)
    for day in days:
        for begin, end in windows:
            length = end - begin if end > begin else end - begin + MINUTES_A_DAY
            start = day * MINUTES_A_DAY + begin
            stop = min(start + length, MINUTES_A_WEEK)
            week[start:stop] = b"\1" * (stop - start)
            over = start + length - stop
            week[:over] = b"\1" * over if over else b""
    return week
