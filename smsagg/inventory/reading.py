"""What people write about numbers, made into values: addresses, types, costs, instants, durations; or why it is none.

Every function raises ValueError with the reason as the operator reads it.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from smsagg.config.amounts import parse_currency, parse_price
from smsagg.config.senders import is_name
from smsagg.config.units import parse_duration
from smsagg.inventory.number import CAPABILITIES, LONG_DIGITS, SHORT_CODE_DIGITS, NumberType
from smsagg.pricing.card_file import parse_instant

T = TypeVar("T")
CountryOf = Callable[[str], str]
"""The country of E.164 digits, ``""`` when unknown."""

TAGS_MAX = 20

_COUNTRY = re.compile(r"[A-Z]{2}|001")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TAG = re.compile(r"[^\s,;]{1,40}")


def read_type(text: str) -> NumberType:
    try:
        return NumberType(text)
    except ValueError:
        raise ValueError(f'type: must be one of {", ".join(NumberType)}, not "{text}"') from None


def read_address(text: str, type: NumberType) -> str:
    """The number without its plus, or the name."""
    digits = text.removeprefix("+")
    is_digits = digits.isascii() and digits.isdecimal()
    if type is NumberType.ALPHANUMERIC:
        if not is_name(text):
            raise ValueError(f'number: a name has at most 11 characters, not only digits; not "{text}"')
        return text
    if type is NumberType.SHORT:
        if not (is_digits and text == digits and len(digits) in SHORT_CODE_DIGITS):
            raise ValueError(f'number: a short code has 3 to 8 digits, not "{text}"')
        return digits
    if not (is_digits and len(digits) in LONG_DIGITS and not digits.startswith("0")):
        raise ValueError(f'number: must be an international number of 7 to 15 digits, not "{text}"')
    return digits


def read_country(text: str, type: NumberType, address: str, country_of: CountryOf) -> str:
    """A number's country is told by its digits; whoever names it must name that one."""
    read_country_code(text)
    if not type.is_international:
        if not text:
            raise ValueError(f"country: must be named for type {type.value}")
        return text
    country = country_of(address)
    if not country:
        raise ValueError(f'number: "{address}" begins like no number of any country')
    if text and text != country:
        raise ValueError(f'country: "{address}" is a number of {country}, not of {text}')
    return country


def read_country_code(text: str) -> str:
    """ISO 3166 alpha-2, ``"001"`` or ``""``."""
    if text and not _COUNTRY.fullmatch(text):
        raise ValueError(f'country: must be two capital letters (ISO 3166), not "{text}"')
    return text


def read_capabilities(text: str, type: NumberType) -> tuple[str, ...]:
    """Words with blanks, commas, semicolons or bars between; empty: ``mt mo``, of a name ``mt``."""
    words = _words(text)
    for word in words:
        if word not in CAPABILITIES:
            raise ValueError(f'capabilities: must be of {", ".join(CAPABILITIES)}, not "{word}"')
    if type is NumberType.ALPHANUMERIC and set(words) - {"mt"}:
        raise ValueError("capabilities: nobody can write to a name or call it: it has mt only")
    if not words:
        return ("mt",) if type is NumberType.ALPHANUMERIC else ("mt", "mo")
    return tuple(word for word in CAPABILITIES if word in words)


def read_cost(text: str) -> int:
    """Micro-units of a decimal amount; empty: 0."""
    return _named("monthly_cost", parse_price, text) if text else 0


def read_currency(text: str) -> str:
    return _named("currency", parse_currency, text) if text else ""


def read_tags(text: str) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(_words(text)))
    if len(tags) > TAGS_MAX or not all(map(_TAG.fullmatch, tags)):
        raise ValueError(f"tags: must be at most {TAGS_MAX} words of at most 40 characters")
    return tags


def read_name(text: str, what: str) -> str:
    """The name of a pool or an allocation: it becomes a label of metrics."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{what}: a name is 1 to 64 letters, digits, '-', '_' and '.', not \"{text}\"")
    return text


def read_instant(text: str, what: str) -> int:
    """UTC milliseconds of ``2026-07-01`` or ``2026-07-01T12:30`` (UTC unless it says its offset)."""
    return _named(what, parse_instant, text)


def read_duration(text: str, what: str) -> int:
    """Milliseconds of ``"7d"``, ``"2h"`` …"""
    return round(_named(what, parse_duration, text) * 1000)


def _named(what: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def _words(text: str) -> list[str]:
    return re.split(r"[\s,;|]+", text.strip()) if text.strip() else []
