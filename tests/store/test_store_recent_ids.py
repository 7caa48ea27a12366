"""Carrier ids that are not indexed yet, and their way into the index."""

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_records import empty_database, finished, message, update

from smsagg.model import MessageState
from smsagg.store.base import Changes, MessageUpdate
from smsagg.store.sqlite import jobs, recent_ids
from smsagg.store.sqlite.group import Group, Write
from smsagg.store.sqlite.recent_ids import RecentIds

SEQS = st.integers(1, 10)
IDS = st.sampled_from(["a", "b", "c", "d", "e", "f", ""])
STATES = st.sampled_from([MessageState.ENROUTE, MessageState.ENROUTE, MessageState.ENROUTE, MessageState.QUEUED])
STEPS = st.one_of(
    st.builds(lambda seq, state, cid: update(seq, state=state, carrier_message_id=cid), SEQS, STATES, IDS),
    st.builds(lambda seq, cid: finished(seq, carrier_message_id=cid), SEQS, IDS),
)


@given(st.lists(st.tuples(STEPS, st.booleans()), max_size=40), st.integers(0, 4))
def test_every_enroute_message_is_found(steps: list[tuple[object, bool]], recent_max: int) -> None:
    """Noted, indexed, renamed, twins, and after commits that failed first: a look-up finds what the rows say."""
    connection = empty_database()
    recent = RecentIds(recent_max)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent_ids, "INDEXED_AT_ONCE", 2)
        commit(connection, recent, Changes(new_messages=[message(seq) for seq in range(1, 11)]), fails=False)
        for step, fails in steps:
            is_update = isinstance(step, MessageUpdate)
            commit(connection, recent, Changes(**{"message_updates" if is_update else "finished": [step]}), fails)  # type: ignore[arg-type]
            for carrier_message_id in "abcdef":
                query = "SELECT seq FROM messages WHERE state = 1 AND carrier_message_id = ? ORDER BY seq"
                expected = [row[0] for row in connection.execute(query, (carrier_message_id,))]
                found = jobs.find_by_carrier_id(connection.cursor(), recent, "alpha", [carrier_message_id])
                assert [m.seq for m in found] == expected


def commit(connection: apsw.Connection, recent: RecentIds, changes: Changes, fails: bool) -> None:
    """Apply ``changes`` as the writer does; ``fails``: once in vain before."""
    group = Group()
    group.add(Write(changes, None))
    for in_vain in (True, False)[not fails :]:
        connection.execute("BEGIN")
        group.apply(connection.cursor(), recent)
        connection.execute("ROLLBACK" if in_vain else "COMMIT")
        recent.rolled_back() if in_vain else recent.committed()


def test_a_usual_life_is_never_indexed() -> None:
    """A message that is finished while it is recent leaves nothing to index and nothing noted."""
    recent = RecentIds()
    recent.note([update(1), update(2)])
    recent.forget([finished(1), finished(2)])
    assert len(recent) == 0
    assert recent.leave() == []


def test_memory_is_bounded() -> None:
    """Beyond the bound the oldest leave for the index, in portions."""
    recent = RecentIds(recent_max=2_000)
    recent.note([update(seq) for seq in range(1, 2_501)])
    assert recent.leave() == list(range(1, recent_ids.INDEXED_AT_ONCE + 1))
    recent.committed()
    assert len(recent) == 2_500 - recent_ids.INDEXED_AT_ONCE
    assert recent.leave() == []


def test_memory_is_bounded_after_a_large_group() -> None:
    """However many one group notes, what is above the bound leaves at once."""
    recent = RecentIds(recent_max=100)
    recent.note([update(seq) for seq in range(1, 5_001)])
    assert len(recent.leave()) == 4_900
    recent.committed()
    assert len(recent) == 100
