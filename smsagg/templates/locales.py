"""Languages as BCP 47 names them (``de``, ``de-AT``, ``zh-Hant-HK``), and what stands in for one that is not there."""

import re
from collections.abc import Iterator
from functools import lru_cache

from babel import Locale, UnknownLocaleError

LOCALE_CHARACTERS_MAX = 11
PATTERN = "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"
_LOCALE = re.compile(PATTERN, re.ASCII)
_PLAIN = Locale("en")


def is_locale(name: str) -> bool:
    """Whether ``name`` is written as a language with, perhaps, a script and a country."""
    return _LOCALE.fullmatch(name) is not None


def fallbacks(wanted: str, default: str) -> Iterator[str]:
    """``wanted``, what is left of it without its last subtag, and so on, and ``default``: de-AT, de, en."""
    while wanted:
        yield wanted
        wanted = wanted.rpartition("-")[0]
    yield default


@lru_cache(maxsize=512)
def conventions(name: str) -> Locale:
    """How dates and numbers are written there; where nobody knows, as in English."""
    for known in fallbacks(name, ""):
        try:
            return Locale.parse(known, sep="-") if known else _PLAIN
        except (UnknownLocaleError, ValueError):
            continue
    return _PLAIN
