"""The rules of a routes file as one table: asked about a message, it gives a pool or a refusal.

Theory of operation. The index (:mod:`smsagg.routing.rules.index`) gives the set of rules that a message can meet by its
account, class and destination. Of each set that comes up the *short list* is kept: its rules in order, up to the first
that asks for nothing more. Where that is the first rule of all, the answer is ready; else the rules of the list are
asked about time, tag, sender and text. A rule that only sets something (``continue``) may change the class, so the set
is then found anew, among the rules after it. When no rule decides, the pool of the country does, then the default pool.

Bounds: :data:`SHORT_LISTS_MAX` short lists; then they are made anew.
"""

from collections.abc import Iterator, Sequence

from attrs import define

from smsagg.routing.router import Router
from smsagg.routing.rules.conditions import Condition, all_of, named_conditions
from smsagg.routing.rules.explain import RuleVerdict, explain
from smsagg.routing.rules.index import Mask, RuleIndex, members
from smsagg.routing.rules.query import Blocked, Decision, Routed, RouteQuery
from smsagg.routing.rules.rule import Rule
from smsagg.routing.zones import LocalTimes
from smsagg.smpp.status import ESME_RINVDSTADR
from smsagg.text.patterns import Pattern, PatternSet

SHORT_LISTS_MAX = 50_000
SETS_MAX = 100
"""Of patterns of texts that are looked for in one pass; rules beyond look one by one."""
NO_ROUTE = "no_route"


@define(frozen=True, eq=False)
class _Asked:
    """A rule as the table asks it."""

    index: int
    rule: Rule
    holds: Condition | None
    """All that it asks for but the text; ``None``: nothing."""
    content: Pattern | None
    decision: Decision | None


@define(frozen=True, eq=False)
class _ShortList:
    """What a message of one set of rules can meet."""

    always: Decision | None
    """The answer, when it is the same for all of them."""
    asked: tuple[_Asked, ...]
    contents: tuple[Pattern, ...]
    """The patterns of texts that its rules look for."""
    contents_at_once: PatternSet | None
    """The same, to be looked for in one pass."""


