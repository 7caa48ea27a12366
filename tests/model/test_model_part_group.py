"""The state of a long message as the sum of its parts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.model import FINAL_STATES, MessageState, PartGroup, PartReceipts
from smsagg.model.part_group import SEVERITY

ENDS = st.permutations(range(1, 6)).flatmap(
    lambda order: st.tuples(st.just(order), st.lists(st.sampled_from(sorted(FINAL_STATES)), min_size=5, max_size=5))
)


def make_group(receipts: PartReceipts = PartReceipts.WORST, total: int = 5) -> PartGroup:
    return PartGroup(7, "id", "acme", "A", "44", 1, total, True, receipts, 1, b"", 10, 20, total)


def test_every_final_state_has_its_place() -> None:
    """And none twice."""
    assert set(SEVERITY) == FINAL_STATES | {MessageState.QUEUED}
    assert len(SEVERITY) == len(set(SEVERITY))


@given(ENDS)
def test_the_worst_state_wins_whatever_the_order(ends: tuple[list[int], list[MessageState]]) -> None:
    """Delivered only if all parts were; over when the last has ended and not before."""
    order, states = ends
    group = make_group()
    for place, number in enumerate(order, 1):
        tells = group.end_part(number, states[number - 1], number, 100 + place)
        assert group.is_over == tells == (place == 5)
    assert group.state == max(states, key=SEVERITY.index)
    assert states[group.error_code - 1] == group.state
    assert (group.state is MessageState.DELIVERED) == (set(states) == {MessageState.DELIVERED})
    assert group.done_at == 105
    assert group.gone == {1, 2, 3, 4, 5}


@given(ENDS, st.sampled_from([PartReceipts.FIRST, PartReceipts.LAST, PartReceipts.ALL]))
def test_a_part_tells_by_the_policy(ends: tuple[list[int], list[MessageState]], receipts: PartReceipts) -> None:
    """First and last speak once, at once, whichever order the parts end in; with all each speaks."""
    group = make_group(receipts)
    told = []
    for number in ends[0]:
        told += [number] if group.end_part(number, MessageState.DELIVERED, 0, 100) else []
    expected = {PartReceipts.FIRST: [1], PartReceipts.LAST: [5], PartReceipts.ALL: ends[0]}
    assert told == list(expected[receipts])


def test_parts_are_noted_as_far_as_the_store_can() -> None:
    """62 of them by number, all of them by count."""
    group = make_group(total=255)
    group.received = 0
    for number in (1, 62, 63, 255):
        group.note_part(number)
    assert group.received == 4
    assert group.numbers == 1 << 1 | 1 << 62
    assert group.numbers < 1 << 63


def test_a_part_too_many_tells_nothing() -> None:
    """The whole has ended once."""
    group = make_group(total=2)
    ends = [group.end_part(number, MessageState.DELIVERED, 0, 100 + number) for number in (1, 2, 2)]
    assert ends == [False, True, False]
    assert group.done_at == 102


@pytest.mark.parametrize(
    ("receipts", "notified"),
    [
        (PartReceipts.ALL, [1, 2, 3]),
        (PartReceipts.FIRST, [1]),
        (PartReceipts.LAST, [3]),
        (PartReceipts.WORST, [1]),
    ],
)
def test_notifications_follow_the_policy(receipts: PartReceipts, notified: list[int]) -> None:
    """One part speaks for all, unless all do."""
    group = make_group(receipts, 3)
    assert [number for number in (1, 2, 3) if group.notifies_of(number)] == notified


def test_severities_are_strict() -> None:
    """A state is replaced by a worse one only."""
    for better, worse in pairwise(SEVERITY[1:]):
        group = make_group(total=3)
        group.end_part(1, worse, 1, 1)
        group.end_part(2, better, 2, 2)
        group.end_part(3, worse, 3, 3)
        assert (group.state, group.error_code) == (worse, 1)
