"""A group of many calls against the same calls one after another in the memory store."""

import copy
from collections import deque

import apsw
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_records import NOW, delivery, empty_database, finished, group, group_update, message, mo_part, update

from smsagg.model import MessageState
from smsagg.store.base import Changes, DeliveryUpdate, ParkedReceipt
from smsagg.store.memory import Tables
from smsagg.store.sqlite.group import Group, Job, Write
from smsagg.store.sqlite.recent_ids import RecentIds
from smsagg.store.sqlite.rows import (
    DELIVERY_COLUMNS,
    GROUP_COLUMNS,
    MESSAGE_COLUMNS,
    MO_PART_COLUMNS,
    PARKED_RECEIPT_COLUMNS,
    delivery_from_row,
    group_from_row,
    message_from_row,
    mo_part_from_row,
    parked_receipt_from_row,
)
from smsagg.store.sqlite.writer import INTERVAL_MAX_S, INTERVAL_MIN_S, commit_interval_s

SEQS = st.integers(1, 12)
STATES = st.sampled_from([MessageState.QUEUED, MessageState.SENDING, MessageState.ENROUTE])
UPDATES = st.builds(update, SEQS, state=STATES, attempts=st.integers(0, 5), parked=st.booleans())
FINISHES = st.builds(finished, SEQS, state=st.sampled_from([MessageState.DELIVERED, MessageState.EXPIRED]))
GROUP_SEQS = st.integers(1, 4)
GROUP_UPDATES = st.builds(group_update, GROUP_SEQS, ended=st.integers(1, 3), done_at=st.sampled_from([0, NOW]))
NEW_PARTS = st.builds(
    group,
    GROUP_SEQS,
    received=st.integers(1, 3),
    numbers=st.integers(0, 1 << 62),
    registered_delivery=st.integers(0, 3),
)
DELIVERY_UPDATES = st.builds(
    DeliveryUpdate,
    delivery_id=st.integers(1, 8),
    attempts=st.integers(0, 3),
    next_attempt_at=st.integers(NOW, NOW + 9),
    parked=st.booleans(),
)
KEYS = st.tuples(st.sampled_from(["alpha", "beta"]), st.sampled_from(["x", "y"]))
RECEIPTS = st.builds(
    lambda key, state, at: ParkedReceipt(*key, state, 0, at, at),
    KEYS,
    st.sampled_from([MessageState.DELIVERED, MessageState.ENROUTE]),
    st.integers(NOW, NOW + 9),
)


@st.composite
def calls(draw: st.DrawFn) -> list[Changes]:
    """Calls as an engine makes them: new keys count up, and what is updated is there and not over."""
    made: list[Changes] = []
    last_seq = last_delivery_id = last_part_id = 0
    over: set[int] = set()
    done: set[int] = set()
    for kind in draw(st.lists(st.sampled_from(["new", "owed", "owed", "receipts"]), max_size=12)):
        if kind == "new":
            count = draw(st.integers(1, 4))
            new_messages = [message(last_seq + n, group_seq=n - 1) for n in range(1, count + 1)]
            made.append(Changes(new_messages=new_messages, new_parts=draw(st.lists(NEW_PARTS, max_size=2))))
            last_seq += count
        elif kind == "owed":
            changes = Changes(
                message_updates=[u for u in draw(st.lists(UPDATES, max_size=3)) if u.seq not in over],
                finished=draw(st.lists(FINISHES, max_size=2)),
                group_updates=draw(st.lists(GROUP_UPDATES, max_size=2)),
                new_deliveries=[delivery(last_delivery_id + n) for n in range(1, draw(st.integers(1, 3)))],
                delivery_updates=[u for u in draw(st.lists(DELIVERY_UPDATES, max_size=2)) if u.delivery_id not in done],
                done_deliveries=draw(st.lists(st.integers(1, 8), max_size=2)),
            )
            last_delivery_id += len(changes.new_deliveries)
            changes.done_deliveries = [key for key in changes.done_deliveries if key <= last_delivery_id]
            changes.delivery_updates = [u for u in changes.delivery_updates if u.delivery_id <= last_delivery_id]
            changes.message_updates = [u for u in changes.message_updates if u.seq <= last_seq]
            known = {parts.group_seq for before in made for parts in before.new_parts}
            changes.group_updates = [u for u in changes.group_updates if u.group_seq in known]
            changes.finished = [f for f in changes.finished if f.seq <= last_seq]
            over.update(f.seq for f in changes.finished)
            done.update(changes.done_deliveries)
            made.append(changes)
        else:
            parked = draw(st.lists(RECEIPTS, max_size=3))
            made.append(Changes(parked_receipts=parked, unparked_receipts=draw(st.lists(KEYS, max_size=2))))
            new_parts = [mo_part(last_part_id + n) for n in range(1, draw(st.integers(1, 3)))]
            last_part_id += len(new_parts)
            done_parts = draw(st.lists(st.integers(1, last_part_id), max_size=2)) if last_part_id else []
            made.append(Changes(new_mo_parts=new_parts, done_mo_parts=done_parts))
    return made


