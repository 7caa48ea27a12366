"""The shape of a routes file: ``[[routes]]``, one table a rule, in the order in which they are asked."""

from datetime import datetime
from typing import Any

from attrs import Factory, define, field

from smsagg.config.problems import Problem, Problems
from smsagg.config.senders import is_pattern
from smsagg.config.units import StatusCode
from smsagg.config.validators import Validator, between, not_empty, tag
from smsagg.routing.networks import is_mcc, is_network
from smsagg.routing.rules.week import parse_days, parse_window
from smsagg.text.patterns import Pattern

PREFIX_DIGITS_MAX = 15
NO_RULE = "default"
"""What stands for "no rule" where rules are counted, so none may be called that."""


def _each(validator: Validator) -> Validator:
    """Every element passes; what is wrong with each is told."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        problems = []
        for place, element in enumerate(value):
            try:
                validator(instance, attribute, element)
            except ValueError as error:
                problems.append(Problem((f"[{place}]",), str(error)))
        if problems:
            raise Problems(problems)

    return check


def _rule_name(_instance: Any, _attribute: Any, value: Any) -> None:
    not_empty(_instance, _attribute, value)
    tag(_instance, _attribute, value)
    if value == NO_RULE:
        raise ValueError(f'"{NO_RULE}" is what messages are counted by that no rule decides')


def _prefix(_instance: Any, _attribute: Any, value: Any) -> None:
    if not (value.isascii() and value.isdecimal() and len(value) <= PREFIX_DIGITS_MAX and value[0] != "0"):
        raise ValueError(
            f'must be the leading digits of an international number such as "4477", without "+", not "{value}"'
        )


def _network(_instance: Any, _attribute: Any, value: Any) -> None:
    if not (is_network(value) or is_mcc(value)):
        raise ValueError(f'must be a network such as "23415" (MCC and MNC), or "234" (MCC), not "{value}"')


def _sender(_instance: Any, _attribute: Any, value: Any) -> None:
    if not is_pattern(value):
        raise ValueError(
            f'must be a sender such as "ACME" or "447700900123", or a beginning such as "4477*", not "{value}"'
        )


def _pattern(_instance: Any, _attribute: Any, value: Any) -> None:
    if value:
        Pattern(value)


def _window(_instance: Any, _attribute: Any, value: Any) -> None:
    parse_window(value)


def _days(_instance: Any, _attribute: Any, value: Any) -> None:
    parse_days(value)


def _has_offset(_instance: Any, _attribute: Any, value: Any) -> None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f'must say its offset from UTC, such as "{value.isoformat()}Z"')


@define(frozen=True)
class RuleSettings:
    """``[[routes]]``: one rule. All conditions that it names must hold; of a list one element is enough.

    It ends with one of ``pool``, ``block`` and ``continue``.
    """

    name: str = field(validator=_rule_name)
    """Unique in the file; stands in metrics, reports and ``smsagg explain``."""
    comment: str = ""
    enabled: bool = True
    valid_from: datetime | None = field(default=None, validator=_has_offset)
    """With its offset; the rule holds from then on."""
    valid_until: datetime | None = field(default=None, validator=_has_offset)
    """The rule holds before then."""
    accounts: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Message classes."""
    prefixes: tuple[str, ...] = field(default=(), validator=_each(_prefix))
    """Leading digits of the destination."""
    countries: tuple[str, ...] = ()
    """Of the destination, ISO 3166."""
    networks: tuple[str, ...] = field(default=(), validator=_each(_network))
    """Of the destination: MCC and MNC (``"23415"``), or MCC alone (``"234"``)."""
    senders: tuple[str, ...] = field(default=(), validator=_each(_sender))
    """Whole, or a beginning and ``*``."""
    sender_pattern: str = field(default="", validator=_pattern)
    """RE2, searched in the sender, upper and lower case apart."""
    content_pattern: str = field(default="", validator=_pattern)
    """RE2, searched in the text, in any case; a binary message has none."""
    times: tuple[str, ...] = field(default=(), validator=_each(_window))
    """Windows of the day where the recipient is: ``"22:00-07:00"``."""
    weekdays: tuple[str, ...] = field(default=(), validator=_each(_days))
    """``"mon"``, ``"sat-sun"``, where the recipient is; a window over midnight belongs to the day it begins on."""
    tags: tuple[str, ...] = field(default=(), validator=_each(tag))
    """The account's, or the one that an earlier rule gave the message."""
    pool: str = ""
    """Where the message goes."""
    block: str = ""
    """Why the message is refused."""
    command_status: StatusCode | None = None
    """What a blocked message is answered with; none: ESME_RINVDSTADR."""
    continue_: bool = False
    """Only set what ``set_class``, ``set_tag`` and ``set_priority`` say, and go on with the next rule."""
    set_class: str = ""
    """Message class that the message gets."""
    set_tag: str = field(default="", validator=tag)
    set_priority: int | None = field(default=None, validator=between(0, 3))
    """Lane that the message gets, 0 to 3."""


@define(frozen=True)
class RoutesFile:
    """The whole file."""

    routes: tuple[RuleSettings, ...] = Factory(tuple)
