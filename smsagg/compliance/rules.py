"""The rules of countries: what may be sent there, when, from whom, to whom, and what it has to say."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import define, field

from smsagg.compliance.hours import Hours
from smsagg.config.units import MessageLimit
from smsagg.text import folded


class Senders(StrEnum):
    """Which senders a country takes."""

    ANY = "any"
    REGISTERED = "registered"
    """Names must be registered; numbers need not."""
    NUMBERS = "numbers"
    """No names at all."""


@define(frozen=True)
class RequiredText:
    """What messages of some classes have to say."""

    classes: frozenset[str]
    has: tuple[str, ...]
    """One of these must stand in the text, in any case and spelling of letters."""
    add: str
    """What is put behind a text that has none of them; ``""``: it is refused."""

    def is_in(self, text: str) -> bool:
        """Whether ``text`` says it."""
        said = folded(text)
        return any(folded(words) in said for words in self.has)


@define(frozen=True)
class CountryRules:
    """Of one country. A class that a rule does not name is not asked for anything by it."""

    country: str
    """ISO 3166; ``""``: of those that have no rules of their own."""
    classes: frozenset[str] | None = None
    """That may be sent; ``None``: all."""
    senders: Senders = Senders.ANY
    opt_in: frozenset[str] = frozenset()
    """Classes that need an opt-in of the recipient."""
    templates: frozenset[str] = frozenset()
    """Classes whose templates need approval before they are used."""
    hours: Mapping[str, Hours] = field(factory=dict)
    """By class; one that is not in it may be sent at any time."""
    texts: tuple[RequiredText, ...] = ()
    caps: Mapping[str, tuple[MessageLimit, ...]] = field(factory=dict)
    """By class: how much of it an account may send to one number."""


class ComplianceMap:
    """The rules of all countries."""

    def __init__(self, rules: Mapping[str, CountryRules] | None = None, default: CountryRules | None = None) -> None:
        """``rules`` by country; ``default`` for all others."""
        self.rules: Mapping[str, CountryRules] = rules or {}
        self.default = default
        every = (*self.rules.values(), *(() if default is None else (default,)))
        self.is_needed = bool(every)
        """Whether any country asks for anything."""
        self.has_hours = any(one.hours for one in every)
        """Whether there are times at which something may not be sent."""
        self.limits = {limit for one in every for limits in one.caps.values() for limit in limits}
        """All that some rule has."""

    def of(self, country: str) -> CountryRules | None:
        """Of an ISO 3166 country (``""``: an unknown one); ``None``: it asks for nothing."""
        return self.rules.get(country, self.default)

    def needs_template_approval(self, country: str, message_class: str) -> bool:
        """Whether a template for messages of this class to ``country`` must be approved before it is used."""
        rules = self.of(country)
        return rules is not None and message_class in rules.templates


NO_RULES = ComplianceMap()
"""No country asks for anything."""
