"""What is seen of carriers: counts, latencies, and what is missing."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.routing.experience import BIN_FIRST_MS, BINS, SLOT_MS, SLOTS_MAX, Cell, Experience, bin_of, bin_upper_ms

NOW = 1_700_000_000_000


@given(st.integers(-10, 10**11))
def test_a_latency_lies_below_the_upper_bound_of_its_bin_and_not_below_the_one_before(latency_ms: int) -> None:
    """But for the last bin, which has no end."""
    index = bin_of(latency_ms)
    assert 0 <= index < BINS
    if index < BINS - 1:
        assert latency_ms < bin_upper_ms(index)
    if index:
        assert latency_ms >= bin_upper_ms(index - 1)


def test_the_first_bin_holds_what_comes_at_once() -> None:
    """Including what a clock that was set back makes negative."""
    assert bin_of(-5) == bin_of(0) == bin_of(BIN_FIRST_MS - 1) == 0
    assert bin_of(BIN_FIRST_MS) == 1


def test_what_is_not_reported_in_time_is_overdue_once() -> None:
    """A later report counts as late."""
    cell = Cell()
    for _ in range(3):
        cell.took(NOW)
    cell.took(NOW + 10_000)
    cell.reported(True, NOW, NOW + 3_000)
    assert cell.awaited == 3
    assert cell.take_overdue(NOW + 5_000) == 2
    assert cell.take_overdue(NOW + 5_000) == 0
    assert (cell.awaited, cell.late) == (1, 0)
    cell.reported(False, NOW, NOW + 60_000)
    assert (cell.delivered, cell.failed, cell.late) == (1, 1, 1)


def test_a_report_of_a_message_from_before_the_start_is_not_late() -> None:
    """Nobody waited for it here."""
    cell = Cell()
    cell.took(NOW)
    cell.reported(True, NOW - 10 * SLOT_MS, NOW)
    cell.reported(True, 0, NOW)
    assert (cell.delivered, cell.late, cell.awaited) == (2, 0, 1)


def test_slots_are_bounded() -> None:
    """The oldest is over first."""
    cell = Cell()
    for slot in range(SLOTS_MAX + 50):
        cell.took(NOW + slot * SLOT_MS)
    assert cell.awaited == SLOTS_MAX


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), max_size=60))
def test_awaited_overdue_and_reported_add_up(messages: list[tuple[int, int, bool]]) -> None:
    """Every message is awaited, overdue or reported, and those that came late are both of the latter."""
    cell = Cell()
    events = sorted(
        [(taken, 0, taken, True) for taken, _, _ in messages]
        + [(taken + after, 1, taken, good) for taken, after, good in messages if after < 30],
    )
    overdue = 0
    for second, kind, taken, good in events:
        overdue += cell.take_overdue(NOW + (second - 10) * 1000)
        if kind == 0:
            cell.took(NOW + second * 1000)
        else:
            cell.reported(good, NOW + taken * 1000, NOW + second * 1000)
    reported = cell.delivered + cell.failed
    assert cell.accepted == len(messages)
    assert cell.awaited + overdue + reported - cell.late == len(messages)


def test_feedback_is_counted() -> None:
    """For each carrier and country."""
    experience = Experience()
    experience.on_feedback("alpha", "GB", True, 3)
    experience.on_feedback("alpha", "GB", False)
    cell = experience.cell("alpha", "GB")
    assert (cell.asked, cell.converted) == (4, 3)
