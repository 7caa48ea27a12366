"""Runs one seed and judges it: :func:`run_seed`."""

import logging
import time
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
import trio
from attrs import define
from trio._core import _run as scheduler

from tools.chaos.checker import Counts, Verdict, Violation, check
from tools.chaos.history import Fault
from tools.sim.drawing import draw
from tools.sim.facts import Facts
from tools.sim.invariants import INVARIANTS
from tools.sim.log import Attempt
from tools.sim.scenario import Scenario
from tools.sim.texts import nonce_of
from tools.sim.unfold import Unfolding
from tools.sim.world import World

COPIES_MAX = 1_000_000
"""Copies are judged one by one in :mod:`tools.sim.invariants`, so the checker's bound is not needed."""


@define
class Result:
    """One run."""

    seed: int
    verdict: Verdict
    violations: list[Violation]
    counts: Counts
    deaths: int
    virtual_s: float
    real_s: float
    steps: int
    digest: str
    world: World

    def line(self) -> str:
        """The one-line verdict."""
        counts = self.counts
        return (
            f"seed {self.seed} {self.verdict.value}: {counts.attempt} submitted, {counts.acknowledged} acknowledged, "
            f"{counts.duplicated} copies, {self.deaths} deaths, {self.virtual_s:.1f} s virtual, "
            f"{self.steps} steps in {self.real_s * 1000:.0f} ms, trace {self.digest[:12]}"
        )

    def stories(self) -> Iterator[tuple[Violation, list[str]]]:
        """Each violation with all that happened to its message."""
        for violation in self.violations:
            yield violation, self.world.trace.story(self._names(violation.subject))

    def _names(self, subject: str) -> set[str]:
        """The message's nonce, its ids here, and its ids at carriers."""
        tables = self.world.tables
        units = {row.message_id: tables.unit_of[row.seq] for row in tables.rows()}
        nonce = nonce_of(units.get(subject, subject))
        names = {subject, nonce} | {message_id for message_id, unit in units.items() if nonce_of(unit) == nonce}
        for attempt in self.world.log.history.carrier_submits:
            assert isinstance(attempt, Attempt)
            if nonce in attempt.nonces and attempt.carrier_message_id:
                names.add(f"{attempt.carrier}:{attempt.carrier_message_id}")
        return names


def run_seed(seed: int, scenario: Scenario | None = None) -> Result:
    """Run the world of ``seed`` (or another one under the same order of tasks). The same seed gives the same run."""
    began_at = time.perf_counter()
    world = World(scenario or draw(seed))
    anomalies = world.log.history.anomalies
    with deterministic(seed), _errors_logged(anomalies):
        try:
            trio.run(world.run, clock=world.agenda, instruments=[_Steps(world)])
        except Exception as error:  # noqa: BLE001  whatever it is, it is the verdict
            anomalies.append(_crash(error))
    if world.agenda.failure is not None:
        anomalies.append(_crash(world.agenda.failure))
    violations, counts = judge(world)
    verdict = Verdict.FAIL if violations else Verdict.PASS
    return Result(
        seed,
        verdict,
        violations,
        counts,
        len(world.log.deaths),
        world.agenda.now,
        time.perf_counter() - began_at,
        world.steps,
        world.trace.digest(),
        world,
    )


def _crash(error: Exception) -> str:
    return "crashed: " + "".join(traceback.format_exception(error))


def judge(world: World) -> tuple[list[Violation], Counts]:
    """The checker's verdict, and that of what only a simulation can tell."""
    unfolding = Unfolding(world.scenario, world.log, world.tables)
    history = unfolding.history()
    history.is_drained = world.is_drained
    history.faults = [Fault("simulated", "everything", 0.0, 1e9, COPIES_MAX, COPIES_MAX)]
    report = check(history)
    facts = Facts(
        world.scenario,
        world.log,
        world.tables,
        unfolding,
        world.held,
        world.is_drained,
        world.healed_at,
        world.was_set_back,
        world.idle_steps,
        world.metrics(),
    )
    extra = [violation for invariant in INVARIANTS for violation in invariant(facts)]
    return [*world.log.violations, *report.violations, *extra], report.counts


class _Steps(trio.abc.Instrument):
    """Counts the steps of all tasks."""

    def __init__(self, world: World) -> None:
        self._world = world

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self._world.step()


@contextmanager
def deterministic(seed: int) -> Iterator[None]:
    """Have trio draw the order of tasks that are ready together from ``seed``."""
    before, state = scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r.getstate()
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    scheduler._r.seed(f"{seed} scheduler")
    try:
        yield
    finally:
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc]
        scheduler._r.setstate(state)


@contextmanager
def _errors_logged(errors: list[str]) -> Iterator[None]:
    """What the gateway logs as an error, a supervisor has caught: no run may have one. Lesser lines are dropped."""

    def collect(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
        errors.append(f"logged: {event.get('event')} {event.get('exc_info') or ''}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[collect],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
