"""Flows: messages of one pool that the same carriers may take for the same reasons, and the choice for each of them.

Theory of operation. Where the choice depends on the message (by price, by quality, because something is restricted by
country, or because accounts' messages stay in a region) the pool's queue keeps messages apart by *flow*: one for each
country, set of prices, region and carrier to avoid. The carriers are the same for all messages of a flow, so a choice
serves a batch.

A flow asks the *stages* of its pool: the pool itself and then its backups, each with its own ranking of its members
(:mod:`smsagg.routing.ranking`). In a stage the first tier with room wins. Passed over are members that the message just
failed on, those that nobody may use for that country now (:class:`~smsagg.engine.health.health.Health`), and those
whose share was shifted away; the first and the last of these are taken when nobody else has room. A backup is asked
when no member is usable, as in pools without flows.

What a :class:`Granted` lets go is charged at once to everything that bounds it (window, pace, circuits, shares), so
that flows which share a link never promise the same room twice.
"""

import math
from collections.abc import Iterator, Sequence

from smsagg.config.amounts import format_micros
from smsagg.config.residency import residencies_of
from smsagg.engine.admission.tariffs import MarginGuard, guard_of
from smsagg.engine.core import Core
from smsagg.engine.segments import segments_of
from smsagg.engine.sending.candidates import Candidate
from smsagg.engine.sending.flow import Flow, Granted, Room, Stage
from smsagg.engine.sending.pools import CarrierState, LinkState, Pool
from smsagg.model import Message
from smsagg.queueing import Bundle
from smsagg.queueing.grouped import GroupedQueue
from smsagg.routing.exploration import Explorer
from smsagg.routing.offers import OfferBook, Offers
from smsagg.routing.ranking import BY_DESTINATION, EXPLORING, Contender, Ranking, rank

FLOWS_MAX = 20_000
"""Flows that are remembered; beyond, they are made anew."""
UNGROUPED_MAX = 1_000
"""A queue that needs no flows any more stays as it is until it is so short."""
NAMED_MAX = 2
"""Carriers that a reason names as passed over."""


