"""Rehearsals: for a time the engine behaves as if a carrier, or its way to a country, did badly.

| Kind | What happens |
|---|---|
| ``outage`` | it gets nothing; what is outstanding is finished, as the carrier answers it |
| ``slow`` | it gets a tenth of what it had lately |
| ``throttle`` | what exceeds a tenth of what it had lately is answered ESME_RTHROTTLED, by us: its links slow down |
| ``reject`` | what it gets is refused for now, by us: circuits open, and messages go to others |

Nothing reaches the carrier that it would not have got anyway, no attempt of a message is spent, and nothing is lost: a
message for which there is nobody else waits. Drills are kept in memory only, so a restart ends them. A drill that would
leave messages without any usable carrier is refused, unless it is forced.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from enum import Enum

import structlog
from attrs import define, field

from smsagg.engine.core import Core
from smsagg.engine.health.alternatives import left_without
from smsagg.engine.health.traffic import Look
from smsagg.engine.sending.pools import CarrierState, LinkState
from smsagg.errors import ControlError
from smsagg.model import Message
from smsagg.queueing import TokenBucket
from smsagg.shaping.moved import Moved, moved_from

SOURCE = "drill"
SHARE_LEFT = 0.1
"""``slow`` and ``throttle``: so much of the traffic that it had lately goes on."""
REPORTS_MAX = 20
DRILL_MAX_S = 86_400.0

log = structlog.get_logger("smsagg.engine")

Rehearse = Callable[[LinkState, Sequence[Message], bool], None]
"""Treat messages as refused by the link's carrier: throttled, or else temporarily."""


class DrillKind(Enum):
    OUTAGE = "outage"
    SLOW = "slow"
    THROTTLE = "throttle"
    REJECT = "reject"


@define(eq=False)
class Drill:
    """One rehearsal. Instants are monotonic seconds."""

    carrier: str
    country: str
    """``""``: all."""
    kind: DrillKind
    began_at: float
    ends_at: float
    before: Look | None
    begin: Look
    ended_at: float = 0.0
    ended_by: str = ""
    """``"time"``, ``"operator"`` or ``"configuration"``; empty while it goes on."""
    refused: int = 0
    """Messages that were refused by us."""
    pace: TokenBucket | None = None
    moved: list[Moved] = field(factory=list)
    """At the end."""