class RouteTable:
    """Rules in order over a :class:`Router`. Nothing in it changes but what it remembers; a reload makes a new one."""

    def __init__(self, rules: Sequence[Rule], router: Router) -> None:
        self.rules = tuple(rules)
        self.router = router
        self.local_times = LocalTimes()
        self.index = RuleIndex(self.rules)
        self._asked = [
            _Asked(
                index,
                rule,
                all_of([holds for _, holds in named_conditions(rule, self.local_times)]),
                Pattern(rule.settings.content_pattern, fold=True) if rule.settings.content_pattern else None,
                rule.decision,
            )
            for index, rule in enumerate(self.rules)
        ]
        self._short_lists: dict[Mask, _ShortList] = {}
        self._by_rules: dict[tuple[int, ...], _ShortList] = {}
        """Each of the short lists once, by the places of its rules."""
        self._sets: dict[tuple[str, ...], PatternSet] = {}
        self._fallbacks: dict[str, Decision] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is no rule that could hold: countries decide alone."""
        return not any(rule.enabled for rule in self.rules)

    def decide(self, query: RouteQuery) -> Decision:
        """Where the message goes, or why it is refused."""
        short = self._short_list(self._mask(query))
        return self._ask(short, query) if short.always is None else short.always

    def explain(self, query: RouteQuery) -> list[RuleVerdict]:
        """Each rule that :meth:`decide` asks, in order, and what it makes of the message."""
        return explain(self.rules, query, self.local_times)

    def fallback(self, country: str) -> Decision:
        """What becomes of a message that no rule decides."""
        decision = self._fallbacks.get(country)
        if decision is None:
            pool = self.router.route(country)
            decision = Routed(pool, "") if isinstance(pool, str) else Blocked("", NO_ROUTE, ESME_RINVDSTADR)
            self._fallbacks[country] = decision
        return decision

    def _mask(self, query: RouteQuery) -> Mask:
        index, network = self.index, query.network
        by_network = index.networks.get(network)
        if by_network is None:
            by_network = index.mccs.get(network[:3], index.any_network)
        return (
            index.of_digits(query.digits)
            & index.accounts.get(query.account, index.any_account)
            & index.classes.get(query.message_class, index.any_class)
            & index.countries.get(query.country, index.any_country)
            & by_network
        )

    def _ask(self, short: _ShortList, query: RouteQuery) -> Decision:
        found = _first_that_holds(short, query)
        if found is None:
            return self.fallback(query.country)
        if found.decision is not None:
            return found.decision
        return self._ask_on(found, query)

    def _ask_on(self, found: _Asked | None, query: RouteQuery) -> Decision:
        """Go on after a rule that decides nothing; what it and others set goes with the decision."""
        message_class, tag = query.message_class, query.tag
        gives = Routed("", "")
        try:
            while found is not None:
                gives = _added(gives, found.rule.gives)
                if found.decision is not None:
                    return found.decision if isinstance(found.decision, Blocked) else gives
                query.message_class, query.tag = gives.message_class or message_class, gives.tag or tag
                passed = (2 << found.index) - 1
                found = _first_that_holds(self._short_list(self._mask(query) & ~passed), query)
        finally:
            query.message_class, query.tag = message_class, tag
        decision = self.fallback(query.country)
        return decision if isinstance(decision, Blocked) else _added(gives, decision)

    def _short_list(self, mask: Mask) -> _ShortList:
        short = self._short_lists.get(mask)
        if short is None:
            if len(self._short_lists) >= SHORT_LISTS_MAX:
                self._short_lists.clear()
                self._by_rules.clear()
            reached = tuple(self._reached(mask))
            if reached not in self._by_rules:
                self._by_rules[reached] = self._list_of(reached)
            short = self._short_lists[mask] = self._by_rules[reached]
        return short

    def _reached(self, mask: Mask) -> Iterator[int]:
        """The rules of a set, in order, up to the first that decides all that comes to it."""
        for index in members(mask):
            yield index
            one = self._asked[index]
            if one.rule.is_static and one.decision is not None:
                return

    def _list_of(self, places: Sequence[int]) -> _ShortList:
        asked = tuple(self._asked[place] for place in places)
        always = asked[0].decision if asked and asked[0].rule.is_static else None
        contents = {one.content.text: one.content for one in asked if one.content is not None}
        return _ShortList(always, asked, tuple(contents.values()), self._at_once(tuple(contents)))

    def _at_once(self, contents: tuple[str, ...]) -> PatternSet | None:
        if contents not in self._sets:
            if len(contents) < 2 or len(self._sets) >= SETS_MAX:
                return None
            try:
                self._sets[contents] = PatternSet(contents, fold=True)
            except ValueError:  # they are too large together
                return None
        return self._sets[contents]


def _first_that_holds(short: _ShortList, query: RouteQuery) -> _Asked | None:
    found: Sequence[str] | None = None
    """Patterns that the text has, once it was looked through."""
    for one in short.asked:
        holds = one.holds
        if holds is not None and not holds(query):
            continue
        content = one.content
        if content is None:
            return one
        if found is None:
            found = _found_in(query.text, short)
        if content.text in found:
            return one
    return None


def _found_in(text: str | None, short: _ShortList) -> Sequence[str]:
    if text is None:
        return ()
    if short.contents_at_once is None:
        return [content.text for content in short.contents if content.is_in(text)]
    return [short.contents[place].text for place in short.contents_at_once.find(text)]


def _added(gives: Routed, more: Routed) -> Routed:
    """What two rules gave, the later one's word before the earlier one's."""
    priority = gives.priority if more.priority is None else more.priority
    return Routed(more.pool, more.rule, more.message_class or gives.message_class, more.tag or gives.tag, priority)
