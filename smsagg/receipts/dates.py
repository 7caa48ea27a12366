"""Instants in receipt text: ``YYMMDDhhmm`` as we write it, and the many forms in which carriers do.

All are UTC unless the carrier wrote an offset. Instants are UTC milliseconds; 0 means that there is none.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_MINUTE_MS = 60_000
_QUARTER = timedelta(minutes=15)
_CENTURY = "20"


def format_date(instant: int) -> str:
    """``YYMMDDhhmm`` of a UTC instant (SMPP 3.4 appendix B)."""
    return _format_minute(instant // _MINUTE_MS)


@lru_cache(maxsize=512)
def _format_minute(minute: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).strftime("%y%m%d%H%M")


@lru_cache(maxsize=512)
def parse_date(text: str) -> int:
    """The instant (UTC ms) of a carrier's date, 0 when it is none: zeros, too short, impossible, not ASCII digits.

    Taken are ``YYMMDDhhmm``, ``YYMMDDhhmmss``, ``YYYYMMDDhhmm``, ``YYYYMMDDhhmmss`` and SMPP's own absolute time
    ``YYMMDDhhmmsstnnp`` (SMPP 3.4 §7.1.1). Twelve digits are read with seconds if that is a possible date.
    """
    digits, offset = text, timedelta()
    if len(text) == 16 and text[-1] in "+-":
        digits, tenths_and_quarters = text[:12], text[12:15]
        if not _is_digits(tenths_and_quarters):
            return 0
        offset = _QUARTER * int(tenths_and_quarters[1:]) * (1 if text[-1] == "+" else -1)
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
        fields = [int(candidate[:4]), *(int(candidate[at : at + 2]) for at in range(4, 14, 2))]
        try:
            when = datetime(*fields, tzinfo=UTC) - offset  # type: ignore[arg-type, misc]
        except (ValueError, OverflowError):
            continue
        return max(int(when.timestamp()) * 1000, 0)
    return 0


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()
