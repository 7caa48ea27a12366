"""The ready queue: bounds, lanes, fairness, give-backs and removals, also against a simple model."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from queued_messages import message

from smsagg.model import Message
from smsagg.queueing.ready import QUANTUM, ReadyQueue


def seqs(messages: list[Message]) -> list[int]:
    return [m.seq for m in messages]


def test_one_account_is_first_in_first_out() -> None:
    """In takes of any size."""
    queue = ReadyQueue(100)
    assert all(queue.push(message(seq)) for seq in range(1, 11))
    assert seqs(queue.take(3)) == [1, 2, 3]
    assert seqs(queue.take(0)) == []
    assert seqs(queue.take(100)) == [4, 5, 6, 7, 8, 9, 10]
    assert queue.take(1) == []
    assert len(queue) == 0


def test_a_full_queue_says_no() -> None:
    """The message is not in it then, and there is room again after a take."""
    queue = ReadyQueue(2)
    assert queue.push(message(1))
    assert queue.push(message(2))
    assert queue.room == 0
    refused = message(3)
    assert not queue.push(refused)
    assert refused not in queue
    queue.take(1)
    assert queue.push(refused)


def test_higher_priority_goes_first_always() -> None:
    """A lane waits until all above it are empty."""
    queue = ReadyQueue(100)
    for seq, priority in enumerate([0, 3, 1, 2, 3, 0], start=1):
        queue.push(message(seq, priority=priority))
    assert seqs(queue.take(4)) == [2, 5, 4, 3]
    queue.push(message(7, priority=3))
    assert seqs(queue.take(9)) == [7, 1, 6]


def test_one_message_does_not_wait_behind_another_accounts_flood() -> None:
    """B's single message is next after one turn of A, whatever A has queued, and however long A was alone."""
    queue = ReadyQueue(10**6)
    for seq in range(1, 50_001):
        queue.push(message(seq, "a"))
    queue.take(1_000)
    queue.push(message(60_000, "b"))
    assert 60_000 in seqs(queue.take(QUANTUM + 1))


def test_accounts_share_a_lane_equally() -> None:
    """With all of them busy each gets its turn, in takes of any size."""
    queue = ReadyQueue(10_000)
    for seq in range(1, 3_001):
        queue.push(message(seq, f"a{seq % 3}"))
    for size in (1, 7, 100, 2, 90):
        queue.take(size)
    shares = Counter(m.account for m in queue.take(1_200))
    assert max(shares.values()) - min(shares.values()) <= QUANTUM


def test_what_was_given_back_is_next_again() -> None:
    """In its own order, before the account's others, even above the bound."""
    queue = ReadyQueue(5)
    for seq in range(1, 6):
        queue.push(message(seq))
    taken = queue.take(3)
    queue.push(message(6))
    queue.push(message(7))
    queue.push(message(8))
    queue.push_front(taken)
    assert len(queue) == 8
    assert queue.room == 0
    assert seqs(queue.take(10)) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_removed_message_is_never_taken() -> None:
    """Removing is told apart from not having it."""
    queue = ReadyQueue(10)
    first, second, third = message(1), message(2), message(3)
    for m in (first, second, third):
        queue.push(m)
    assert queue.remove(second)
    assert not queue.remove(second)
    assert len(queue) == 2
    assert second not in queue
    assert queue.take(10) == [first, third]
    assert not queue.remove(first)


def test_a_message_removed_and_pushed_again_is_taken_once() -> None:
    """Its forgotten entry does not bring it back a second time."""
    queue = ReadyQueue(10)
    again = message(1)
    queue.push(again)
    queue.remove(again)
    queue.push(again)
    queue.push(message(2))
    assert seqs(queue.take(10)) == [1, 2]
    assert len(queue) == 0


def test_a_removed_message_is_not_taken_for_its_later_copy() -> None:
    """It went to the store and came back as another object: only that one goes out, and is found and removed."""
    queue = ReadyQueue(10)
    before, after = message(1), message(1)
    queue.push(before)
    queue.push(message(2))
    queue.remove(before)
    queue.push(after)
    assert queue.depth_by_account() == {"acme": 2}
    taken = queue.take(10)
    assert seqs(taken) == [2, 1]
    assert taken[1] is after
    assert len(queue) == 0
    queue.push_front([before])
    queue.remove(before)
    queue.push(after)
    queue._rebuild()
    (kept,) = queue.take(10)
    assert kept is after


