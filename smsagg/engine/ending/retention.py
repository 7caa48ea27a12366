"""Takes out of the past what has been kept long enough: texts, recipients' numbers, whole messages.

Each period of the configuration is a rule for the store: *bodies after 7 days, of all accounts but bank*. A rule
concerns everybody whose period is as long **or shorter**, so that an account whose period was shortened is caught up by
the longer ones, and what is met again changes nothing. The periods of countries are rules of their own beside those of
accounts, so the shorter of the two counts. How far a rule has been applied is kept in the store, beside the
rule itself: one that has changed begins anew.

Bounded: some :data:`BATCH` rows in a transaction, :data:`BATCHES` of them in a round, of which each rule has its share,
and a round every :data:`INTERVAL_S`, or each time that it is called while there is more to do. Whatever is cut short is
done again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson

from smsagg.config.schema import Config
from smsagg.engine.core import Changes, Core
from smsagg.store.base import EntityUpdate, RetentionPlace, RetentionRule, RetentionSubject

KIND = "retention"
BATCH = 1_000
BATCHES = 50
INTERVAL_S = 10.0


class Period(NamedTuple):
    """What is done after ``seconds``."""

    seconds: float
    rule: RetentionRule

    @property
    def key(self) -> str:
        of = f" to {','.join(sorted(self.rule.countries))}" if self.rule.countries else ""
        return f"{self.rule.subject} {self.seconds:g}s{of}"

    @property
    def document(self) -> dict[str, object]:
        """The rule as it is kept; without the secret, of which only texts to come depend."""
        return {"accounts": sorted(self.rule.accounts), "all_but": self.rule.is_exempting}


def periods_of(config: Config) -> list[Period]:
    """What the configuration asks for, but for the longest period of history, which is :func:`history_ttl`."""
    retention = config.retention
    own = {name: settings.retention for name, settings in config.accounts.items() if settings.retention is not None}
    key = retention.body_digest_secret.encode()
    bodies = {name: settings.bodies for name, settings in own.items() if settings.bodies is not None}
    numbers = {name: settings.numbers for name, settings in own.items() if settings.numbers is not None}
    history = {name: settings.history for name, settings in own.items() if settings.history is not None}
    longest = history_ttl(config)
    return [
        *_rules(RetentionSubject.BODIES, retention.bodies, bodies, key),
        *_rules(RetentionSubject.NUMBERS, retention.numbers, numbers),
        *_of_countries(RetentionSubject.BODIES, {c: of.bodies for c, of in retention.countries.items()}, key),
        *_of_countries(RetentionSubject.NUMBERS, {c: of.numbers for c, of in retention.countries.items()}),
        *(
            period
            for period in _rules(RetentionSubject.HISTORY, config.store.history_ttl, history)
            if period.seconds < longest
        ),
    ]


def history_ttl(config: Config) -> float:
    """The longest that any message that is over is kept, in seconds."""
    own = (settings.retention.history for settings in config.accounts.values() if settings.retention is not None)
    return max([config.store.history_ttl, *filter(None, own)])


def _rules(
    subject: RetentionSubject, general: float | None, own: Mapping[str, float], digest_key: bytes = b""
) -> Iterator[Period]:
    """One rule for each different period; ``own`` are those of accounts."""
    for seconds in sorted({*own.values(), *([] if general is None else [general])}):
        if general is not None and general <= seconds:
            rule = RetentionRule(subject, _longer(own.items(), seconds), True, digest_key)
        else:
            accounts = frozenset(name for name, period in own.items() if period <= seconds)
            rule = RetentionRule(subject, accounts, False, digest_key)
        yield Period(seconds, rule)


def _of_countries(
    subject: RetentionSubject, own: Mapping[str, float | None], digest_key: bytes = b""
) -> Iterator[Period]:
    """One rule for each different period, of everybody's messages to those countries."""
    for seconds in sorted({period for period in own.values() if period is not None}):
        countries = frozenset(country for country, period in own.items() if period == seconds)
        yield Period(seconds, RetentionRule(subject, frozenset(), True, digest_key, countries))


def _longer(own: Iterable[tuple[str, float]], seconds: float) -> frozenset[str]:
    return frozenset(name for name, period in own if period > seconds)


class Retention:
    """Called by the sweeper."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._places: dict[str, RetentionPlace] = {}
        self._is_loaded = False
        self._next_at = 0.0
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration of ``core`` from now on."""
        self._periods = periods_of(self._core.config)
        self._is_loaded = False
        self._next_at = 0.0
        self.history_ms = int(history_ttl(self._core.config) * 1000)

    async def apply(self, now: int) -> None:
        """One round, if it is time for one. Raises StoreError as the store does; then it goes on where it was."""
        core = self._core
        if not self._periods or core.clock.monotonic_s() < self._next_at:
            return
        periods = self._periods
        if not self._is_loaded:
            await self._load(periods)
        is_all_done = True
        for period in periods:
            before = place = self._places.get(period.key, RetentionPlace())
            done_before = now - int(period.seconds * 1000)
            is_done = False
            for _ in range(max(BATCHES // len(periods), 1)):
                came = await core.store.apply_retention(period.rule, done_before, place, BATCH)
                is_done = came == place
                if is_done or periods is not self._periods:
                    break
                place = came
            is_all_done &= is_done
            if place != before and periods is self._periods:
                self._places[period.key] = place
                value = orjson.dumps(period.document | {"place": list(place)})
                core.store.write(Changes(entities=[EntityUpdate(KIND, period.key, value)]))
        if is_all_done and periods is self._periods:
            self._next_at = core.clock.monotonic_s() + INTERVAL_S

    async def _load(self, of: list[Period]) -> None:
        """How far the rules came before, and forget those that there are no more."""
        periods = {period.key: period for period in of}
        kept = await self._core.store.load_entities(KIND)
        places: dict[str, RetentionPlace] = {}
        obsolete: list[EntityUpdate] = []
        for key, value in kept:
            document = orjson.loads(value)
            place = document.pop("place")
            if key in periods and periods[key].document == document:
                places[key] = RetentionPlace(*place)
            else:
                obsolete.append(EntityUpdate(KIND, key, None))
        if of is not self._periods:
            return  # others are asked for since: the next round loads anew
        self._places, self._is_loaded = places, True
        if obsolete:
            self._core.store.write(Changes(entities=obsolete))
