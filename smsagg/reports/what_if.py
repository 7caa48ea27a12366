"""What past messages would have cost, and where they would have gone, under other routes, rate cards or policies.

Theory of operation. Fates stay as they were: a message that was delivered is delivered, one that no carrier took costs
nothing; so only the way and its price differ. The routes in question are asked about the message as it was stored, at
the time at which it came. Where they give it the pool that it had, and nothing about that pool is to change, it keeps
its carrier; else the pool's policy chooses one: by rank, by weight (messages take turns, so that shares come out
exactly), by cost, or by the delivery rates that carriers had in that country in the same span. A carrier that is kept
and whose rate card stays costs what it cost; any other costs what its card says for that time and number.

Bounds: one counter for each pool, country and set of choices.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from attrs import define, field

from smsagg.config.schema import PoolMember, PoolSettings
from smsagg.model import ChargeOn, MessageState
from smsagg.pricing import RateCard
from smsagg.reports.report import Report
from smsagg.reports.tally import KNOWN_ENDS
from smsagg.routing.destination import BadDestination, e164_digits
from smsagg.routing.router import NoRoute, Router
from smsagg.routing.rules import Blocked, RouteQuery, RouteTable
from smsagg.routing.rules.query import NO_TAGS

KNOWN_MIN = 20
"""Messages with a known end that make a delivery rate; below, the carrier's own of all countries stands in."""
OWN_POLICY = ""


class PastMessage(NamedTuple):
    """A message as it is judged anew; fields in the order in which the store is asked for them."""

    seq: int
    accepted_at: int
    account: str
    message_class: str
    country: str
    network: str
    pool: str
    carrier: str
    route: str
    source_addr: str
    tag: str
    state: int
    destination_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    data_coding: int
    esm_class: int
    segments: int
    earned: int
    cost: int
    taken: int
    """1: a carrier took it."""
    body: bytes

    @property
    def digits(self) -> str:
        """Of the recipient, as many as are left of them; ``""`` for none."""
        found = e164_digits(self.destination_addr, self.dest_addr_ton, self.dest_addr_npi)
        if not isinstance(found, BadDestination):
            return found
        left = self.destination_addr.lstrip("+").rstrip("•")
        return left if left.isdecimal() else ""


class Judged(NamedTuple):
    """What would become of a message."""

    pool: str
    """``""``: it would be refused."""
    rule: str
    blocked: str
    """Why it would be refused."""
    carrier: str
    """``""``: nobody takes it."""
    cost: int | None
    """Micro-units of the base currency; ``None``: its carrier has no price for it."""


class Rates:
    """Delivery rates of carriers by country, from a report of the span by carrier and country."""

    def __init__(self, report: Report) -> None:
        assert report.by == ("carrier", "country")
        self._known: dict[tuple[str, str], tuple[int, int]] = {}
        for (carrier, country), tally in report.groups():
            known = sum(tally.states[state] for state in KNOWN_ENDS)
            for key in ((carrier, country), (carrier, "*"), ("*", "*")):
                delivered, all_known = self._known.get(key, (0, 0))
                self._known[key] = (delivered + tally.delivered, all_known + known)

    def rate(self, carrier: str, country: str) -> float | None:
        """0 to 1: the carrier's there, else everywhere, else everybody's; ``None``: nothing is known."""
        for key, least in (((carrier, country), KNOWN_MIN), ((carrier, "*"), KNOWN_MIN), (("*", "*"), 1)):
            delivered, known = self._known.get(key, (0, 0))
            if known >= least:
                return delivered / known
        return None


@define(frozen=True)
class Draft:
    """What is to be tried out."""

    pools: Mapping[str, PoolSettings]
    router: Router
    routes: RouteTable | None
    cards: Mapping[str, RateCard]
    account_tags: Mapping[str, frozenset[str]] = field(factory=dict)
    policy: str = OWN_POLICY
    """Instead of every pool's own."""
    changed_pools: frozenset[str] = frozenset()
    """Whose members or policy are not those of the past: their messages choose anew."""
    changed_cards: frozenset[str] = frozenset()
    """Carriers whose prices are not those of the past."""
    newcomers: Sequence[str] = ()
    """Carriers beside the pools' own, in every pool, where they have a price."""