def test_cancelling_for_ever_costs_no_memory() -> None:
    """While no carrier drains the queue, what was removed does not pile up."""
    queue = ReadyQueue(1_000)
    queue.push(message(1))
    for seq in range(2, 5_000):
        cancelled = message(seq)
        assert queue.push(cancelled)
        assert queue.remove(cancelled)
    entries = sum(len(q.messages) for lane in queue._lanes for q in lane.ring)
    assert entries < 100


def test_statistics_see_only_what_waits() -> None:
    """Age and depth leave out what was removed."""
    queue = ReadyQueue(10)
    assert queue.oldest_accepted_at() == 0
    oldest = message(1, "a", accepted_at=50)
    for m in (oldest, message(2, "a", accepted_at=60), message(3, "b", priority=2, accepted_at=70)):
        queue.push(m)
    assert queue.oldest_accepted_at() == 50
    queue.remove(oldest)
    assert queue.oldest_accepted_at() == 60
    assert queue.depth_by_account() == {"a": 1, "b": 1}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), max_size=120),
    st.lists(st.integers(1, 30), min_size=1, max_size=40),
)
def test_order_within_an_account_and_lane_is_kept(pushes: list[tuple[str, int]], sizes: list[int]) -> None:
    """Fairness reorders accounts, never one account's own messages of one priority; nothing is lost or doubled."""
    queue = ReadyQueue(1_000)
    for seq, (account, priority) in enumerate(pushes, start=1):
        queue.push(message(seq, account, priority))
    out: list[Message] = []
    for size in sizes:
        batch = queue.take(size)
        assert len(batch) == min(size, len(pushes) - len(out))
        out += batch
    out += queue.take(1_000)
    assert sorted(seqs(out)) == list(range(1, len(pushes) + 1))
    assert [m.priority for m in out] == sorted((m.priority for m in out), reverse=True)
    for account in "abcd":
        for priority in range(4):
            mine = [m.seq for m in out if (m.account, m.priority) == (account, priority)]
            assert mine == sorted(mine)


class ReadyQueueAgainstModel(RuleBasedStateMachine):
    """The model: what waits, per (priority, account) in order; which account is next is the queue's own affair."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = ReadyQueue(30)
        self.model: dict[tuple[int, str], list[Message]] = {}
        self.taken: list[Message] = []
        self.removed: list[Message] = []
        self.seq = 0

    def waiting(self) -> list[Message]:
        return [m for messages in self.model.values() for m in messages]

    @rule(account=st.sampled_from("abc"), priority=st.integers(0, 3))
    def push(self, account: str, priority: int) -> None:
        self.seq += 1
        m = message(self.seq, account, priority)
        had_room = len(self.waiting()) < 30
        assert self.queue.push(m) is had_room
        if had_room:
            self.model.setdefault((priority, account), []).append(m)

    @rule(count=st.integers(0, 12))
    def take(self, count: int) -> None:
        batch = self.queue.take(count)
        assert len(batch) == min(count, len(self.waiting()))
        for m in batch:
            assert m.priority == max(w.priority for w in self.waiting())
            assert self.model[m.priority, m.account].pop(0) is m
        self.taken = batch

    @precondition(lambda self: self.taken)
    @rule()
    def give_back(self) -> None:
        self.queue.push_front(self.taken)
        for m in reversed(self.taken):
            self.model[m.priority, m.account].insert(0, m)
        self.taken = []

    @precondition(lambda self: self.waiting())
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        m = data.draw(st.sampled_from(self.waiting()))
        assert self.queue.remove(m)
        self.model[m.priority, m.account].remove(m)
        self.removed.append(m)

    @precondition(lambda self: self.removed and len(self.waiting()) < 30)
    @rule()
    def push_removed_again(self) -> None:
        """Its place is anywhere in its account's line: at its old entry or at the new one."""
        m = self.removed.pop()
        assert self.queue.push(m)
        assert m in self.queue
        assert self.queue.remove(m)

    @invariant()
    def same_size(self) -> None:
        assert len(self.queue) == len(self.waiting())
        assert sum(self.queue.depth_by_account().values()) == len(self.waiting())
        assert all(m in self.queue for m in self.waiting())


ReadyQueueAgainstModel.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestReadyQueueAgainstModel = ReadyQueueAgainstModel.TestCase
