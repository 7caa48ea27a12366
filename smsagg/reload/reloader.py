"""Reads the configuration anew and puts it in force: everything is checked first, then changes in one step.

::

    files ──read, parsed, checked (in a thread)──▶ what differs ──▶ what can be had without a restart, checked as it
    will be ──▶ new carriers made ──▶ ONE synchronous step on the loop:

        carriers that go on are told │ engine │ front door │ carriers come and leave │ log level │ version written

Nothing between the parts of that step can see the half of it. What is wrong with the files is told at once and all of
it, and nothing has changed then. Should a part of the step raise, which would be a fault of ours, all parts are told
the configuration before, and the fault is reported.

A crash during it loses nothing: the next process reads the files, and a version that was not committed is recorded as
one of its start.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
import trio
from attrs import define

from smsagg.carriers.fleet import Fleet, FleetPlan
from smsagg.carriers.registry import settings_class
from smsagg.clock import Clock
from smsagg.config.check import check_config
from smsagg.config.documents import READS_MAX, Documents, read_documents, read_text
from smsagg.config.overlay import ACCOUNT, NO_OVERLAY, SENDER, Entity, Overlay, Value, is_laid
from smsagg.config.reloading import differences, in_force, summary_of
from smsagg.config.schema import Config
from smsagg.directory.audit import Actor
from smsagg.engine import Engine
from smsagg.engine.directory import key_credentials, second_factor, tokens, users
from smsagg.engine.endpoints import endpoints
from smsagg.engine.engine import Reconfigurable
from smsagg.engine.templates import templates
from smsagg.errors import ConfigError, ControlError, NotInForce, SmsaggError, StoreError
from smsagg.observe.metrics import Metrics
from smsagg.reload.of_files import OfFiles, entities_of
from smsagg.reload.overlaid import Load, again, is_file, with_overlay
from smsagg.reload.restoring import put_back, write_back
from smsagg.reload.versions import Prepared, Version, Versions
from smsagg.store.base import Store
from smsagg.tables import Tables, load_tables
from smsagg.tables.reading import read_configuration

RECORDED_S = 5.0
"""So long the answer to an operator waits for the commit of the version."""
PROBLEMS_LOGGED = 50
NOTHING: Mapping[Entity, str] = {}
OF_ACCOUNT = (
    key_credentials.KIND, tokens.KIND, users.KIND, second_factor.KIND, endpoints.KIND, endpoints.CALLBACKS_KIND, SENDER,
    templates.KIND,
)  # fmt: skip
"""What leaves with an account that is taken away, so that who has its name next inherits no way in and no ear."""

log = structlog.get_logger("smsagg.reload")


def read_overlaid(path: Path, overlay: Overlay) -> Config:
    """What the file says with ``overlay`` over it. Raises ConfigError."""
    return read_configuration(path, settings_class, overlay)


@define(frozen=True)
class Reloaded:
    """What a reload did, or would do."""

    version: int
    """In force now."""
    digest: str
    applied: bool
    summary: str
    changes: list[str]
    """A line for each."""
    waiting: list[str]
    """Keys that need a restart."""
    recorded: bool = True
    """The version is committed."""
    warnings: Sequence[str] = ()
    """What should be looked at in the files, though it is no error."""


@define(frozen=True)
class _Read:
    config: Config
    tables: Tables
    prepared: Prepared
    documents: Documents
    overlay: Overlay
    left_out: Mapping[Entity, str]
    of_files: OfFiles


@define(frozen=True)
class _Plan:
    read: _Read
    effective: Config
    fleet: FleetPlan
    changes: list[str]
    waiting: list[str]
    summary: str


class Reloader:
    """One for the process; one reload at a time."""

    def __init__(
        self,
        path: Path,
        config: Config,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        engine: Engine,
        fleet: Fleet,
        front: Sequence[Reconfigurable] = (),
        prepare: Callable[[Config], None] = lambda _config: None,
        load: Load = read_overlaid,
        overlay: Overlay = NO_OVERLAY,
        left_out: Mapping[Entity, str] = NOTHING,
    ) -> None:
        """``config`` was read from ``path`` and is in force. ``front`` are the parts outside of the engine that
        derive something from its configuration. ``prepare`` is called in a thread with what is to be put
        in force, for work that is too long for the loop. ``overlay`` is what was put at run time and is in force,
        ``left_out`` what was put and cannot be, with the reasons."""
        self.path = path
        self.config = config
        self.versions = Versions(store)
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._engine = engine
        self._fleet = fleet
        self._front = front
        self._prepare = prepare
        self._load = load
        self.overlay = overlay
        self.left_out = left_out
        self.of_files: OfFiles = {}
        self._turn = trio.Lock()
        self._asked = trio.Event()
        self._current: Version | None = None
        self._documents: Documents | None = None

    @property
    def documents(self) -> Documents:
        """The files that are in force, secrets and all; after :meth:`begin`."""
        assert self._documents is not None
        return self._documents

    @property
    def current(self) -> Version:
        """The version in force; after :meth:`begin`."""
        assert self._current is not None
        return self._current

    async def begin(self, documents: Documents | None = None) -> None:
        """Learn the versions there were, and record the one that the process starts with if it is another one.

        ``documents`` are what it was read from; ``None``: as they are now. Raises ConfigError when they cannot be read,
        StoreError.
        """
        await self.versions.load()
        if documents is None:
            documents = await trio.to_thread.run_sync(read_documents, self.path, self.config)
        self._documents = documents
        self.of_files = await trio.to_thread.run_sync(entities_of, self.path, documents)
        prepared = await trio.to_thread.run_sync(self._prepared, documents, self.overlay)
        latest = self.versions.latest
        if latest is not None and latest.digest == prepared.digest:
            self._take(latest)
        else:
            self._record(prepared, "start", "as the process started with it", ())

    def ask(self) -> None:
        """Have :meth:`run` reload soon (SIGHUP). Any number of calls is one reload."""
        self._asked.set()

    async def run(self) -> None:
        """Reload when asked, until cancelled. Supervises: what is wrong, with the files or with us, is logged and ends
        nothing."""
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            try:
                with suppress(SmsaggError):  # it was logged
                    await self.reload("SIGHUP")
            except Exception as error:  # a signal must not end a server that goes on well
                log.error("reload_crashed", error=repr(error), exc_info=error)

    async def reload(self, by: str, *, check: bool = False, strict: bool = False) -> Reloaded:
        """Read the files and put them in force; with ``check`` only say what would change.

        Raises ConfigError with every problem of every file, a line each; ControlError with ``strict`` when something
        needs a restart. Nothing has changed then. Cancelling the call before the step undoes it, after it no more.
        """
        async with self._turn:
            return await self._reload(by, check, strict)

    async def roll_back(self, number: int, by: str) -> Reloaded:
        """Write the files of a version back and put them in force; on failure the files are as they were.

        The main file gets the secrets of the present one; what was put at run time stays. Raises as :meth:`reload`,
        StoreError, and ControlError when the version is not kept or a file cannot be written.
        """
        async with self._turn:
            version = self.versions.find(number)
            texts = {name: text for name, text in (await self.versions.texts_of(version)).items() if is_file(name)}
            with trio.CancelScope(shield=True):  # files are not left as they are half-way
                before = await trio.to_thread.run_sync(
                    write_back, self.path, texts, version.main, self.versions.digest_of
                )
                try:
                    reloaded = await self._reload(f"rollback to {number} by {by}", False, False)
                except SmsaggError:
                    await trio.to_thread.run_sync(put_back, before)
                    raise
            return reloaded

    async def _reload(self, by: str, check: bool, strict: bool) -> Reloaded:
        try:
            if self._engine.intake.stopped:
                raise ControlError("the server is stopping")
            plan = await self._plan()
            if strict and plan.waiting:
                raise ControlError(f"refused, for these need a restart: {', '.join(plan.waiting)}")
        except SmsaggError as error:
            if not check:
                self._tell_refused(by, error)
            raise
        is_same = plan.read.prepared.digest == self.current.digest and not plan.changes
        if check or is_same:
            if not check:
                self._metrics.config_reloads["unchanged"].n += 1
            return self._answer(plan, applied=False)
        details = {"summary": plan.summary, "digest": plan.read.prepared.digest}
        noting = self._engine.register.noting(Actor(by), "config.apply", str(self.versions.next_number), details)
        try:
            async with noting:
                return await self._apply_and_wait(plan, by)
        except StoreError as error:  # what the audit trail cannot say is not done
            self._tell_refused(by, error)
            raise

    async def _apply_and_wait(self, plan: _Plan, by: str) -> Reloaded:
        recorded = trio.Event()
        self._apply(plan, by, recorded.set)
        with trio.move_on_after(RECORDED_S):
            await recorded.wait()
        return self._answer(plan, applied=True, recorded=recorded.is_set())

    async def change(
        self, by: Actor, entity: Entity, value: Value | None, *, tag: str | None = None, action: str = ""
    ) -> Reloaded:
        """Put an entity, or with ``None`` take it away: everything is checked as a reload does, the change is
        committed with its audit record, and then it is in force.

        Raises ConfigError with every problem, StaleValue (see :meth:`~smsagg.engine.directory.register.Register.put`),
        NotInForce when the files have changed, RegisterFull, StoreError, ControlError. Nothing has changed then.
        Cancelling undoes it before the commit, not after it.
        """
        register = self._engine.register
        async with self._turn:
            if self._engine.intake.stopped:
                raise ControlError("the server is stopping")
            register.check(entity.kind, entity.key, tag)
            is_leaving = value is None and (entity in self.overlay.entities or entity.key not in self.config.accounts)
            along = OF_ACCOUNT if entity.kind == ACCOUNT and is_leaving else ()
            overlay = self.overlay.without(entity)
            if along:
                overlay = overlay.without_senders_of(entity.key)
            if value is not None and is_laid(entity, value):
                overlay = overlay.having({entity: value})
            plan = await self._plan(overlay, without=entity)
            if any(map(is_file, self._changed(plan.read.prepared))):
                raise NotInForce("the configuration's files are others than those in force: reload first")
            before = register.get(entity.kind, entity.key)
            with trio.CancelScope(shield=True):
                await register.set(by, entity.kind, entity.key, value, tag=tag, action=action, along=along)
                try:
                    reloaded = await self._apply_and_wait(plan, f"{by.name} over HTTP")
                except ControlError:
                    await register.set(by, entity.kind, entity.key, before, action=f"{action or entity.kind}.undo")
                    raise
            return reloaded

    # --- before the step ---

    async def _plan(self, overlay: Overlay | None = None, without: Entity | None = None) -> _Plan:
        """``overlay``: another than the one in force; ``without``: what is not among those left out any more."""
        kept = {entity: self._engine.register.get(*entity) for entity in self.left_out if entity != without}
        left = {entity: value for entity, value in kept.items() if value is not None}
        read = await trio.to_thread.run_sync(self._read, overlay or self.overlay, left)
        effective, waiting = in_force(self.config, read.config)
        problems = check_config(effective) if waiting else []
        if problems:
            note = f"(as long as what needs a restart is as it was: {', '.join(waiting)})"
            raise ConfigError("\n".join(f"{problem.line(str(self.path))} {note}" for problem in problems))
        await trio.to_thread.run_sync(self._prepare, effective)
        fleet = self._fleet.plan(effective.carriers)
        changes = differences(self.config, effective)
        files = self._changed_files(read.prepared)
        lines = [change.line() for change in changes]
        lines += [f"~ carriers.{name}: another connection; the one before ends" for name in fleet.replaced]
        lines += [f"~ file {name}" for name in files]
        return _Plan(read, effective, fleet, lines, waiting, summary_of(changes, files, waiting))

    def _read(self, overlay: Overlay, left: Mapping[Entity, Value]) -> _Read:
        """All files as they are at one moment, with the overlay and what fits of ``left``. In a thread."""
        overlay, left_out = again(self.path, overlay, left, self._load)
        for _ in range(READS_MAX):
            text = read_text(self.path)
            config = self._load(self.path, overlay)
            before = read_documents(self.path, config)
            tables = load_tables(config, overlay)
            documents = read_documents(self.path, config)
            if documents == before and documents.texts[documents.main] == text:
                is_same = documents == self.documents
                of_files = self.of_files if is_same else entities_of(self.path, documents)
                return _Read(config, tables, self._prepared(documents, overlay), documents, overlay, left_out, of_files)
        raise ConfigError(f"{self.path}: it, or a file that it names, changes while it is read")

    def _prepared(self, documents: Documents, overlay: Overlay) -> Prepared:
        return self.versions.prepare(with_overlay(documents, overlay, self.versions.digest_of))

    def _changed_files(self, prepared: Prepared) -> list[str]:
        """Names of the documents beside the main file that differ from those in force."""
        return [name for name in self._changed(prepared) if name not in (prepared.documents.main, self.current.main)]

    def _changed(self, prepared: Prepared) -> list[str]:
        before, now = self.current.documents, prepared.digests
        return [name for name in {**now, **before} if before.get(name) != now.get(name)]

    def _tell_refused(self, by: str, error: SmsaggError) -> None:
        self._metrics.config_reloads["refused"].n += 1
        problems = str(error).split("\n")
        for problem in problems[:PROBLEMS_LOGGED]:
            log.error("config_refused", by=by, problem=problem)
        if len(problems) > PROBLEMS_LOGGED:
            log.error("config_refused", by=by, problem=f"and {len(problems) - PROBLEMS_LOGGED} more")

    # --- the step ---

    def _apply(self, plan: _Plan, by: str, recorded: Callable[[], None]) -> None:
        before = self.config, self._engine.core.tables, dict(self._fleet.carriers)
        try:
            self._put_in_force(plan.effective, plan.read.tables, plan)
        except Exception as error:  # a fault of ours: go back rather than on with the half of it
            log.error("config_failed", by=by, error=repr(error), exc_info=error)
            self._metrics.config_reloads["failed"].n += 1
            self._go_back(plan, *before)
            raise ControlError(f"nothing was changed, for a part of the server failed: {error!r}") from error
        self._fleet.follow(plan.fleet, plan.effective.carriers, plan.effective.receipts.carrier_grace)
        self.config = plan.effective
        self.overlay, self.left_out, self._documents = plan.read.overlay, plan.read.left_out, plan.read.documents
        self.of_files = plan.read.of_files
        self._metrics.config_reloads["applied"].n += 1
        self._record(plan.read.prepared, by, plan.summary, tuple(plan.waiting), recorded)
        log.info("config_applied", version=self.current.number, by=by, summary=plan.summary)

    def _put_in_force(self, config: Config, tables: Tables, plan: _Plan) -> None:
        self._fleet.retune(plan.fleet)
        self._engine.reconfigure(config, tables, plan.fleet.carriers)
        for part in self._front:
            part.reconfigure()

    def _go_back(self, plan: _Plan, config: Config, tables: Tables, carriers: dict[str, Any]) -> None:
        self._fleet.retune(plan.fleet, back=True)
        self._engine.reconfigure(config, tables, carriers)
        for part in self._front:
            part.reconfigure()
        for name in (*plan.fleet.added, *plan.fleet.replaced):
            self._engine.forget(plan.fleet.carriers[name])

    def _record(
        self,
        prepared: Prepared,
        by: str,
        summary: str,
        waiting: tuple[str, ...],
        recorded: Callable[[], None] = lambda: None,
    ) -> None:
        version, changes = self.versions.add(prepared, by, summary, waiting, self._clock.now_ms())
        self._store.write(changes, lambda _error: recorded())
        self._take(version)

    def _take(self, version: Version) -> None:
        self._current = version
        self._metrics.config_version.n = version.number
        self._metrics.config_applied_at.n = version.at / 1000

    def _answer(self, plan: _Plan, *, applied: bool, recorded: bool = True) -> Reloaded:
        current = self.current
        warnings = list(plan.read.tables.warnings)
        return Reloaded(
            current.number, current.digest, applied, plan.summary, plan.changes, plan.waiting, recorded, warnings
        )