class Flows:
    """The flows of one pool."""

    def __init__(self, core: Core, pool: Pool) -> None:
        self._core = core
        self._pool = pool
        self._flows: dict[tuple[tuple[Offers, ...], str, MarginGuard | None, str], Flow] = {}
        self._explorers: dict[tuple[str, str], Explorer] = {}
        self._books: list[tuple[Pool, OfferBook]] = []
        self.is_by_destination = False
        """The choice depends on where a message goes or whose it is, whatever else."""
        self.next_at = math.inf
        """When time alone allows more than the round under way, carriers' own room aside."""
        self.asked: set[Pool] = set()
        """Pools that were asked in the round under way."""
        self._rooms: dict[LinkState, Room] = {}
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration and the tables of the core from now on."""
        core, chain = self._core, self._pool.chain()
        cards = core.tables.cards
        self._guards = {
            name: guard
            for name, settings in core.config.accounts.items()
            if name in core.tables.prices and (guard := guard_of(settings, self._pool.settings)) is not None
        }
        self._residencies = residencies_of(core.config)
        self.is_by_destination = (
            self._divides(chain)
            or any(pool.settings.policy in BY_DESTINATION for pool in chain)
            or (bool(self._guards) and any(member.name in cards for pool in chain for member in pool.members))
        )
        self._books = [(pool, OfferBook([cards.get(member.name) for member in pool.members])) for pool in chain]
        self._flows.clear()
        self._explorers.clear()
        if isinstance(self._pool.ready, GroupedQueue):
            self._pool.regroup(self.group_of)

    def _divides(self, chain: Sequence[Pool]) -> bool:
        """Whether some account may not use every member."""
        regions = [member.settings.regions for pool in chain for member in pool.members]
        return any(residency not in of for residency in set(self._residencies.values()) for of in regions)

    def settle(self) -> bool:
        """Have the pool's queue as it is needed now; whether that is by flows."""
        pool = self._pool
        is_grouped = isinstance(pool.ready, GroupedQueue)
        if self.is_by_destination or not self._core.health.is_quiet:
            if not is_grouped:
                pool.regroup(self.group_of)
            return True
        if is_grouped and len(pool.ready) <= UNGROUPED_MAX:
            pool.regroup(None)
            return False
        return is_grouped

    def group_of(self, message: Message) -> Flow:
        """The flow of ``message``; it is noted what carriers would cost for it."""
        at_ms = self._core.clock.now_ms()
        country, network = message.country, message.network
        guard = self._guards.get(message.account) if message.revenue else None
        revenue = message.revenue // segments_of(message) if guard is not None else 0
        offers = tuple(
            [book.find(message.destination_addr, country, network, revenue, at_ms) for _, book in self._books]
        )
        message.offers = offers[0]
        residency = self._residencies.get(message.account, "")
        key = (offers, message.avoid, guard, residency)
        flow = self._flows.get(key)
        if flow is None:
            if len(self._flows) >= FLOWS_MAX:
                self._flows.clear()
            stages = [
                Stage(pool, of, self._explorer(pool, country))
                for (pool, _), of in zip(self._books, offers, strict=True)
            ]
            flow = self._flows[key] = Flow(country, message.avoid, guard, residency, tuple(stages))
        return flow

    # --- a round ---

    def begin(self, now: float) -> None:
        """A round of choices begins."""
        self.next_at = math.inf
        self.asked.clear()
        self._rooms.clear()
        for pool, _ in self._books:
            pool.reopen_due(now)

    def end(self) -> float:
        """The round is over; when the next one may find more, unless something happens."""
        self._rooms.clear()
        return min([self.next_at, *(pool.next_reopening_at() for pool in self.asked)])

    def choose(self, flow: Flow, now: float, *, may_explore: bool = True) -> Granted | None:
        """Where the next messages of ``flow`` go; ``None``: nobody takes them now."""
        for place, stage in enumerate(flow.stages):
            self.asked.add(stage.pool)
            granted = self._choose_in(stage, flow, place > 0, may_explore, now)
            if granted is not None:
                return granted
            if self._has_usable(stage, flow, now):
                return None  # the backups are for when nobody is usable, not for when everybody is full
        return self._choose_last_resort(flow, now)

    def take(self, granted: Granted, count: int, now: float) -> None:
        """``count`` messages go by ``granted``."""
        granted.left -= count
        granted.room.left -= count
        link, stage, index = granted.link, granted.stage, granted.index
        policy = stage.pool.policy
        link.reserved += count
        self._core.health.on_promised(link, granted.flow.country, count, now)
        policy.charge(index, count)
        self._note_explored(granted, count, now)
        if stage.balances and index in stage.balances:
            stage.balances[index] -= count
        for passed in granted.passed_over:
            policy.charge(passed, count)
            share = self._core.health.share(stage.pool.members[passed], granted.flow.country)
            if 0 < share < 1:
                stage.balances[passed] += count * share / (1.0 - share)
        losing = stage.ranking is not None and index in stage.ranking.losing
        self._core.metrics.chosen(self._pool.name, link.carrier.name, granted.why, count, is_losing=losing)

    def take_bundle(self, granted: Granted, bundle: Bundle, now: float) -> None:
        """``bundle`` is to go by ``granted``; it is charged to its link when it goes, for that may be another one: the
        one that has its other parts."""
        granted.bundles.append(bundle)
        granted.room.bundled += len(bundle)
        granted.room.left -= len(bundle)
        granted.left -= len(bundle)
        self._note_explored(granted, len(bundle), now)

    def _note_explored(self, granted: Granted, count: int, now: float) -> None:
        explorer = granted.stage.explorer
        if explorer is None:
            return
        if granted.why == "explore":
            explorer.explored(granted.index, count, now)
        else:
            explorer.sent(count)

    def may_take(self, message: Message, carrier: CarrierState, now: float) -> bool:
        """Whether ``carrier`` is one that may be given ``message`` now, room aside."""
        if self._core.health.is_barred(carrier, message.country, now):
            return False
        flow = self.group_of(message)
        for stage in flow.stages:
            for index, member in enumerate(stage.pool.members):
                if member is carrier:
                    return index not in self._ranking(stage, flow).refused
        return False

    def link_for(self, message: Message, now: float) -> LinkState | None:
        """Where one message goes that is charged to its link when it is sent; outside of a round."""
        granted = self.choose(self.group_of(message), now, may_explore=False)
        return None if granted is None else granted.link

    def explain(self, message: Message, now: float) -> list[Candidate]:
        """Every carrier of the pool and its backups, and why it would be taken now for ``message``, or not."""
        flow = self.group_of(message)
        return [one for stage in flow.stages for one in self._explain_stage(stage, flow, message, now)]

    # --- the choice ---

    def _choose_in(self, stage: Stage, flow: Flow, is_backup: bool, may_explore: bool, now: float) -> Granted | None:
        ranking, pool = self._ranking(stage, flow), stage.pool
        explorer = stage.explorer
        if may_explore and explorer is not None and ranking.below_top and explorer.is_due(now):
            granted = self._explore(stage, explorer, ranking, flow, now)
            if granted is not None:
                return granted
        held: list[tuple[int, str]] = []
        passed: list[int] = []
        for place, tier in enumerate(ranking.tiers):
            for index in pool.policy.in_turn(tier):
                if pool.members[index].name == flow.avoid:
                    held.append((index, "avoided"))
                elif self._is_passed_over(stage, flow, index):
                    passed.append(index)
                    if self._core.health.share(pool.members[index], flow.country) > 0:
                        held.append((index, "shifted"))
                else:
                    why = "backup" if is_backup else "next" if place else "first"
                    granted = self._grant(stage, flow, index, why, now)
                    if granted is not None:
                        self._explain_tier(granted, place, now)
                        granted.passed_over = tuple(passed)
                        granted.is_bounded |= bool(passed) or index in stage.balances
                        return granted
        for index, why in held:
            granted = self._grant(stage, flow, index, why, now)
            if granted is not None:
                return granted
        return None

    def _choose_last_resort(self, flow: Flow, now: float) -> Granted | None:
        """Who reports falsely, when nobody else is usable anywhere."""
        for stage in flow.stages:
            for index in stage.pool.policy.in_turn(self._ranking(stage, flow).last_resort):
                granted = self._grant(stage, flow, index, "last_resort", now)
                if granted is not None:
                    return granted
        return None

    def _grant(self, stage: Stage, flow: Flow, index: int, why: str, now: float) -> Granted | None:
        """Room at a member that may have some, if it does."""
        health, member = self._core.health, stage.pool.members[index]
        allowance = health.allowance(member, flow.country, now)
        if allowance < 1:
            self.next_at = min(self.next_at, health.ready_at(member, flow.country, now))
            return None
        link, capacity = stage.pool.ask(index, now)
        if link is None:
            return None
        room = self._rooms.get(link)
        if room is None:
            room = self._rooms[link] = Room(link, capacity)
        elif capacity > room.bundled:
            room.left = capacity - room.bundled
        else:
            self.next_at = now  # when the bundles are gone it is seen what they left
            return None
        return Granted(flow, stage, index, room, allowance, why, self._reason(stage, index, why), allowance < math.inf)

    def _explore(self, stage: Stage, explorer: Explorer, ranking: Ranking, flow: Flow, now: float) -> Granted | None:
        quality, members, country = self._core.quality, stage.pool.members, flow.country
        best = quality.score(members[ranking.tiers[0][0]].name, country)

        def score_of(index: int) -> float:
            return quality.score(members[index].name, country)

        for index in explorer.candidates(ranking.below_top, score_of, best, now):
            if members[index].name == flow.avoid or not stage.pool.policy.in_turn((index,)):
                continue
            granted = self._grant(stage, flow, index, "explore", now)
            if granted is not None:
                granted.left = min(granted.left, explorer.quota(score_of(index), best))
                return granted
        return None

    def _explain_tier(self, granted: Granted, place: int, now: float) -> None:
        """Say who would have been better, and have messages wait for them if they are only full."""
        stage, flow = granted.stage, granted.flow
        assert stage.ranking is not None
        if not place:
            return
        members = stage.pool.members
        better = [i for tier in stage.ranking.tiers[:place] for i in tier if members[i].name != flow.avoid]
        full = [index for index in better if self._is_usable(members[index], flow, now)]
        if not better:
            return
        wait_s = stage.pool.settings.wait_for_cheaper
        if wait_s and full and stage.pool.settings.policy in BY_DESTINATION:
            granted.waited_since = self._core.clock.now_ms() - int(wait_s * 1000)
        names = [f"{members[index].name} {'full' if index in full else 'down'}" for index in better[:NAMED_MAX]]
        more = f" and {len(better) - NAMED_MAX} more" if len(better) > NAMED_MAX else ""
        granted.reason += f", before it {', '.join(names)}{more}"

    def _is_passed_over(self, stage: Stage, flow: Flow, index: int) -> bool:
        """Whether a member whose share is shifted away has had it."""
        share = self._core.health.share(stage.pool.members[index], flow.country)
        if share >= 1:
            stage.balances.pop(index, None)
            return False
        return share <= 0 or stage.balances.setdefault(index, 1.0) <= 0

    def _has_usable(self, stage: Stage, flow: Flow, now: float) -> bool:
        """Whether some member could take messages of ``flow`` soon."""
        members = stage.pool.members
        return any(
            self._is_usable(members[index], flow, now) for tier in self._ranking(stage, flow).tiers for index in tier
        )

    def _is_usable(self, member: CarrierState, flow: Flow, now: float) -> bool:
        health = self._core.health
        return (
            member.is_usable(now)
            and not health.is_barred(member, flow.country, now)
            and health.share(member, flow.country) > 0
        )

    def _ranking(self, stage: Stage, flow: Flow) -> Ranking:
        goes_by_score = stage.pool.settings.policy in EXPLORING
        version = self._core.quality.version if goes_by_score else 0
        if stage.ranking is None or stage.version != version:
            stage.ranking, stage.version = self._rank(stage, flow, goes_by_score), version
        return stage.ranking

    def _rank(self, stage: Stage, flow: Flow, goes_by_score: bool) -> Ranking:
        quality, country, guard, residency = self._core.quality, stage.offers.country, flow.guard, flow.residency
        contenders = [
            Contender(
                index,
                stage.offers.costs[index],
                quality.score(member.name, country) if goes_by_score else 1.0,
                goes_by_score and quality.is_false(member.name, country),
                bool(residency) and residency not in member.settings.regions,
            )
            for index, member in enumerate(stage.pool.members)
        ]
        allows = None if guard is None else guard.allows
        return rank(
            stage.pool.settings, stage.offers, contenders, allows, warns=guard is not None and not guard.refuses
        )

    def _reason(self, stage: Stage, index: int, why: str) -> str:
        pool, settings = stage.pool, stage.pool.settings
        words = [settings.policy]
        cost = stage.offers.costs[index]
        if settings.policy in ("least_cost", "combined"):
            words.append("unpriced" if cost is None else f"{format_micros(cost)} {self._core.tables.currencies.base}")
        if settings.policy in EXPLORING:
            words.append(f"{self._core.quality.score(pool.members[index].name, stage.offers.country):.3f}")
        said = "" if why in ("first", "next") else f", {_SAID[why].format(pool=pool.name)}"
        return f"{' '.join(words)}, {pool.policy.open_count} of {len(pool.members)} with room{said}"

    def _explain_stage(self, stage: Stage, flow: Flow, message: Message, now: float) -> Iterator[Candidate]:
        core, health, pool = self._core, self._core.health, stage.pool
        revenue = message.revenue // segments_of(message)
        ranking = self._ranking(stage, flow)
        order = [index for tier in ranking.tiers for index in pool.policy.in_order(tier)] + ranking.last_resort
        is_taken = stage is not flow.stages[0] and self._has_usable(flow.stages[0], flow, now)
        for index in [*order, *ranking.refused]:
            member = pool.members[index]
            cost = stage.offers.costs[index]
            held = health.explain(member, flow.country, now)
            window = max(sum(max(link.capacity(now), 0) for link in member.links), 0)
            if index in ranking.refused:
                verdict, why = "refused", ranking.refused[index].value
            elif not member.is_usable(now) or health.allowance(member, flow.country, now) < 1:
                verdict, why = "held", held or "no link is bound"
            elif window < 1:
                verdict, why = "full", "no window or rate left"
            elif member.name == flow.avoid:
                verdict, why = "could", "the message just failed here"
            elif is_taken:
                verdict, why = "could", "behind" if order[0] != index else "backup"
            else:
                is_taken, verdict, why = True, "taken", self._reason(stage, index, "first")
            yield Candidate(
                member.name,
                pool.name,
                revenue,
                cost,
                None if cost is None else revenue - cost,
                str(core.quality.explain(member.name, flow.country)),
                held,
                window,
                sum(link.pacing.rate_per_s(now) for link in member.links),
                verdict,
                why,
            )

    def _explorer(self, pool: Pool, country: str) -> Explorer | None:
        settings = self._core.config.quality
        if pool.settings.policy not in EXPLORING or settings.explore <= 0:
            return None
        key = (pool.name, country)
        explorer = self._explorers.get(key)
        if explorer is None:
            explorer = self._explorers[key] = Explorer(
                settings.explore, settings.explore_every, self._core.clock.monotonic_s()
            )
        return explorer


_SAID = {
    "explore": "exploring",
    "backup": "backup pool {pool}",
    "last_resort": "a last resort: false receipts",
    "avoided": "though it just failed, for want of another",
    "shifted": "beyond its share, for want of another",
}
