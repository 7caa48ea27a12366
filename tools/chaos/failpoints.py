"""Named points of the server's work at which it kills itself, installed by patching its classes in this process.

A point counts how often it is passed. At its n-th passage it notes which messages were at hand (the *subjects*, a line
of JSON beside the control file) and sends itself SIGKILL. Rows are those of the table of kill points in
``docs/reliability.md``. A seam that has gone fails loudly.

Subjects are written ``nonce:…`` (the message's text), ``id:…`` (its message_id) or ``carrier:NAME:ID`` (the id that the
carrier gave).
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import apsw

from smsagg.carriers.smpp.association import Association
from smsagg.carriers.smpp.link import SmppLink
from smsagg.engine.admission.intake import Intake
from smsagg.engine.ending.deliveries import Deliveries
from smsagg.engine.ending.reports import Reports
from smsagg.engine.engine import Engine
from smsagg.engine.sending.outcomes import Outcomes
from smsagg.engine.sending.pools import LinkState
from smsagg.esme.session import EsmeSession
from smsagg.model import Accepted, CarrierReceipt, Delivery, Event, Message, Outcome, Refused
from smsagg.routing.classify import Verdict
from smsagg.session.driver import SessionDriver
from smsagg.smpp.status import ESME_ROK
from smsagg.store.base import Changes
from smsagg.store.sqlite import connection as store_connection
from smsagg.store.sqlite import group as store_group
from smsagg.store.sqlite import jobs
from smsagg.store.sqlite.group import Group
from smsagg.store.sqlite.schema import Migration, load_migrations
from smsagg.store.sqlite.store import SqliteStore
from smsagg.store.sqlite.writer import Writer
from smsagg.testing.faulty_vfs import Medium
from smsagg.webhooks.post import Answer
from smsagg.webhooks.post import Verdict as Told
from smsagg.webhooks.worker import Worker as WebhookWorker
from tools.chaos.seams import replace
from tools.chaos.wire import nonce_of

GROUP_MIN = 3
"""New messages of one commit that make it a group worth killing."""


class Point:
    """Counts passages, and kills at the n-th."""

    def __init__(self, row: str, nth: int, hits: Path, medium: Medium) -> None:
        self._row = row
        self._left = nth
        self._hits = hits
        self._awaited: dict[bytes, Sequence[str]] = {}
        self.medium = medium

    def is_now(self) -> bool:
        """Count one passage; whether this is the one."""
        self._left -= 1
        return self._left == 0

    def pass_by(self, subjects: Iterable[str]) -> None:
        """One passage with these messages at hand; never returns from the n-th."""
        if self.is_now():
            self.strike(subjects)

    def strike(self, subjects: Iterable[str]) -> None:
        line = json.dumps({"row": self._row, "at": time.monotonic(), "subjects": list(subjects)})
        with self._hits.open("a") as hits:
            hits.write(line + "\n")
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # the signal is on its way

    def pass_when_written(self, needle: bytes, subjects: Sequence[str]) -> None:
        """One passage; from the n-th on, the first whose ``needle`` has been written to an SMPP session's socket kills:
        answers by HTTP, and what is lost with its session, never are."""
        if self.is_now():
            self._watch_writes()
        if self._left <= 0:
            self._awaited[needle] = subjects

    def _watch_writes(self) -> None:
        def make(original: Any) -> Any:
            async def write(driver: SessionDriver, octets: bytes | memoryview) -> None:
                await original(driver, octets)
                written = bytes(octets)
                for needle, subjects in self._awaited.items():
                    if needle in written:
                        self.strike(subjects)

            return write

        replace(SessionDriver, "_write", make)


def hits_path(control: Path) -> Path:
    return control.with_suffix(".hits")


def install(row: str, nth: int, control: Path, medium: Medium) -> None:
    """Arm the failpoint of ``row``."""
    FAILPOINTS[row](Point(row, nth, hits_path(control), medium))


def _nonces(messages: Iterable[Message]) -> list[str]:
    return [f"nonce:{nonce_of(message.body)}" for message in messages]


def _owed(deliveries: Iterable[Delivery]) -> list[str]:
    return [f"id:{delivery.message_id}" for delivery in deliveries if delivery.message_id]


def _before(owner: Any, name: str, look: Callable[..., None]) -> None:
    """Have ``look`` called with the arguments of each call of a method, before it."""

    def make(original: Any) -> Any:
        def method(*arguments: Any, **named: Any) -> Any:
            look(*arguments)
            return original(*arguments, **named)

        return method

    replace(owner, name, make)


def _after(owner: Any, name: str, look: Callable[..., None]) -> None:
    """Have ``look`` called with the arguments of each call of a method, after it."""

    def make(original: Any) -> Any:
        def method(*arguments: Any, **named: Any) -> Any:
            answer = original(*arguments, **named)
            look(*arguments)
            return answer

        return method

    replace(owner, name, make)


def _after_awaiting(owner: Any, name: str, look: Callable[..., None]) -> None:
    """The same for a method that is awaited."""

    def make(original: Any) -> Any:
        async def method(*arguments: Any, **named: Any) -> Any:
            answer = await original(*arguments, **named)
            look(*arguments)
            return answer

        return method

    replace(owner, name, make)


# --- the way in ---


def read_not_inserted(point: Point) -> None:
    """A submit_sm or a call was read and numbered; nothing is in the store."""
    _before(Intake, "commit", lambda _intake, messages, *_: point.pass_by(_nonces(messages)))


def in_the_transaction(point: Point) -> None:
    """The rows are written, the transaction is open."""

    def look(group: Group, *_: object) -> None:
        messages = _new_messages(group)
        if messages:
            point.pass_by(_nonces(messages))

    _after(Group, "apply", look)


def charging(point: Point) -> None:
    """Messages and what they move on balances are written, the transaction is open."""

    def look(_execute: object, changes: Changes) -> None:
        if changes.money and changes.new_messages:
            point.pass_by(_nonces(changes.new_messages))

    _after(store_group, "apply_money", look)


def _new_messages(group: Group) -> list[Message]:
    return [message for write in group.writes for message in write.changes.new_messages]


def committed_unanswered(point: Point) -> None:
    """The commit is done, the answer is not yet made."""
    _on_accepted(lambda messages: point.pass_by(_nonces(messages)), is_before=True)


def answered(point: Point) -> None:
    """submit_sm_resp or the answer to a call was written to the socket; who knows whether it was read."""
    _on_accepted(
        lambda messages: point.pass_when_written(messages[-1].message_id.encode(), _nonces(messages)), is_before=False
    )


def _on_accepted(look: Callable[[list[Message]], None], is_before: bool) -> None:
    def make(original: Any) -> Any:
        def commit(
            intake: Intake, messages: list[Message], on_accepted: Callable[[int], None], ends: Changes | None = None
        ) -> None:
            def accepted(command_status: int) -> None:
                if command_status == ESME_ROK and is_before:
                    look(messages)
                on_accepted(command_status)
                if command_status == ESME_ROK and not is_before:
                    look(messages)

            original(intake, messages, accepted, ends)

        return commit

    replace(Intake, "commit", make)


def group_commit(point: Point) -> None:
    """The sync of a commit with several new messages has begun."""
    in_commit: list[Message] = []

    def make(original: Any) -> Any:
        def transact(writer: Writer, group: Group) -> None:
            in_commit[:] = _new_messages(group)
            original(writer, group)
            in_commit.clear()

        return transact

    replace(Writer, "_transact", make)

    def before_sync(path: str) -> None:
        if path.endswith("-wal") and len(in_commit) >= GROUP_MIN:
            point.pass_by(_nonces(in_commit))

    point.medium.before_sync = before_sync


# --- to the carrier ---


def handed_over_unwritten(point: Point) -> None:
    """Messages were given to a link, which has not written them."""
    _before(SmppLink, "send", lambda _link, messages: point.pass_by(_nonces(messages)))


def written_unanswered(point: Point) -> None:
    """submit_sm was written to the carrier's socket; its answer was not read."""

    def look(_association: Association, _pdus: object, messages: Sequence[Message]) -> None:
        point.pass_when_written(messages[-1].body, _nonces(messages))

    _after(Association, "send", look)