class WhatIf:
    """Judges messages under a draft."""

    def __init__(self, draft: Draft, rates: Rates) -> None:
        self._draft = draft
        self._rates = rates
        self._turns: dict[tuple[object, ...], dict[str, int]] = {}

    def judge(self, past: PastMessage) -> Judged:
        """What becomes of it."""
        decision = self._decide(past)
        if isinstance(decision, Blocked):
            return Judged("", decision.rule, decision.reason, "", 0)
        pool, rule = decision
        if not past.taken:
            return Judged(pool, rule, "", "", 0)
        draft = self._draft
        keeps = pool == past.pool and not draft.policy and pool not in draft.changed_pools
        carrier = past.carrier if keeps else self._choose(pool, past)
        if carrier == past.carrier and carrier not in draft.changed_cards:
            return Judged(pool, rule, "", carrier, past.cost)
        return Judged(pool, rule, "", carrier, self._cost(carrier, past))

    def expected_rate(self, carrier: str, country: str) -> float | None:
        """The delivery rate that a message may expect."""
        return self._rates.rate(carrier, country)

    def _decide(self, past: PastMessage) -> Blocked | tuple[str, str]:
        draft = self._draft
        if draft.routes is None:
            pool = draft.router.route(past.country)
            return Blocked("", "no_route", 0) if isinstance(pool, NoRoute) else (pool, "")
        query = RouteQuery(
            past.account,
            past.message_class,
            past.digits,
            past.country,
            past.network,
            past.source_addr,
            past.accepted_at,
            draft.account_tags.get(past.account, NO_TAGS),
            past.tag,
            past.body,
            past.data_coding,
            past.esm_class,
        )
        decision = draft.routes.decide(query)
        return decision if isinstance(decision, Blocked) else (decision.pool, decision.rule)

    def _price(self, carrier: str, past: PastMessage) -> int | None:
        """Of all its segments, whatever it is owed for."""
        card = self._draft.cards.get(carrier)
        rate = None if card is None else card.find(past.digits, past.network, past.accepted_at, past.country)
        return None if rate is None else rate.base * past.segments

    def _cost(self, carrier: str, past: PastMessage) -> int | None:
        card = self._draft.cards.get(carrier)
        rate = None if card is None else card.find(past.digits, past.network, past.accepted_at, past.country)
        if rate is None:
            return None
        is_owed = rate.charge_on is not ChargeOn.DELIVERED or past.state == MessageState.DELIVERED
        return rate.base * past.segments if is_owed else 0

    def _choose(self, pool: str, past: PastMessage) -> str:
        draft = self._draft
        settings = draft.pools[pool]
        members = list(settings.carriers)
        members += [PoolMember(name) for name in draft.newcomers if self._price(name, past) is not None]
        policy = draft.policy or settings.policy
        if policy == "weighted":
            return self._next_turn((pool, past.country), members, weighted=True)
        return self._next_turn((pool, past.country), self._best(policy, settings, members, past), weighted=False)

    def _best(
        self, policy: str, settings: PoolSettings, members: list[PoolMember], past: PastMessage
    ) -> list[PoolMember]:
        """Those that the policy likes most, all alike."""
        if policy == "priority":
            lowest = min(member.rank for member in members)
            return [member for member in members if member.rank == lowest]
        rates = {m.carrier: self._rates.rate(m.carrier, past.country) or 0.0 for m in members}
        if policy == "quality":
            best = max(rates.values())
            return [member for member in members if rates[member.carrier] == best]
        if policy == "combined":
            good = [member for member in members if rates[member.carrier] >= settings.quality_min]
            if not good:
                return self._best("quality", settings, members, past)
            members = good
        prices = {m.carrier: self._price(m.carrier, past) for m in members}
        lowest_price = min((price for price in prices.values() if price is not None), default=None)
        return [member for member in members if prices[member.carrier] == lowest_price]

    def _next_turn(self, where: tuple[str, str], members: list[PoolMember], *, weighted: bool) -> str:
        """Each has its share of the messages so far, to one message."""
        if len(members) == 1:
            return members[0].carrier
        names = tuple(member.carrier for member in members)
        given = self._turns.setdefault((*where, names), dict.fromkeys(names, 0))
        weights = {member.carrier: member.weight if weighted else 1 for member in members}
        chosen = min(names, key=lambda name: (given[name] + 1) / weights[name])
        given[chosen] += 1
        return chosen
