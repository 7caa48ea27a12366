"""Validators of single configuration values, for attrs fields here and in plug-ins; each raises the reason it saw.

``None`` passes every one of them: an optional key that is absent has nothing to be checked.
"""

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smsagg.config.senders import NAME_CHARACTERS_MAX, is_name, is_number, is_pattern

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Validator = Callable[[Any, Any, Any], None]
"""attrs calls ``(instance, attribute, value)``."""


def above(bound: float) -> Validator:
    """The value is greater than ``bound``."""

    def check(_instance: Any, _attribute: Any, value: Any) -> None:
        if value is not None and not value > bound:
            raise ValueError(f"must be above {bound}, not {value}")

    return check


def at_least(bound: float) -> Validator:
    """The value is ``bound`` or more."""

    def check(_instance: Any, _attribute: Any, value: Any) -> None:
        if value is not None and not value >= bound:
            raise ValueError(f"must be {bound} or more, not {value}")

    return check


def between(lowest: float, highest: float) -> Validator:
    """The value is within both bounds, which belong to the range."""

    def check(_instance: Any, _attribute: Any, value: Any) -> None:
        if value is not None and not lowest <= value <= highest:
            raise ValueError(f"must be from {lowest} to {highest}, not {value}")

    return check


def one_of(*allowed: str) -> Validator:
    """The value is one of these words."""

    def check(_instance: Any, _attribute: Any, value: Any) -> None:
        if value is not None and value not in allowed:
            words = ", ".join(f'"{word}"' for word in allowed)
            raise ValueError(f'must be one of {words}, not "{value}"')

    return check


def octets_at_most(highest: int, at_least: int = 0) -> Validator:
    """The string is ASCII of at most ``highest`` octets, so that it fits its field on the wire."""

    def check(_instance: Any, _attribute: Any, value: Any) -> None:
        if value is None:
            return
        if not value.isascii() or not value.isprintable():
            raise ValueError("must be printable ASCII")
        if not at_least <= len(value) <= highest:
            raise ValueError(f"must have {at_least} to {highest} octets, not {len(value)}")

    return check


def not_empty(_instance: Any, _attribute: Any, value: Any) -> None:
    """The list or string has at least one element."""
    if value is not None and not value:
        raise ValueError("must not be empty")


def one_word(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string is one word without white space, or empty."""
    if value and value.split() != [value]:
        raise ValueError(f'must be one word, not "{value}"')


def tag(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string can be a tag or the name of a routing rule, or is empty."""
    if value and not _TAG.fullmatch(value):
        raise ValueError(f"must be 1 to 64 letters, digits, '-', '_' and '.', not \"{value}\"")


def each(validator: Validator) -> Validator:
    """Every element passes ``validator``."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        for element in value or ():
            validator(instance, attribute, element)

    return check


def network(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string is an IPv4 or IPv6 network in CIDR form, with no host bits set, or a single address."""
    if value is None:
        return
    try:
        ip_network(value)
    except ValueError as error:
        raise ValueError(f'must hold networks such as "192.0.2.0/24": {error}') from error


def digit_prefix(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string is the beginning of an E.164 number: 1 to 15 digits, no plus."""
    if value is not None and not (value.isascii() and value.isdecimal() and len(value) <= 15):
        raise ValueError(f'must hold leading digits of numbers such as "4477009", without a plus, not "{value}"')


def sender(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string is a sender that a handset can show, or empty."""
    if value and not is_number(value) and not is_name(value):
        raise ValueError(f'must be a number or a name of at most {NAME_CHARACTERS_MAX} GSM characters, not "{value}"')


def sender_pattern(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string is a sender, or the beginning of one and ``*``."""
    if value is not None and not is_pattern(value):
        raise ValueError(
            f'must hold senders such as "ACME" or "447700900123", or beginnings such as "4477*", not "{value}"'
        )


def time_zone(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string names a zone of the IANA database."""
    if value is None:
        return
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'must be a time zone such as "UTC" or "Europe/London", not "{value}"') from None


def msisdn(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string is an international number in digits alone."""
    if value is not None and not (value.isascii() and value.isdecimal() and 7 <= len(value) <= 15 and value[0] != "0"):
        raise ValueError(f'must be an international number of 7 to 15 digits, such as "447700900123", not "{value}"')
