"""The scheduled queue, by example and against a sorted list."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from queued_messages import message

from smsagg.model import Message
from smsagg.queueing.scheduled import ScheduledQueue


def test_messages_come_out_when_they_are_due() -> None:
    """Earliest first, equal instants in the order of acceptance, and not before."""
    queue = ScheduledQueue(10)
    for due_at, seq in ((30, 1), (10, 3), (10, 2), (20, 4)):
        assert queue.push(due_at, message(seq))
    assert queue.next_due_at() == 10
    assert queue.take_due(9, 100) == []
    assert [m.seq for m in queue.take_due(20, 2)] == [2, 3]
    assert [m.seq for m in queue.take_due(20, 2)] == [4]
    assert queue.next_due_at() == 30
    assert [m.seq for m in queue.take_due(1_000, 100)] == [1]
    assert queue.next_due_at() is None


def test_a_full_queue_says_no() -> None:
    """What is refused stays in the store; what waits already may still be moved."""
    queue = ScheduledQueue(1)
    kept, refused = message(1), message(2)
    assert queue.push(10, kept)
    assert not queue.push(5, refused)
    assert refused not in queue
    assert queue.push(7, kept)
    assert queue.next_due_at() == 7
    assert len(queue) == 1


def test_what_is_far_off_is_left_to_the_store() -> None:
    """The horizon itself is still near."""
    queue = ScheduledQueue(10)
    assert queue.push(100, message(1), horizon_at=100)
    assert not queue.push(101, message(2), horizon_at=100)


def test_a_moved_message_comes_out_once() -> None:
    """At its new instant, earlier or later."""
    queue = ScheduledQueue(10)
    earlier, later = message(1), message(2)
    queue.push(50, earlier)
    queue.push(50, later)
    queue.push(10, earlier)
    queue.push(90, later)
    assert queue.take_due(60, 10) == [earlier]
    assert queue.take_due(100, 10) == [later]


def test_rescheduling_for_ever_costs_no_memory() -> None:
    """Neither moving nor removing leaves anything behind for long."""
    queue = ScheduledQueue(10)
    stays = message(1)
    for turn in range(10_000):
        queue.push(turn, stays)
        passing = message(turn + 2)
        queue.push(1_000_000, passing)
        queue.remove(passing)
    assert len(queue._heap) < 100


class ScheduledQueueAgainstModel(RuleBasedStateMachine):
    """The model: a dict of what waits, sorted when asked."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = ScheduledQueue(20)
        self.model: dict[int, tuple[int, Message]] = {}
        self.messages = {seq: message(seq) for seq in range(1, 40)}

    @rule(seq=st.integers(1, 39), due_at=st.integers(0, 50), horizon_at=st.none() | st.integers(0, 50))
    def push(self, seq: int, due_at: int, horizon_at: int | None) -> None:
        fits = (horizon_at is None or due_at <= horizon_at) and (seq in self.model or len(self.model) < 20)
        assert self.queue.push(due_at, self.messages[seq], horizon_at) is fits
        if fits:
            self.model[seq] = (due_at, self.messages[seq])

    @rule(now=st.integers(0, 50), limit=st.integers(0, 10))
    def take_due(self, now: int, limit: int) -> None:
        due = sorted((due_at, seq) for seq, (due_at, _) in self.model.items() if due_at <= now)[:limit]
        assert [m.seq for m in self.queue.take_due(now, limit)] == [seq for _, seq in due]
        for _, seq in due:
            del self.model[seq]

    @precondition(lambda self: self.model)
    @rule(seq=st.integers(1, 39))
    def remove(self, seq: int) -> None:
        assert self.queue.remove(self.messages[seq]) is (self.model.pop(seq, None) is not None)

    @invariant()
    def agrees(self) -> None:
        assert len(self.queue) == len(self.model)
        assert self.queue.next_due_at() == min((due_at for due_at, _ in self.model.values()), default=None)


ScheduledQueueAgainstModel.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestScheduledQueueAgainstModel = ScheduledQueueAgainstModel.TestCase