def contents(connection: apsw.Connection) -> Tables:
    """Everything in the database, as the memory store keeps it."""
    columns = ", ".join(MESSAGE_COLUMNS)
    live = [message_from_row(row) for row in connection.execute(f"SELECT {columns} FROM messages")]
    history = [message_from_row(row) for row in connection.execute(f"SELECT {columns} FROM history")]
    deliveries = connection.execute(f"SELECT {', '.join(DELIVERY_COLUMNS)} FROM deliveries")
    groups = [group_from_row(row) for row in connection.execute(f"SELECT {', '.join(GROUP_COLUMNS)} FROM part_groups")]
    parts = connection.execute(f"SELECT {', '.join(MO_PART_COLUMNS)} FROM mo_parts")
    receipts = [
        parked_receipt_from_row(row)
        for row in connection.execute(f"SELECT {', '.join(PARKED_RECEIPT_COLUMNS)} FROM parked_receipts")
    ]
    last_seq, last_delivery_id = connection.execute("SELECT last_seq, last_delivery_id FROM counters").get
    return Tables(
        messages={m.seq: m for m in live},
        history={m.seq: m for m in history},
        groups={g.group_seq: g for g in groups},
        deliveries={d.delivery_id: d for d in map(delivery_from_row, deliveries)},
        mo_parts={p.part_id: p for p in map(mo_part_from_row, parts)},
        parked_receipts={(r.carrier, r.carrier_message_id, r.state): r for r in receipts},
        last_seq=last_seq,
        last_delivery_id=last_delivery_id,
    )


def plain(tables: Tables) -> list[object]:
    """``tables`` as values that compare."""
    records = (tables.messages, tables.history, tables.groups, tables.deliveries, tables.mo_parts)
    rows = [{key: attrs.asdict(record) for key, record in kind.items()} for kind in records]
    return [*rows, tables.parked_receipts, tables.last_seq, tables.last_delivery_id]


@given(calls(), st.integers(1, 30))
def test_groups_do_what_the_calls_do(made: list[Changes], rows_max: int) -> None:
    """However calls fall into groups, the database ends as if each had been applied alone, in order."""
    model = Tables()
    for changes in copy.deepcopy(made):
        model.apply(changes)
    connection = empty_database()
    recent = RecentIds()
    waiting = deque(Write(changes, None) for changes in made)
    while waiting:
        group = Group()
        while waiting and group.takes(waiting[0], rows_max):
            group.add(waiting.popleft())
        group.apply(connection.cursor(), recent)
    assert plain(contents(connection)) == plain(model)


def test_a_group_is_bounded_and_keeps_the_order() -> None:
    """A group takes rows up to its bound, at least one call, and no write after a job."""
    group = Group()
    large = Write(Changes(done_deliveries=[1, 2, 3]), None)
    assert group.takes(large, 2)
    group.add(large)
    assert not group.takes(Write(Changes(done_deliveries=[4]), None), 3)
    assert group.takes(Write(Changes(done_deliveries=[4]), None), 4)
    job = Job(lambda cursor: None, lambda error: None)
    assert group.takes(job, 3)
    group.add(job)
    assert not group.takes(Write(Changes(done_deliveries=[4]), None), 100)
    assert group.takes(job, 3)


@pytest.mark.parametrize(
    ("rows", "elapsed_s", "interval_s"),
    [
        (1, float("inf"), INTERVAL_MIN_S),
        (1, 0.01, INTERVAL_MIN_S),
        (40, 0.001, 0.002),
        (160, 0.004, 0.002),
        (80, 0.001, INTERVAL_MAX_S),
        (2_000, 0.004, INTERVAL_MAX_S),
        (0, 0.0, INTERVAL_MAX_S),
    ],
)
def test_commits_keep_a_distance_that_grows_with_the_load(rows: int, elapsed_s: float, interval_s: float) -> None:
    """Single rows wait the least, a steady load its share of the most, whatever the groups happen to be."""
    assert commit_interval_s(rows, elapsed_s) == pytest.approx(interval_s)


def test_new_messages_are_cut_out_of_a_group() -> None:
    """What may be refused is separated from what is owed, in order and with its rows."""
    group = Group()
    writes = [
        Write(Changes(new_messages=[message(1)]), None),
        Write(Changes(done_deliveries=[1, 2]), None),
        Write(Changes(new_messages=[message(2), message(3)]), None),
        Write(Changes(), None),
    ]
    for write in writes:
        group.add(write)
    cut = group.take_out_new_messages()
    assert cut.writes == [writes[0], writes[2]]
    assert group.writes == [writes[1], writes[3]]
    assert (cut.rows, group.rows) == (3, 2)