def taken_unrecorded(point: Point) -> None:
    """The carrier's submit_sm_resp was read, its id is not in the store."""

    def look(_outcomes: Outcomes, _link: LinkState, batch: Sequence[Outcome]) -> None:
        taken = [outcome.message for outcome in batch if type(outcome) is Accepted]
        if taken:
            point.pass_by(_nonces(taken))

    _before(Outcomes, "apply", look)


def taken_recorded(point: Point) -> None:
    """The carrier's id is in the store, nothing else has been done about it."""

    def make(original: Any) -> Any:
        def apply(outcomes: Outcomes, link: LinkState, batch: Sequence[Outcome]) -> None:
            taken = [outcome.message for outcome in batch if type(outcome) is Accepted]
            if not taken:
                original(outcomes, link, batch)
                return
            commit = outcomes._finisher.commit

            def commit_and_pass(changes: Any, on_done: Any = None) -> None:
                def done(error: Any) -> None:
                    if error is None:
                        point.pass_by(_nonces(taken))
                    if on_done is not None:
                        on_done(error)

                commit(changes, done)

            outcomes._finisher.commit = commit_and_pass  # type: ignore[method-assign]
            try:
                original(outcomes, link, batch)
            finally:
                del outcomes._finisher.commit

        return apply

    replace(Outcomes, "apply", make)


def refused_unrecorded(point: Point) -> None:
    """The carrier refused for good, and that is not in the store."""

    def look(_outcomes: Outcomes, link: LinkState, batch: Sequence[Outcome]) -> None:
        classify = link.carrier.statuses.classify
        refused = [
            outcome.message
            for outcome in batch
            if type(outcome) is Refused and classify(outcome.command_status) is Verdict.PERMANENT
        ]
        if refused:
            point.pass_by(_nonces(refused))

    _before(Outcomes, "apply", look)


