"""Looks at carriers and countries once a second, and gives less to those that do badly.

Each look: links that answer nothing (``health_window``), ways whose receipts tell of failures (``circuit_delivery``),
``[[shaping_rules]]``, the pace of ``[countries.XX]``. What begins and ends is logged; what is in force stands in
``smsagg carrier status`` and in the gauge ``smsagg_shaping_actions``. Nothing here is done for each message.
"""

from collections.abc import Callable, Iterator, Mapping
from math import inf

import structlog
import trio

from smsagg.config.schema import CountrySettings
from smsagg.engine.core import Core
from smsagg.engine.health.alternatives import left_without
from smsagg.engine.health.delivery_circuits import DeliveryCircuits
from smsagg.engine.sending.pools import CarrierState
from smsagg.observe.log import RateLimitedLog
from smsagg.shaping.country_pace import CountryPace
from smsagg.shaping.rules import ACCEPTED, IN_DOUBT, PERMANENT, STATUSES_FROM, Action, Rule
from smsagg.shaping.window import Counts, SlidingCounts, between

INTERVAL_S = 1.0
RECENT_S = 600.0
"""What operators are told of carriers is what happened in so long."""

log = structlog.get_logger("smsagg.engine")


class Shaper:
    """One task. ``now`` is monotonic seconds."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._log = RateLimitedLog(log)
        self._rules: list[Rule] = []
        self._paces: dict[str, CountryPace] = {}
        self._countries: Mapping[str, CountrySettings] = {}
        self._windows: dict[str, SlidingCounts] = {}
        self._recent: dict[str, tuple[Counts, float]] = {}
        self._deliveries = DeliveryCircuits(core)
        self.on_look: Callable[[float], None] = lambda _now: None
        """Who else is to look once a second."""
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the rules and countries of ``core.config`` from now on; rules that stay as they were go on."""
        config, now, sightings = self._core.config, self._core.clock.monotonic_s(), self._core.sightings
        self._core.health.reconfigure(self._core.carriers.values())
        before = {rule.settings.name: rule for rule in self._rules}
        statuses = sorted({status for settings in config.shaping_rules for status in settings.statuses})
        is_same = statuses == list(sightings.statuses)
        sightings.watch(statuses)
        sightings.refresh()
        self._rules = []
        for settings in config.shaping_rules:
            rule = before.get(settings.name)
            if rule is not None and rule.settings == settings and (is_same or not settings.statuses):
                del before[settings.name]
            else:
                rule = Rule(settings, statuses)
                rule.begin_watching(sightings, now)
            self._rules.append(rule)
        for rule in before.values():
            for action in list(rule.actions()):
                self._end(rule, action, now, "the rule has changed")
        for rule in self._rules:
            for action in [action for action in rule.actions() if action.subject[0] not in self._core.carriers]:
                self._end(rule, action, now, "the carrier is there no more")
        self._reconfigure_countries(now)

    def _reconfigure_countries(self, now: float) -> None:
        settings = self._core.config.countries
        for country in self._paces.keys() - settings.keys():
            self._core.health.pace_country(country, None, now)
        before, self._countries = self._countries, settings
        self._paces = {
            country: self._paces[country]
            if before.get(country) == pace
            else CountryPace(pace.rate, pace.errors_above if pace.adaptive else None, pace.samples_min)
            for country, pace in settings.items()
        }
        for country in self._paces:
            self._pace(country, now)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._look(self._core.clock.monotonic_s())
            await trio.sleep(INTERVAL_S)

    async def _look(self, now: float) -> None:
        """One look; others have their turn between its parts, and the configuration may change there."""
        core = self._core
        for carrier in core.carriers.values():
            self._find_silent_links(carrier, now)
            if carrier.ways:
                core.health.forget_stale(carrier, now)
        core.sightings.refresh()
        core.sightings.traffic.keep_look(now)
        self._look_at_recent(now)
        self._deliveries.look(now)
        if self._paces:
            self._pace_countries(now)
        self.on_look(now)
        for rule in list(self._rules):
            await trio.lowlevel.checkpoint()
            if rule in self._rules:
                self._apply(rule, now)

    def actions(self, carrier: str = "") -> Iterator[Action]:
        """What rules have in force, of one carrier or of all."""
        for rule in self._rules:
            for action in rule.actions():
                if carrier in ("", action.subject[0]):
                    yield action

    def end_actions(self, carrier: str, why: str) -> int:
        """End what rules have in force for ``carrier``; how many there were."""
        now, ended = self._core.clock.monotonic_s(), 0
        for rule in self._rules:
            for action in [action for action in rule.actions() if action.subject[0] == carrier]:
                self._end(rule, action, now, why)
                ended += 1
        return ended

    def recent(self, carrier: str) -> tuple[Counts, float]:
        """What was counted of ``carrier`` lately, and in how many seconds."""
        return self._recent.get(carrier, ((0,) * STATUSES_FROM, 0.0))

    def _look_at_recent(self, now: float) -> None:
        for (carrier, country), counts in self._core.sightings.subjects().items():
            if not country:
                window = self._windows.get(carrier)
                if window is None:
                    window = self._windows[carrier] = SlidingCounts(RECENT_S)
                    window.look((0,) * len(counts), now)
                first, elapsed = window.look(counts, now)
                self._recent[carrier] = between(first, counts), elapsed

    def country_rates(self) -> dict[str, float]:
        """What may go to each country of ``[countries]``, messages per second."""
        return {country: pace.rate_per_s for country, pace in self._paces.items()}

    # Links that answer nothing.

    def _find_silent_links(self, carrier: CarrierState, now: float) -> None:
        window_s = carrier.settings.health_window
        for link in carrier.links:
            if link.link.is_bound and link.link.in_flight and 0 < window_s < now - link.heard_at:
                self._core.health.on_silent(link, now)

    # Rules.

    def _apply(self, rule: Rule, now: float) -> None:
        sightings, carriers = self._core.sightings, self._core.carriers
        for subject in rule.subjects(sightings):
            action = rule.action_on(subject)
            if subject[0] not in carriers:
                continue
            measured = rule.measure(subject, sightings, now)
            if action is not None:
                if rule.is_over(action, measured, now):
                    self._release(action)
                    self._tell("shaping_ended", action, why="its time is over")
            elif measured is not None:
                begun = rule.look(subject, measured, now)
                if begun is not None:
                    self._begin(rule, begun, now)

    def _begin(self, rule: Rule, action: Action, now: float) -> None:
        name, country = action.subject
        carrier, settings = self._core.carriers[name], action.rule
        if settings.action == "suspend" and settings.leave_last:
            left = left_without(self._core, carrier, country, now)
            if left:
                self._log.warning("shaping_left_last", rule=settings.name, carrier=name, pools=left)
                return
        if settings.action == "slow" and settings.rate is None:
            contracted: float | None = getattr(carrier.settings.settings, "rate", None)
            if contracted is not None and not country:
                action.rate_per_s = contracted * len(carrier.links) * settings.factor
        rule.begin(action, now)
        health = self._core.health
        if settings.action == "suspend":
            health.stop(carrier, country, action.source, f"suspended by {action.reason}")
        elif settings.action == "slow":
            rate = action.rate_per_s
            health.slow(carrier, country, action.source, rate, f"slowed to {rate:.3g}/s by {action.reason}", now)
        else:
            health.shift(
                carrier, country, action.source, settings.share, f"share {settings.share:.0%} by {action.reason}"
            )
        self._tell("shaping_began", action, lasting_s=settings.lasting)

    def _end(self, rule: Rule, action: Action, now: float, why: str) -> None:
        rule.end(action, now)
        self._release(action)
        self._tell("shaping_ended", action, why=why)

    def _release(self, action: Action) -> None:
        name, country = action.subject
        carrier = self._core.carriers.get(name)
        if carrier is not None:
            self._core.health.release(carrier, country, action.source)

    def _tell(self, event: str, action: Action, **details: object) -> None:
        carrier, country = action.subject
        log.warning(
            event, carrier=carrier, country=country or "all", action=action.rule.action, reason=action.reason, **details
        )

    # Countries.

    def _pace_countries(self, now: float) -> None:
        attempts: dict[str, int] = {}
        errors: dict[str, int] = {}
        for (_, country), counts in self._core.sightings.subjects().items():
            if country in self._paces:
                tried = sum(counts[: IN_DOUBT + 1])
                attempts[country] = attempts.get(country, 0) + tried
                errors[country] = errors.get(country, 0) + tried - counts[ACCEPTED] - counts[PERMANENT]
        for country, pace in self._paces.items():
            was_lowered = pace.is_lowered
            if pace.look(attempts.get(country, 0), errors.get(country, 0), now):
                self._pace(country, now)
                if pace.is_lowered != was_lowered:
                    event = "country_slowed" if pace.is_lowered else "country_recovered"
                    log.warning(event, country=country, rate_per_s=round(min(pace.rate_per_s, 1e9), 3))

    def _pace(self, country: str, now: float) -> None:
        rate = self._paces[country].rate_per_s
        self._core.health.pace_country(country, rate if rate < inf else None, now)
        self._core.wake_dispatcher()
