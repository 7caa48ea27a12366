"""The queue by groups: what a ready queue promises, and that no group holds up another."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smsagg.model import Message
from smsagg.queueing.grouped import BLOCKED, NOTHING, Grant, GroupedQueue
from smsagg.queueing.ready import QUANTUM
from smsagg.testing.gateway import make_message

COUNTRIES = ("GB", "FR", "DE")


def message(seq: int, account: str = "a", country: str = "GB", priority: int = 0) -> Message:
    made = make_message(seq, seq=seq, account=account, country=country, priority=priority)
    made.next_attempt_at = seq
    return made


def group_of(one: Message) -> str:
    return one.country


def serve(queue: GroupedQueue, room: dict[str, int]) -> list[Message]:
    """What goes when each group has so much room."""
    left, taken = dict(room), list[Message]()

    def grant(group: object, head: Message, count: int) -> Grant:
        assert isinstance(group, str)
        assert head.country == group
        if left.get(group, 0) <= 0:
            return BLOCKED
        count = min(count, left[group])
        left[group] -= count
        return count, taken

    queue.serve(grant)
    return taken


def queue_of(*messages: Message, messages_max: int = 10_000) -> GroupedQueue:
    queue = GroupedQueue(messages_max, group_of)
    for one in messages:
        assert queue.push(one)
    return queue


def test_a_group_that_nobody_takes_holds_up_no_other() -> None:
    """Whoever stands at the head of the line."""
    queue = queue_of(*[message(seq, country="FR" if seq < 500 else "GB") for seq in range(1, 1_001)])
    assert [one.seq for one in serve(queue, {"GB": 200})] == list(range(500, 700))
    assert [one.seq for one in serve(queue, {"FR": 3, "GB": 2})] == [1, 2, 3, 700, 701]
    assert len(queue) == 795


def test_higher_lanes_go_first() -> None:
    """Within what may go."""
    queue = queue_of(message(1), message(2, priority=3), message(3, country="FR", priority=3), message(4, priority=1))
    assert [one.seq for one in serve(queue, {"GB": 10})] == [2, 4, 1]
    assert [one.seq for one in serve(queue, {"FR": 10})] == [3]


@given(
    batches=st.lists(st.integers(1, 40), min_size=50, max_size=200),
    countries=st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=3, unique=True),
    seed=st.integers(0, 1_000),
)
@settings(deadline=None, max_examples=40)
def test_accounts_with_alike_messages_get_equal_shares(batches: list[int], countries: list[str], seed: int) -> None:
    """Whatever room there is at a time: within one turn of each other and 5 per cent."""
    rng, accounts = Random(seed), ("a", "b", "c")
    queue = GroupedQueue(100_000, group_of)
    seq = 0
    for _ in range(2_000):
        for account in accounts:
            seq += 1
            assert queue.push(message(seq, account, rng.choice(countries)))
    shares: Counter[str] = Counter()
    for size in batches:
        for one in serve(queue, {rng.choice(countries): size}):
            shares[one.account] += 1
    fair = sum(shares.values()) / len(accounts)
    for account in accounts:
        assert abs(shares[account] - fair) <= 0.05 * fair + 4 * QUANTUM


def test_who_was_next_still_is_when_nobody_could_go() -> None:
    """Rounds without room change no turn, not even one that had begun."""
    queue = queue_of(*[message(seq, "ab"[seq % 2]) for seq in range(1, 41)])
    went: Counter[str] = Counter()
    for _ in range(32):
        serve(queue, {"GB": 0})
        (one,) = serve(queue, {"GB": 1})
        went[one.account] += 1
    assert went == {"a": 16, "b": 16}


def test_what_may_not_go_yet_blocks_no_other_account() -> None:
    """One account's message is too young, another's is not."""
    queue, taken = queue_of(message(5, "a"), message(1, "b")), list[Message]()
    queue.serve(lambda _group, head, _count: (1, taken) if head.seq < 3 else NOTHING)
    assert [one.seq for one in taken] == [1]


def test_what_was_removed_among_those_that_may_go_takes_nobodys_room() -> None:
    """Who is told that two may go gives two."""
    queue = queue_of(*[message(seq) for seq in range(1, 6)])
    queue.remove(message(2))
    queue.remove(message(3))
    told: list[int] = []

    def grant(_group: object, _head: Message, count: int) -> Grant:
        told.append(count)
        return count, taken

    taken: list[Message] = []
    queue.serve(grant)
    assert [one.seq for one in taken] == [1, 4, 5]
    assert told == [3]


def test_everything_can_be_taken_out_in_order() -> None:
    """For another queue: lanes, then accounts, each in its order."""
    queue = queue_of(
        message(1, "a", "FR"), message(2, "b"), message(3, "a"), message(4, "a", "FR"), message(5, "b", priority=2)
    )
    queue.remove(message(3, "a"))
    assert [one.seq for one in queue.take_all()] == [5, 1, 4, 2]
    assert (len(queue), queue.take_all(), queue.oldest_accepted_at()) == (0, [], 0)


class Model(RuleBasedStateMachine):
    """Beside a plain list for each lane, account and group."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = GroupedQueue(300, group_of)
        self.lists: dict[tuple[int, str, str], list[Message]] = {}
        self.seq = 0

    def key(self, one: Message) -> tuple[int, str, str]:
        return one.priority, one.account, one.country

    @property
    def waiting(self) -> list[Message]:
        return [one for messages in self.lists.values() for one in messages]

    @rule(
        account=st.sampled_from("ab"),
        country=st.sampled_from(COUNTRIES),
        priority=st.integers(0, 3),
        count=st.integers(1, 30),
    )
    def push(self, account: str, country: str, priority: int, count: int) -> None:
        for _ in range(count):
            self.seq += 1
            one = message(self.seq, account, country, priority)
            assert self.queue.push(one) == (len(self.waiting) < 300)
            if one in self.queue:
                self.lists.setdefault(self.key(one), []).append(one)

    @rule(room=st.dictionaries(st.sampled_from(COUNTRIES), st.integers(0, 40)), back=st.integers(0, 5))
    def serve(self, room: dict[str, int], back: int) -> None:
        available = Counter(one.country for one in self.waiting)
        taken = serve(self.queue, room)
        assert Counter(one.country for one in taken) == {
            country: n for country, count in room.items() if (n := min(count, available[country]))
        }
        for one in taken:
            assert self.lists[self.key(one)].pop(0) is one
        returned = taken[-back:] if back else []
        self.queue.push_front(returned)
        for one in reversed(returned):
            self.lists[self.key(one)].insert(0, one)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), again=st.booleans())
    def remove(self, data: st.DataObject, again: bool) -> None:
        one = data.draw(st.sampled_from(self.waiting))
        assert self.queue.remove(one)
        assert not self.queue.remove(one)
        messages = self.lists[self.key(one)]
        messages.remove(one)
        if again:
            fresh = message(one.seq, one.account, one.country, one.priority)
            assert self.queue.push(fresh)
            messages.append(fresh)

    @invariant()
    def is_alike(self) -> None:
        assert len(self.queue) == len(self.waiting)
        assert self.queue.room == max(300 - len(self.waiting), 0)
        assert self.queue.depth_by_account() == Counter(one.account for one in self.waiting)
        heads = [messages[0] for messages in self.lists.values() if messages]
        assert self.queue.oldest_accepted_at() == min((one.accepted_at for one in heads), default=0)
        for account in "ab":
            of_account = {id(one) for one in self.queue.of_account(account)}
            assert of_account >= {id(one) for one in self.waiting if one.account == account}


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