# --- the carrier's receipt ---


def receipt_unrecorded(point: Point) -> None:
    """A carrier's receipt was read; its effect is not in the store."""

    def look(_reports: Reports, carrier: str, receipts: Sequence[CarrierReceipt], _respond: object) -> None:
        point.pass_by(f"carrier:{carrier}:{receipt.carrier_message_id}" for receipt in receipts)

    _before(Reports, "on_receipts", look)


def receipt_recorded_unanswered(point: Point) -> None:
    """A carrier's receipt has its effect in the store; deliver_sm_resp has not gone to the carrier."""

    def make(original: Any) -> Any:
        def on_receipts(reports: Reports, carrier: str, receipts: Sequence[CarrierReceipt], respond: Any) -> None:
            awaited = [each for each in receipts if reports.correlator.find(carrier, each.carrier_message_id)]
            ended = [f"carrier:{carrier}:{receipt.carrier_message_id}" for receipt in awaited]

            def pass_and_respond(answers: Sequence[tuple[CarrierReceipt, int]]) -> None:
                if ended:
                    point.pass_by(ended)
                respond(answers)

            original(reports, carrier, receipts, pass_and_respond)

        return on_receipts

    replace(Reports, "on_receipts", make)


# --- the ESME's receipt ---


def over_unqueued(point: Point) -> None:
    """The final state and the owed receipt are committed; the receipt is in no queue."""
    _before(Deliveries, "admit", lambda _deliveries, created: point.pass_by(_owed(created)))


def delivered_unanswered(point: Point) -> None:
    """deliver_sm was written to the ESME's socket; its answer was not read."""

    def look(_session: EsmeSession, deliveries: Sequence[Delivery]) -> None:
        point.pass_when_written(deliveries[-1].message_id.encode(), _owed(deliveries))

    _after(EsmeSession, "deliver", look)


def delivered_unrecorded(point: Point) -> None:
    """The ESME's deliver_sm_resp was read; the owed receipt is still in the store."""

    def look(_deliveries: Deliveries, _account: str, answers: Sequence[tuple[Delivery, int | None]]) -> None:
        point.pass_by(_owed(delivery for delivery, _ in answers))

    _before(Deliveries, "on_answers", look)


def told_unrecorded(point: Point) -> None:
    """A webhook was taken by its endpoint; that it is owed is still in the store."""

    def look(_worker: WebhookWorker, _delivery: object, event: Event, answer: Answer, *_: object) -> None:
        if answer.verdict is Told.TAKEN and event.message_id:
            point.pass_by([f"id:{event.message_id}"])

    _before(WebhookWorker, "_settle", look)


# --- starting ---


def starting(point: Point) -> None:
    """A step of the start, one after the other: opened and migrated; recovered, in the transaction; recovered;
    attempts in doubt ended; queues known."""
    _after(store_connection, "migrate", lambda *_: point.pass_by(()))
    _after(jobs, "recover", lambda *_: point.pass_by(()))
    _after(Engine, "connect", lambda *_: point.pass_by(()))
    _after(Engine, "_end_in_doubt", lambda *_: point.pass_by(()))
    _after_awaiting(SqliteStore, "next_due", lambda *_: point.pass_by(()))


STARTING_STEPS = 5


def migrating(point: Point) -> None:
    """The first passage is in the transaction of a migration, the second after its commit."""

    def make(original: Any) -> Any:
        def migrate(connection: apsw.Connection, migrations: list[Migration]) -> None:
            def pass_by(*_: object) -> None:
                point.pass_by(())

            connection.create_scalar_function("failpoint", pass_by, 0)
            original(connection, migrations)
            point.pass_by(())

        return migrate

    replace(store_connection, "migrate", make)


MIGRATING_STEPS = 2
MORE_COLUMN = "chaos_mark"


def more_migrations() -> list[Migration]:
    """Those of smsagg and one more, which touches every row and passes the failpoint in its transaction."""
    known = load_migrations()
    sql = f"""
        ALTER TABLE messages ADD COLUMN {MORE_COLUMN} INTEGER NOT NULL DEFAULT 0;
        UPDATE messages SET {MORE_COLUMN} = 1;
        SELECT failpoint();
    """
    return [*known, Migration(known[-1].version + 1, sql)]


FAILPOINTS: dict[str, Callable[[Point], None]] = {
    "F01": read_not_inserted,
    "F02": in_the_transaction,
    "F03": committed_unanswered,
    "F04": answered,
    "F05": group_commit,
    "F06": handed_over_unwritten,
    "F07": written_unanswered,
    "F08": taken_unrecorded,
    "F09": taken_recorded,
    "F10": refused_unrecorded,
    "F11": receipt_unrecorded,
    "F12": receipt_recorded_unanswered,
    "F13": over_unqueued,
    "F14": delivered_unanswered,
    "F15": delivered_unrecorded,
    "F16": told_unrecorded,
    "F17": charging,
    "F18": starting,
    "F19": migrating,
}
"""F20 is each of these with the power."""
