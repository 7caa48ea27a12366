"""Figures as people read them, in few characters."""

from collections.abc import Sequence

from smsagg.config.amounts import MICROS
from smsagg.reports.traffic import NONE_WORDS

NOTHING = "–"
_BLOCKS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def count(number: int) -> str:
    """``12,345``; nothing for none."""
    return f"{number:,}" if number else NOTHING


def percentage(share: float | None) -> str:
    """``99.1 %``."""
    return NOTHING if share is None else f"{share * 100:.1f} %"


def duration(seconds: float | None) -> str:
    """Three digits or so: ``340 ms``, ``1.42 s``, ``3 m 5 s``, ``2 h 10 m``, ``3 d 4 h``."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    for size, unit, small_size, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole} {unit} {rest // small_size} {small}"
    raise AssertionError(seconds)


def money(micros: int | None, places: int = 2) -> str:
    """With so many places, rounded half away from zero; thousands apart."""
    if micros is None:
        return NOTHING
    unit = MICROS // 10**places
    rounded = (2 * abs(micros) + unit) // (2 * unit)
    whole, rest = divmod(rounded, 10**places)
    sign = "-" if micros < 0 and rounded else ""
    return f"{sign}{whole:,}.{rest:0{places}d}" if places else f"{sign}{whole:,}"


def value_of(dimension: str, value: str) -> str:
    """A group's value; the empty one has a word where it means something."""
    return value or NONE_WORDS.get(dimension, "(none)")


def sparkline(numbers: Sequence[int]) -> str:
    """A block for each, the highest full; a blank for 0."""
    highest = max(numbers, default=0)
    return "".join(_BLOCKS[(8 * number - 1) // highest] if number else " " for number in numbers)


def bar(share: float, width: int) -> str:
    """A bar of at most ``width`` characters, to the eighth of one."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
