"""Parts that wait for their siblings: who goes with whom, when, and who waits for nobody."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from queued_messages import message

from smsagg.model import Message, PartGroup, PartReceipts
from smsagg.queueing import Assembly


def make_group(group_seq: int, total: int) -> PartGroup:
    return PartGroup(group_seq, "", "acme", "", "", 1, total, False, PartReceipts.ALL, 1, b"", 0, 0, 0)


def make_part(seq: int, group: PartGroup, number: int, pool: str = "gb") -> Message:
    part = message(seq)
    part.group, part.group_seq, part.part_number, part.pool = group, group.group_seq, number, pool
    return part


def make_parts(total: int, group_seq: int = 1) -> list[Message]:
    group = make_group(group_seq, total)
    return [make_part(group_seq + n, group, n + 1) for n in range(total)]


@given(st.permutations(range(5)))
def test_the_last_to_come_takes_all_with_it_in_order(order: list[int]) -> None:
    """Whatever the order in which they come."""
    parts, assembly = make_parts(5), Assembly(2.0, 100)
    released = [assembly.add(parts[n], 0.0) for n in order]
    assert released == [None] * 4 + [parts]
    assert len(assembly) == 0
    assert assembly.next_due_at() == inf


def test_nobody_waits_longer_than_the_first_of_them_may() -> None:
    """The wait begins with the first part and is not begun again by the others; the earliest goes first."""
    first, second = make_parts(3, 10), make_parts(3, 20)
    assembly = Assembly(2.0, 100)
    assembly.add(first[1], 0.0)
    assembly.add(second[0], 0.5)
    assembly.add(first[0], 1.9)
    assert assembly.next_due_at() == 2.0
    assert assembly.take_due(1.99) == []
    assert assembly.take_due(2.0) == [[first[0], first[1]]]
    assert assembly.next_due_at() == 2.5
    assert assembly.take_due(9.0) == [[second[0]]]


def test_who_is_with_a_carrier_or_over_is_not_waited_for() -> None:
    """As far as memory knows which, or the store knows how many."""
    parts, assembly = make_parts(3), Assembly(2.0, 100)
    group = parts[0].group
    assert group is not None
    group.gone = {1, 2}
    assert assembly.add(parts[2], 0.0) == [parts[2]]
    group.gone, group.ended = {2}, 2
    assert assembly.add(parts[2], 0.0) == [parts[2]]
    group.gone, group.ended = {3}, 0
    assert assembly.add(parts[2], 0.0) is None


def test_nobody_waits_in_a_full_room() -> None:
    """Beyond the bound a part goes with those of its message that are here."""
    first, second = make_parts(3, 10), make_parts(3, 20)
    assembly = Assembly(2.0, 2)
    assert assembly.add(first[0], 0.0) is None
    assert assembly.add(second[0], 0.0) is None
    assert assembly.add(second[1], 0.0) == [second[0], second[1]]
    assert len(assembly) == 1


def test_parts_of_different_pools_do_not_wait_for_each_other() -> None:
    """They could not go together; each goes when its time is up."""
    group = make_group(1, 2)
    assembly = Assembly(2.0, 100)
    one, other = make_part(1, group, 1, "gb"), make_part(2, group, 2, "de")
    assert assembly.add(one, 0.0) is None
    assert assembly.add(other, 0.0) is None
    assert assembly.take_due(2.0) == [[one], [other]]


def test_removing() -> None:
    """A removed part holds nobody back and is not released; who is not here cannot be removed."""
    parts, assembly = make_parts(3), Assembly(2.0, 100)
    assembly.add(parts[0], 0.0)
    assembly.add(parts[1], 0.0)
    assert assembly.remove(parts[0])
    assert not assembly.remove(parts[0])
    assert not assembly.remove(parts[2])
    assert parts[1] in assembly
    assert parts[0] not in assembly
    assert assembly.add(parts[2], 0.0) is None
    assert assembly.take_due(2.0) == [[parts[1], parts[2]]]


class AssemblyAgainstModel(RuleBasedStateMachine):
    """The waiting room against a plain list of who waits since when."""

    def __init__(self) -> None:
        super().__init__()
        self.assembly = Assembly(2.0, 6)
        self.parts = [make_parts(total, 10 * total) for total in (2, 3, 4)]
        self.waiting: list[tuple[float, Message]] = []
        self.now = 0.0

    def _leaves(self, bundle: list[Message]) -> None:
        (group_seq,) = {part.group_seq for part in bundle}
        here = [part for _, part in self.waiting if part.group_seq == group_seq]
        assert bundle == sorted(here, key=lambda part: part.part_number)
        self.waiting = [(at, part) for at, part in self.waiting if part.group_seq != group_seq]

    @rule(group=st.integers(0, 2), number=st.integers(0, 3))
    def add(self, group: int, number: int) -> None:
        parts = self.parts[group]
        part = parts[number % len(parts)]
        if part in self.assembly:
            return
        since = min((at for at, other in self.waiting if other.group_seq == part.group_seq), default=self.now)
        self.waiting.append((since, part))
        assert part.group is not None
        numbers = {other.part_number for _, other in self.waiting if other.group_seq == part.group_seq}
        goes = len(numbers | part.group.gone) == len(parts) or len(self.waiting) > 6
        bundle = self.assembly.add(part, self.now)
        assert (bundle is not None) == goes
        if bundle is not None:
            self._leaves(bundle)

    @rule(group=st.integers(0, 2), gone=st.sets(st.integers(1, 4)))
    def send(self, group: int, gone: set[int]) -> None:
        shared = self.parts[group][0].group
        assert shared is not None
        shared.gone = {number for number in gone if number <= shared.parts_total}

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        at, part = data.draw(st.sampled_from(self.waiting))
        assert self.assembly.remove(part)
        self.waiting.remove((at, part))

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for bundle in self.assembly.take_due(self.now):
            self._leaves(bundle)
        assert all(at + 2.0 > self.now for at, _ in self.waiting)

    @invariant()
    def counts(self) -> None:
        assert len(self.assembly) == len(self.waiting) <= 6
        assert self.assembly.next_due_at() == min((at + 2.0 for at, _ in self.waiting), default=inf)


TestAssemblyAgainstModel = AssemblyAgainstModel.TestCase
