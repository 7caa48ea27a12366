"""One rule, ready to be asked: its settings as sets, instants and windows, and what it decides."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import define, field

from smsagg.config.senders import WILDCARD, is_number
from smsagg.routing.rules.query import Blocked, Decision, Routed
from smsagg.routing.rules.settings import RuleSettings
from smsagg.routing.rules.week import week_of
from smsagg.smpp.status import ESME_RINVDSTADR

ALWAYS = 0
NEVER = 2**62
"""Instants, UTC milliseconds."""


class SenderSet:
    """Senders, whole and by their beginnings, compared as accounts' ``senders`` are: letter by letter, numbers without
    plus, beginnings of digits for numbers only and others for names only."""

    __slots__ = ("_of_names", "_of_numbers", "_whole")

    def __init__(self, patterns: Iterable[str]) -> None:
        whole, beginnings = set(), set()
        for pattern in patterns:
            plain = pattern.removeprefix("+") if is_number(pattern.removesuffix(WILDCARD)) else pattern
            if plain.endswith(WILDCARD):
                beginnings.add(plain[:-1])
            else:
                whole.add(plain)
        self._whole = frozenset(whole)
        self._of_numbers = tuple(sorted(begin for begin in beginnings if not begin or is_number(begin)))
        self._of_names = tuple(sorted(begin for begin in beginnings if not begin or not is_number(begin)))

    def has(self, sender: str) -> bool:
        """Whether ``sender`` is one of these."""
        is_of_digits = is_number(sender)
        plain = sender.removeprefix("+") if is_of_digits else sender
        return plain in self._whole or plain.startswith(self._of_numbers if is_of_digits else self._of_names)

    def covers(self, other: "SenderSet") -> bool:
        """Whether every sender of ``other`` is certainly in this set."""
        return (
            all(self.has(sender) for sender in other._whole)
            and all(begin.startswith(self._of_numbers) for begin in other._of_numbers)
            and all(begin.startswith(self._of_names) for begin in other._of_names)
        )


@define(frozen=True, eq=False)
class Rule:
    """See :class:`~smsagg.routing.rules.settings.RuleSettings`; empty sets ask for nothing."""

    settings: RuleSettings
    name: str
    enabled: bool
    accounts: frozenset[str]
    classes: frozenset[str]
    prefixes: tuple[str, ...]
    countries: frozenset[str]
    networks: frozenset[str]
    senders: SenderSet | None
    tags: frozenset[str]
    week: bytes | None
    valid_from: int
    valid_until: int
    decision: Decision | None
    """``None``: it sets what :attr:`gives` says, and the next rule is asked."""
    gives: Routed = field(repr=False)
    """Its ``message_class``, ``tag`` and ``priority``."""

    @property
    def is_static(self) -> bool:
        """Whether account, class and destination say all."""
        settings = self.settings
        return (
            self.senders is None
            and self.week is None
            and not (self.tags or settings.sender_pattern or settings.content_pattern)
            and self.valid_from == ALWAYS
            and self.valid_until == NEVER
        )


def rule_of(settings: RuleSettings) -> Rule:
    """The rule that sound settings mean."""
    gives = Routed(settings.pool, settings.name, settings.set_class, settings.set_tag, settings.set_priority)
    decision: Decision | None = None
    if settings.block:
        decision = Blocked(settings.name, settings.block, settings.command_status or ESME_RINVDSTADR)
    elif not settings.continue_:
        decision = gives
    return Rule(
        settings,
        settings.name,
        settings.enabled,
        frozenset(settings.accounts),
        frozenset(settings.classes),
        _shortest(settings.prefixes),
        frozenset(settings.countries),
        frozenset(settings.networks),
        SenderSet(settings.senders) if settings.senders else None,
        frozenset(settings.tags),
        week_of(settings.times, settings.weekdays),
        ALWAYS if settings.valid_from is None else _ms(settings.valid_from),
        NEVER if settings.valid_until is None else _ms(settings.valid_until),
        decision,
        gives,
    )


def _shortest(prefixes: Iterable[str]) -> tuple[str, ...]:
    """Without those that a shorter one holds."""
    kept: Mapping[str, None] = dict.fromkeys(sorted(prefixes))
    found: list[str] = []
    for prefix in kept:  # sorted: what begins like a prefix follows it at once
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return tuple(found)


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
