"""What may be put into a text, by type, and how it is written there.

========  ==========================================================  =====================================
text      up to ``max_length`` characters, none of them a control     as it is
integer   a whole number                                              its digits
decimal   a number, or its digits as a string                         ``places`` digits behind the locale's point
code      1 to 20 of A-Z, a-z, 0-9 and ``-``                          as it is
date      ``2027-01-31``                                              as the locale writes it
time      ``15:30``                                                   as the locale writes it
datetime  RFC 3339 with a zone                                        as the locale writes it, in that zone
url       http or https, ASCII, up to ``max_length``, to ``hosts``    as it is
choice    one of ``choices``                                          as it is
========  ==========================================================  =====================================

A value is inserted literally and once: nothing in it is looked for again.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from attrs import define
from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from smsagg.templates.locales import conventions

TEXT_CHARACTERS_MAX = 500
CODE_CHARACTERS_MAX = 20
PLACES_MAX = 6
DIGITS_MAX = 18

_CODE = re.compile(rf"[A-Za-z0-9-]{{1,{CODE_CHARACTERS_MAX}}}", re.ASCII)
_INTEGER = re.compile(rf"-?\d{{1,{DIGITS_MAX}}}", re.ASCII)
_DECIMAL = re.compile(rf"-?\d{{1,{DIGITS_MAX}}}(\.\d{{1,{DIGITS_MAX}}})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
_JOINERS = "\u200c\u200d"
"""Format characters that scripts and emoji need; the others (direction overrides …) make a text look like another."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SPACES = str.maketrans("\u00a0\u202f", "  ")
"""Spaces that locales put into times and numbers, and that GSM 03.38 does not have."""


class BadValue(ValueError):
    """A value that its parameter does not take; the message says what it takes, and nothing of the value."""


@define(frozen=True)
class Parameter:
    """One parameter of a template."""

    type: str
    max_length: int = 100
    """Of a text or url, in characters."""
    places: int = 2
    """Of a decimal."""
    choices: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """Where a url may lead; empty: anywhere."""

    def write(self, value: object, locale: str) -> str:
        """``value`` as it stands in a text of ``locale``; raises :class:`BadValue`."""
        return WRITTEN[self.type](self, value, locale)


def is_plain(text: str) -> bool:
    """Whether ``text`` holds nothing that does not show."""
    return all(c in _JOINERS or unicodedata.category(c) not in _UNSEEN for c in text)


def _text(parameter: Parameter, value: object, _locale: str) -> str:
    text = _string(value)
    if not text.strip() or len(text) > parameter.max_length:
        raise BadValue(f"is a text of 1 to {parameter.max_length} characters")
    if not is_plain(text):
        raise BadValue("holds a control character")
    return text


def _integer(_parameter: Parameter, value: object, _locale: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str) or not _INTEGER.fullmatch(str(value)):
        raise BadValue(f"is a whole number of up to {DIGITS_MAX} digits")
    return str(int(value))


def _decimal(parameter: Parameter, value: object, locale: str) -> str:
    written = repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    number = None
    if isinstance(written, str) and _DECIMAL.fullmatch(written):
        with suppress(InvalidOperation):
            number = Decimal(written)
    if number is None:
        raise BadValue(f'is a number of up to {DIGITS_MAX} digits, such as 12.5 or "12.50"')
    form = f"#,##0.{'0' * parameter.places}" if parameter.places else "#,##0"
    return format_decimal(number, format=form, locale=conventions(locale)).translate(_SPACES)


def _code(_parameter: Parameter, value: object, _locale: str) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise BadValue(f"is a code of up to {CODE_CHARACTERS_MAX} letters, digits and hyphens")
    return value


def _date(_parameter: Parameter, value: object, locale: str) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value):
        with suppress(ValueError):
            return format_date(date.fromisoformat(value), "medium", conventions(locale)).translate(_SPACES)
    raise BadValue('is a date such as "2027-01-31"')


def _time(_parameter: Parameter, value: object, locale: str) -> str:
    if isinstance(value, str) and _TIME.fullmatch(value):
        with suppress(ValueError):
            return format_time(time.fromisoformat(value), "short", locale=conventions(locale)).translate(_SPACES)
    raise BadValue('is a time of day such as "15:30"')


def _datetime(_parameter: Parameter, value: object, locale: str) -> str:
    at = None
    if isinstance(value, str) and _INSTANT.match(value):
        with suppress(ValueError):
            at = datetime.fromisoformat(value)
    if at is None or at.tzinfo is None:
        raise BadValue('is a date and time with its zone, such as "2027-01-31T15:30:00+01:00"')
    local, there = at.replace(tzinfo=None), conventions(locale)
    written = f"{format_date(local, 'medium', there)} {format_time(local, 'short', locale=there)}"
    return written.translate(_SPACES)


def _url(parameter: Parameter, value: object, _locale: str) -> str:
    host = None
    if isinstance(value, str) and len(value) <= parameter.max_length and all("!" <= c <= "~" for c in value):
        with suppress(ValueError):
            parts = urlsplit(value)
            host = parts.hostname if parts.scheme in ("http", "https") and "@" not in parts.netloc else None
    if not host:
        raise BadValue(f"is an http or https URL in ASCII of up to {parameter.max_length} characters")
    if parameter.hosts and host not in parameter.hosts:
        raise BadValue(f"leads to {', '.join(parameter.hosts)}")
    assert isinstance(value, str)
    return value


def _choice(parameter: Parameter, value: object, _locale: str) -> str:
    if not isinstance(value, str) or value not in parameter.choices:
        raise BadValue(f"is one of {', '.join(parameter.choices)}")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise BadValue("is a string")
    return value


WRITTEN: Mapping[str, Callable[[Parameter, Any, str], str]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "code": _code,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "url": _url,
    "choice": _choice,
}
"""By type: how a value is written, or that it is none."""
