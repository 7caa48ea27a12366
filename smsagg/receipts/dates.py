"""Instants in receipt text: ``YYMMDDhhmm`` as we write it, and the many forms in which carriers do.

A date that names no zone is in the carrier's, UTC unless its rules say otherwise. Instants are UTC milliseconds; 0
means that there is none.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from re import Pattern
from zoneinfo import ZoneInfo

from attrs import define, field

_MINUTE_MS = 60_000
_QUARTER = timedelta(minutes=15)
_CENTURY = "20"

_LETTERS = {"YYYY": "year", "YY": "year", "MM": "month", "DD": "day", "hh": "hour", "mm": "minute", "ss": "second"}
_FORMAT_PART = re.compile("YYYY|YY|MM|DD|hh|mm|ss|[^A-Za-z0-9]|T")
_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])?")
_ZONED = re.compile(r"(.*[0-9])[ ]?(?:(Z|UTC|GMT)|([+-][0-9]{2}(?::?[0-9]{2})?))", re.IGNORECASE)
_WRITTEN = re.compile(
    r"([0-9]{4})[-/.]([0-9]{2})[-/.]([0-9]{2})[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?"
)


def format_date(instant: int) -> str:
    """``YYMMDDhhmm`` of a UTC instant (SMPP 3.4 appendix B)."""
    return _format_minute(instant // _MINUTE_MS)


@lru_cache(maxsize=512)
def _format_minute(minute: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).strftime("%y%m%d%H%M")


@define(frozen=True)
class DateFormat:
    """A form such as ``"DD/MM/YYYY hh:mm:ss"``: YYYY or YY, MM, DD, hh, mm, ss, and signs that stand for themselves.

    Raises :class:`ValueError` when it lacks a year, month, day, hour or minute, or says something twice.
    """

    text: str
    pattern: Pattern[str] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        parts = _FORMAT_PART.findall(self.text)
        named = [_LETTERS[part] for part in parts if part in _LETTERS]
        if "".join(parts) != self.text or len(set(named)) != len(named):
            raise ValueError(f'must be made of YYYY, YY, MM, DD, hh, mm, ss and signs, not "{self.text}"')
        if not {"year", "month", "day", "hour", "minute"} <= set(named):
            raise ValueError(f'must name year, month, day, hour and minute, unlike "{self.text}"')
        pattern = "".join(
            f"(?P<{_LETTERS[part]}>[0-9]{{{len(part)}}})" if part in _LETTERS else re.escape(part) for part in parts
        )
        object.__setattr__(self, "pattern", re.compile(pattern))


def parse_zone(text: str) -> tzinfo:
    """``"UTC"``, ``"+02:00"`` or a name of the zone database such as ``"Asia/Tokyo"``; raises :class:`ValueError`."""
    if text.upper() in ("UTC", "GMT", "Z"):
        return UTC
    offset = _offset_of(text)
    if offset is not None:
        return offset
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a folder is an OSError
        raise ValueError(
            f'must be "UTC", an offset such as "+02:00", or a zone such as "Asia/Tokyo", not "{text}"'
        ) from None


@lru_cache(maxsize=512)
def parse_date(text: str, zone: tzinfo = UTC, formats: tuple[DateFormat, ...] = ()) -> int:
    """The instant (UTC ms) of a carrier's date, 0 when it is none: zeros, too short, impossible, not ASCII digits.

    Taken are ``formats``, then ``YYMMDDhhmm``, ``YYMMDDhhmmss``, ``YYYYMMDDhhmm``, ``YYYYMMDDhhmmss``, ISO 8601 with or
    without seconds, each with ``Z``, ``GMT`` or an offset behind it or not, and SMPP's own absolute time
    ``YYMMDDhhmmsstnnp`` (SMPP 3.4 §7.1.1). Twelve digits are read with seconds if that is a possible date.
    """
    for form in formats:
        match = form.pattern.fullmatch(text)
        if match is not None:
            found = match.groupdict(default="0")
            year = found["year"] if len(found["year"]) == 4 else _CENTURY + found["year"]
            rest = (found["month"], found["day"], found["hour"], found["minute"], found.get("second", "0"))
            return _instant((year, *rest), zone) or 0
    if len(text) == 16 and text[-1] in "+-" and _is_digits(text[:-1]):
        offset = _QUARTER * int(text[13:15])
        return _of_digits(text[:12], timezone(offset if text[-1] == "+" else -offset)) if offset < _DAY else 0
    if not _is_digits(text):
        zoned = _ZONED.fullmatch(text)
        if zoned is not None:
            text = zoned[1]
            zone = UTC if zoned[2] else _offset_of(zoned[3]) or UTC
        written = _WRITTEN.fullmatch(text)
        if written is not None and text.isascii():
            return _instant(written.groups(default="0"), zone) or 0
    return _of_digits(text, zone)


_DAY = timedelta(days=1)


def _of_digits(digits: str, zone: tzinfo) -> int:
    if not _is_digits(digits):
        return 0
    if len(digits) == 10:
        candidates = [_CENTURY + digits + "00"]
    elif len(digits) == 12:
        candidates = [_CENTURY + digits, digits + "00"]
    elif len(digits) == 14:
        candidates = [digits]
    else:
        return 0
    for candidate in candidates:
        instant = _instant((candidate[:4], *(candidate[at : at + 2] for at in range(4, 14, 2))), zone)
        if instant is not None:
            return instant
    return 0


def _instant(fields: tuple[str, ...], zone: tzinfo) -> int | None:
    """UTC ms of year, month, day, hour, minute, second; ``None`` when there is no such time."""
    try:
        year, month, day, hour, minute, second = map(int, fields)
        when = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        return max(int(when.timestamp()) * 1000, 0)
    except (ValueError, OverflowError):
        return None


def _offset_of(text: str) -> timezone | None:
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return timezone(offset if match[1] == "+" else -offset)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()
