"""To which message a submitted part belongs, and the references of those that we cut."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.model import PartGroup, PartReceipts
from smsagg.queueing import OpenGroups, References


def make_group(reference: int = 7, total: int = 3, closes_at: int = 100, source: str = "ACME") -> PartGroup:
    return PartGroup(0, "", "acme", source, "4479", reference, total, False, PartReceipts.ALL, 1, b"", 0, closes_at, 0)


KEY = ("acme", "ACME", "4479", 7, 3)


def test_a_part_belongs_to_the_group_with_its_key() -> None:
    """Account, source, destination, reference and total: each of them matters."""
    open_groups, group = OpenGroups(10), make_group()
    open_groups.add(group)
    assert open_groups.find(KEY, 1, 50) is group
    for place, other in enumerate(["other", "other", "other", 8, 4]):
        assert open_groups.find((*KEY[:place], other, *KEY[place + 1 :]), 1, 50) is None  # type: ignore[arg-type]


def test_a_number_that_came_already_begins_anew() -> None:
    """The customer uses its reference again; a part that was refused did not come and may be sent again."""
    open_groups, first, second = OpenGroups(10), make_group(), make_group()
    open_groups.add(first)
    open_groups.came(first, 1)
    assert open_groups.find(KEY, 2, 50) is first
    assert open_groups.find(KEY, 1, 50) is None
    open_groups.add(second)
    assert open_groups.find(KEY, 2, 50) is second
    open_groups.came(first, 2)
    assert open_groups.find(KEY, 2, 50) is second


def test_a_part_on_its_way_counts_until_it_is_refused() -> None:
    """Two with one number are never of one message, however fast they come; and what was refused may come again."""
    open_groups, group = OpenGroups(10), make_group()
    open_groups.add(group)
    open_groups.comes(group, 1)
    assert open_groups.find(KEY, 1, 50) is None
    open_groups.is_refused(group, 1)
    assert open_groups.find(KEY, 1, 50) is group
    for number in (1, 2, 3):
        open_groups.comes(group, number)
    assert len(open_groups) == 1
    for number in (1, 2, 3):
        open_groups.came(group, number)
    assert len(open_groups) == 0


def test_groups_close_and_are_forgotten() -> None:
    """After their time, when all parts came, and the oldest of too many."""
    open_groups = OpenGroups(2)
    early, late = make_group(1, closes_at=100), make_group(2, closes_at=200)
    open_groups.add(early)
    open_groups.add(late)
    assert open_groups.find((*KEY[:3], 1, 3), 1, 100) is early
    assert open_groups.find((*KEY[:3], 1, 3), 1, 101) is None
    assert len(open_groups) == 1
    for number in (3, 1, 2):
        open_groups.came(late, number)
    assert len(open_groups) == 0
    groups = [make_group(reference, closes_at=300) for reference in (4, 5, 6)]
    open_groups = OpenGroups(2, groups)
    assert open_groups.find((*KEY[:3], 4, 3), 1, 0) is None
    assert open_groups.find((*KEY[:3], 5, 3), 1, 0) is groups[1]
    assert open_groups.find((*KEY[:3], 6, 3), 1, 0) is groups[2]


def test_numbers_of_an_earlier_life_are_known() -> None:
    """A part that is submitted again after a restart begins a message; the others still complete theirs."""
    group = make_group()
    group.note_part(1)
    open_groups = OpenGroups(10, [group])
    assert open_groups.find(KEY, 1, 50) is None
    assert open_groups.find(KEY, 2, 50) is group
    open_groups.came(group, 2)
    open_groups.came(group, 3)
    assert len(open_groups) == 0


@given(st.integers(0, 0xFFFF), st.integers(2, 300))
def test_the_same_two_do_not_meet_a_reference_again_soon(first: int, count: int) -> None:
    """Not for 256 messages in 8 bits, whatever others send meanwhile."""
    references = References(10, first)
    taken = []
    for n in range(count):
        taken.append(references.take("ACME", "4479"))
        references.take("ACME", f"other{n % 7}")
    assert all(0 <= reference <= 0xFFFF for reference in taken)
    latest = [reference & 0xFF for reference in taken[-256:]]
    assert len(set(latest)) == len(latest)


def test_quiet_pairs_are_forgotten() -> None:
    """The memory is bounded, and a pair that was forgotten does not begin where it began."""
    references = References(2, 5)
    first = references.take("A", "1")
    references.take("A", "2")
    references.take("A", "3")
    assert references.take("A", "1") != first
