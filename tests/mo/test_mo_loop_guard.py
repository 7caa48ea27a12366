"""Two numbers of ours that answer each other."""

from smsagg.mo.loop_guard import LoopGuard


def test_a_pair_has_so_many_messages_a_window() -> None:
    """Each direction and each pair for itself; the next window begins with the next message after it."""
    guard = LoopGuard(2, 1_000)
    assert [guard.admits("1", "2", 0) for _ in range(3)] == [True, True, False]
    assert guard.admits("2", "1", 0)
    assert not guard.admits("1", "2", 999)
    assert [guard.admits("1", "2", 1_000) for _ in range(3)] == [True, True, False]


def test_a_clock_set_back_begins_a_new_window() -> None:
    """Nobody is shut out until the old time comes again."""
    guard = LoopGuard(1, 1_000)
    assert guard.admits("1", "2", 10_000)
    assert guard.admits("1", "2", 5_000)


def test_pairs_are_bounded() -> None:
    """The one whose window began first is forgotten first."""
    guard = LoopGuard(1, 1_000, pairs_max=2)
    assert [guard.admits(source, "9", 0) for source in "123"] == [True] * 3
    assert len(guard) == 2
    assert guard.admits("1", "9", 0)
    assert not guard.admits("3", "9", 0)


def test_other_limits_hold_for_windows_that_have_begun() -> None:
    """Fewer messages, and a longer window."""
    guard = LoopGuard(5, 1_000)
    assert [guard.admits("1", "2", 0) for _ in range(3)] == [True] * 3
    guard.set_limits(3, 5_000)
    assert not guard.admits("1", "2", 2_000)
    assert guard.admits("1", "2", 5_000)
