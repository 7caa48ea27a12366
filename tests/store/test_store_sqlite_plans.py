"""What the store asks is answered from an index, however many messages wait."""

from collections.abc import Callable

import apsw
import pytest
from store_records import NOW, empty_database, finished, message, update

from smsagg.model import Event, Message
from smsagg.store.base import Changes, QueuedMatch
from smsagg.store.sqlite import events, jobs
from smsagg.store.sqlite.recent_ids import RecentIds
from smsagg.store.sqlite.rows import message_row
from smsagg.store.sqlite.statements import COPY_TO_HISTORY, DELETE_MESSAGES, INSERT_MESSAGES, UPDATE_MESSAGES


@pytest.fixture
def connection() -> apsw.Connection:
    return empty_database()


def steps_of(connection: apsw.Connection, question: Callable[[apsw.Cursor], object]) -> int:
    """How many of SQLite's virtual machine steps, in hundreds, ``question(cursor)`` takes."""
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    connection.set_progress_handler(count, 100)
    question(connection.cursor())
    connection.set_progress_handler(None, 100)
    return steps


def test_questions_cost_the_same_when_many_wait(connection: apsw.Connection) -> None:
    """Claims, due times and look-ups do not get dearer with ten times as many parked messages."""
    questions = [
        jobs.next_due,
        lambda cursor: jobs.claim_messages(cursor, "p1", NOW + 5, 20),
        lambda cursor: jobs.claim_messages(cursor, "none", NOW + 5, 20),
        lambda cursor: jobs.claim_deliveries(cursor, "acme", NOW + 5, 20),
        jobs.next_delivery_due,
        lambda cursor: jobs.find_by_carrier_id(cursor, RecentIds(), "alpha", ["x", "y"]),
        lambda cursor: jobs.find_message(cursor, 17),
        lambda cursor: jobs.find_expired(cursor, 0, NOW - 1, 20, 0),
        lambda cursor: jobs.drop_expired_deliveries(cursor, NOW - 1, 20),
    ]
    costs = []
    for first in (0, 500):
        rows = [
            message_row(message(seq, parked=True, pool=f"p{seq % 5}", priority=seq % 4, next_attempt_at=NOW + seq % 7))
            for seq in range(first + 1, first * 10 + 501)
        ]
        INSERT_MESSAGES.execute(connection.cursor().execute, rows)
        costs.append([steps_of(connection, question) for question in questions])
    for few, many in zip(*costs, strict=True):
        assert many <= few + 5


def test_a_normal_life_scans_no_table(connection: apsw.Connection) -> None:
    """Updating and finishing one message steps over no other."""
    INSERT_MESSAGES.execute(connection.cursor().execute, [message_row(message(seq)) for seq in range(1, 2_001)])
    taken = update(7)
    assert steps_of(connection, lambda cursor: UPDATE_MESSAGES.execute(cursor.execute, [taken])) <= 3
    over = (*finished(7), None)
    assert steps_of(connection, lambda cursor: COPY_TO_HISTORY.execute(cursor.execute, [over])) <= 3
    assert steps_of(connection, lambda cursor: DELETE_MESSAGES.execute(cursor.execute, [7])) <= 3


def test_finding_what_waits_for_a_destination_reads_a_part_of_the_index_only(connection: apsw.Connection) -> None:
    """A hundredth of what is parked, however the destinations are spread."""
    match = QueuedMatch("acme", "ACME\xe9", f"4479{123:08d}", None)
    rows = [message_row(message(seq, parked=True)) for seq in range(1, 10_001)]
    INSERT_MESSAGES.execute(connection.cursor().execute, rows)
    found: list[Message] = []
    steps = steps_of(connection, lambda cursor: found.extend(jobs.find_queued(cursor, match, 20, 0)))
    assert [message.seq for message in found] == [123]
    assert steps * 100 < 3_000


def test_what_is_asked_of_events_costs_the_same_however_many_there_are(connection: apsw.Connection) -> None:
    """Pages of a rare kind, pages of all kinds, and looking for old ones where none are."""
    questions = [
        lambda cursor: events.find_events(cursor, "acme", 0, 20, ["message.inbound"], ""),
        lambda cursor: events.find_events(cursor, "acme", 0, 20, ["message.inbound", "message.failed"], ""),
        lambda cursor: events.find_events(cursor, "acme", 5, 20, [], ""),
        lambda cursor: events.find_events(cursor, "acme", 0, 20, ["message.queued"], "m7"),
        lambda cursor: events.drop_events(cursor, NOW, 20),
        lambda cursor: events.owe_events(cursor, "acme/a", "acme", ["message.queued"], 0, 10**9, 20),
        lambda cursor: events.count_owed_events(cursor, "acme/a", 10),
    ]
    costs = []
    for first, count in ((1, 500), (501, 5_000)):
        noted = [
            Event(n, "acme", f"message.{('queued', 'sent', 'delivered')[n % 3]}", NOW + n, f"m{n}", b"{}")
            for n in range(first, first + count)
        ]
        events.apply_events(connection.cursor().execute, Changes(events=noted))
        costs.append([steps_of(connection, question) for question in questions])
    for few, many in zip(*costs, strict=True):
        assert many <= few + 5