class Drills:
    """At most one a carrier at a time."""

    def __init__(self, core: Core, rehearse: Rehearse) -> None:
        self._core = core
        self._rehearse = rehearse
        self._running: dict[str, Drill] = {}
        self.reports: deque[Drill] = deque(maxlen=REPORTS_MAX)
        """Those that are over, the latest last."""

    def running(self) -> Iterator[Drill]:
        """Those that go on."""
        yield from self._running.values()

    def of(self, carrier: str) -> Drill | None:
        """The one of ``carrier`` that goes on, else its latest report."""
        running = self._running.get(carrier)
        return running or next((drill for drill in reversed(self.reports) if drill.carrier == carrier), None)

    def start(self, name: str, country: str, kind: DrillKind, for_s: float, *, force: bool) -> Drill:
        """Begin; raises ControlError when it may not."""
        core, now = self._core, self._core.clock.monotonic_s()
        carrier = core.carriers.get(name)
        if carrier is None:
            raise ControlError(f"there is no carrier {name}; there are {', '.join(sorted(core.carriers))}")
        if name in self._running:
            raise ControlError(f"{name} has a drill already; it can be stopped")
        if not 0 < for_s <= DRILL_MAX_S:
            raise ControlError("a drill lasts a day at most")
        left = left_without(core, carrier, country, now)
        if left and not force and kind is not DrillKind.SLOW:
            raise ControlError(
                f"without {name} no carrier is left for the pools {', '.join(left)}; --force lets messages wait"
            )
        traffic = core.sightings.traffic
        drill = Drill(name, country, kind, now, now + for_s, traffic.oldest(), traffic.look(now))
        self._running[name] = drill
        self._impose(carrier, drill, now)
        log.warning("drill_began", carrier=name, country=country or "all", kind=kind.value, lasting_s=for_s)
        return drill

    def stop(self, name: str) -> Drill:
        """End it now; raises ControlError when ``name`` has none."""
        drill = self._running.get(name)
        if drill is None:
            raise ControlError(f"{name} has no drill")
        self._end(drill, "operator", self._core.clock.monotonic_s())
        return drill

    def look(self, now: float) -> None:
        """End what is due."""
        for drill in list(self._running.values()):
            if now >= drill.ends_at:
                self._end(drill, "time", now)

    def reconfigure(self) -> None:
        """Drills of carriers that left, or were replaced, end."""
        for drill in list(self._running.values()):
            carrier = self._core.carriers.get(drill.carrier)
            imposed = carrier is not None and (carrier.rehearsal is not None or self._is_held(carrier, drill))
            if not imposed:
                self._end(drill, "configuration", self._core.clock.monotonic_s())

    def report(self, drill: Drill, now: float) -> list[Moved]:
        """What went where since it began, or in all of it when it is over."""
        if drill.ended_by:
            return drill.moved
        end = self._core.sightings.traffic.look(now)
        countries = sorted({country for carrier, country in drill.begin.taken if carrier == drill.carrier})
        return [self._moved(drill, end, country) for country in countries if drill.country in ("", country)]

    def _impose(self, carrier: CarrierState, drill: Drill, now: float) -> None:
        rate = max(self._lately_per_s(drill, now) * SHARE_LEFT, 0.1)
        reason = f"drill: {drill.kind.value}"
        if drill.kind is DrillKind.OUTAGE:
            self._core.health.stop(carrier, drill.country, SOURCE, reason)
        elif drill.kind is DrillKind.SLOW:
            self._core.health.slow(carrier, drill.country, SOURCE, rate, reason, now)
        else:
            if drill.kind is DrillKind.THROTTLE:
                drill.pace = TokenBucket(rate, max(rate / 10, 1.0), now)
            carrier.rehearsal = lambda link, messages: self._refuse_some(drill, link, messages)

    def _is_held(self, carrier: CarrierState, drill: Drill) -> bool:
        holds = carrier.holds if not drill.country else self._core.health.way(carrier, drill.country).holds
        return any(source == SOURCE for source, _ in holds.sources())

    def _refuse_some(self, drill: Drill, link: LinkState, messages: list[Message]) -> list[Message]:
        """Of messages that are handed over, those that are really sent."""
        concerned = [message for message in messages if drill.country in ("", message.country)]
        if drill.pace is not None:
            now = self._core.clock.monotonic_s()
            concerned = concerned[drill.pace.take_up_to(len(concerned), now) :]
        if not concerned:
            return messages
        drill.refused += len(concerned)
        self._rehearse(link, concerned, drill.kind is DrillKind.THROTTLE)
        refused = set(map(id, concerned))
        return [message for message in messages if id(message) not in refused]

    def _end(self, drill: Drill, ended_by: str, now: float) -> None:
        del self._running[drill.carrier]
        drill.moved = self.report(drill, now)
        drill.ended_at, drill.ended_by = now, ended_by
        self.reports.append(drill)
        carrier = self._core.carriers.get(drill.carrier)
        if carrier is not None:
            carrier.rehearsal = None
            self._core.health.release(carrier, drill.country, SOURCE)
        log.warning(
            "drill_ended",
            carrier=drill.carrier,
            country=drill.country or "all",
            kind=drill.kind.value,
            by=ended_by,
            moved=sum(moved.moved for moved in drill.moved),
            refused=drill.refused,
        )

    def _lately_per_s(self, drill: Drill, now: float) -> float:
        before = drill.before
        if before is None or now - before.at < 1:
            return 0.0
        taken = sum(
            count - before.taken.get(key, 0)
            for key, count in drill.begin.taken.items()
            if key[0] == drill.carrier and drill.country in ("", key[1])
        )
        return taken / (now - before.at)

    def _moved(self, drill: Drill, end: Look, country: str) -> Moved:
        begin, before = drill.begin, drill.before
        during = _between(begin, end, country)
        earlier = {} if before is None else _between(before, begin, country)
        moved, to = moved_from(drill.carrier, earlier, during)
        wait_before = None if before is None else _mean_wait_s(before, begin, country)
        return Moved(country, sum(during.values()), moved, to, wait_before, _mean_wait_s(begin, end, country))


def _between(first: Look, last: Look, country: str) -> dict[str, int]:
    """Messages for ``country`` by carrier."""
    counts = {key[0]: count - first.taken.get(key, 0) for key, count in last.taken.items() if key[1] == country}
    return {carrier: count for carrier, count in counts.items() if count}


def _mean_wait_s(first: Look, last: Look, country: str) -> float | None:
    samples_before, ms_before = first.waits.get(country, (0, 0))
    samples, ms = last.waits.get(country, (0, 0))
    return (ms - ms_before) / (samples - samples_before) / 1000 if samples > samples_before else None
