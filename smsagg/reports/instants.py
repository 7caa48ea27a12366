"""Instants as people write them: so long ago, a date, a date and time, or a word."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from smsagg.config.units import parse_duration, seen

WORDS = ("now", "today", "yesterday")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)


def parse_instant(text: str, now_ms: int, zone: tzinfo = UTC) -> int:
    """UTC milliseconds of ``24h`` (ago), ``2026-11-21``, ``2026-11-21T10:00``, ``today``, ``yesterday`` or ``now``.

    Dates and words are those of ``zone`` unless an offset is written. Raises :class:`ValueError` with the reason.
    """
    if text == "now":
        return now_ms
    if text in WORDS:
        today = datetime.fromtimestamp(now_ms / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        day = today if text == "today" else today - timedelta(days=1)
        return int(day.timestamp() * 1000)
    if _DATE.fullmatch(text):
        try:
            instant = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"{seen(text)} is no date: {error}") from error
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=zone)
        return int(instant.timestamp() * 1000)
    try:
        return now_ms - int(parse_duration(text) * 1000)
    except ValueError as error:
        raise ValueError(
            f'must be a time ago such as "24h", a date such as "2026-11-21" or "2026-11-21T10:00", or one of '
            f"{', '.join(WORDS)}, not {seen(text)}"
        ) from error


def format_instant(at_ms: int, zone: tzinfo = UTC) -> str:
    """To the millisecond, ISO 8601; of UTC with ``Z``."""
    text = datetime.fromtimestamp(at_ms / 1000, zone).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
