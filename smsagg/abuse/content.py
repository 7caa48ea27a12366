"""Rules on what texts say: patterns, and hosts that links lead to.

Theory of operation. The rules that can concern an account are put in one
:class:`~smsagg.text.patterns.PatternSet`, which looks for all of their patterns in one pass, in time linear in the
text. Only of a rule that matches are its countries and message classes looked at. A rule with ``fold`` looks at the
:func:`~smsagg.text.folding.readings` of the text, so that case, width, invisible characters and borrowed letters hide
nothing; one without looks at the text as it is.

Hosts are read out of the folded text wherever something has the form of one, with or without ``https://``. A rule
that names ``evil.example`` means everything below it as well.

Of several rules that match the most severe action counts: ``block``, then ``hold``, then ``flag``; of these the first
in the file.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import re2
from attrs import define

from smsagg.text import readings
from smsagg.text.patterns import PatternSet

ACTIONS = ("block", "hold", "flag")
"""By severity."""
HOST_CHARACTERS_MAX = 253
"""RFC 1035 §2.3.4, less the length octets at both ends."""
_HOST = re2.compile(r"(?:[\p{L}\p{N}-]+[.\x{3002}])+[\p{L}\p{N}-]+")


@define(frozen=True)
class ContentRule:
    """One rule; it matches a text that has any of its patterns or any of its hosts."""

    name: str
    action: str
    """One of :data:`ACTIONS`."""
    patterns: tuple[str, ...] = ()
    """RE2, each checked by whoever read them."""
    hosts: frozenset[str] = frozenset()
    """Folded, without a dot at either end."""
    accounts: frozenset[str] = frozenset()
    """Empty: all. Likewise the next two."""
    countries: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    fold: bool = True

    def covers(self, country: str, message_class: str) -> bool:
        """Whether it can match a message of this class to there."""
        return (not self.countries or country in self.countries) and (not self.classes or message_class in self.classes)


class ContentMatch(NamedTuple):
    """What the rules say of a text."""

    action: str
    rule: str
    """Its name."""


class ContentRules:
    """All rules of a file, in its order."""

    def __init__(self, rules: Sequence[ContentRule]) -> None:
        self.rules = tuple(rules)
        self._compiled: dict[tuple[int, ...], CompiledContent | None] = {(): None}

    def compile(self, account: str) -> "CompiledContent | None":
        """The rules that can concern messages of this account; ``None``: there are none. Accounts that the same rules
        concern share them."""
        places = tuple(place for place, rule in enumerate(self.rules) if not rule.accounts or account in rule.accounts)
        if places not in self._compiled:
            self._compiled[places] = CompiledContent([self.rules[place] for place in places])
        return self._compiled[places]


NO_CONTENT_RULES = ContentRules(())


class CompiledContent:
    """Some rules, ready to look at texts. Raises ValueError when their patterns are too much together."""

    def __init__(self, rules: Sequence[ContentRule]) -> None:
        self._rules = sorted(rules, key=lambda rule: ACTIONS.index(rule.action))
        plain = [(place, text) for place, rule in enumerate(self._rules) if not rule.fold for text in rule.patterns]
        folding = [(place, text) for place, rule in enumerate(self._rules) if rule.fold for text in rule.patterns]
        self._plain = PatternSet([text for _, text in plain])
        self._folding = PatternSet([text for _, text in folding], fold=True)
        self._plain_places = [place for place, _ in plain]
        self._folding_places = [place for place, _ in folding]
        self._hosts: dict[str, list[int]] = {}
        for place, rule in enumerate(self._rules):
            for host in rule.hosts:
                self._hosts.setdefault(host, []).append(place)

    def find(self, text: str, country: str, message_class: str) -> ContentMatch | None:
        """The rule that decides about ``text`` in a message of this class for a recipient in ``country``."""
        found: set[int] = set()
        if self._plain_places:
            found.update(self._plain_places[index] for index in self._plain.find(text))
        if self._folding_places or self._hosts:
            for reading in readings(text):
                found.update(self._folding_places[index] for index in self._folding.find(reading))
                if self._hosts and ("." in reading or "\u3002" in reading):
                    found.update(self._places_of_hosts(reading))
        for place in sorted(found):
            rule = self._rules[place]
            if rule.covers(country, message_class):
                return ContentMatch(rule.action, rule.name)
        return None

    def _places_of_hosts(self, reading: str) -> Iterator[int]:
        for host in hosts_in(reading):
            labels = host.split(".")
            for start in range(len(labels) - 1):
                yield from self._hosts.get(".".join(labels[start:]), ())


def hosts_in(folded_text: str) -> list[str]:
    """What has the form of a host name in a folded text; of one longer than a name can be, its end."""
    return [match.group()[-HOST_CHARACTERS_MAX:].replace("\u3002", ".") for match in _HOST.finditer(folded_text)]
