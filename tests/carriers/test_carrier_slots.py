"""Time slots: nothing early, nothing lost, order kept."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from smsagg.carriers.slots import TimeSlots


@given(st.lists(st.floats(0, 5), max_size=50), st.lists(st.floats(0, 6), max_size=10))
def test_things_come_out_once_never_early_and_at_most_a_tick_late(dues: list[float], looks: list[float]) -> None:
    """Every look takes exactly what is due, give or take one tick, and after the last everything has come out once."""
    slots: TimeSlots[int] = TimeSlots(tick_s=0.01)
    for number, due in enumerate(dues):
        slots.add(due, number)
    taken: list[int] = []
    for now in [*sorted(looks), 10.0]:
        batch = slots.take_due(now)
        assert all(dues[number] <= now for number in batch)
        taken += batch
        left = set(range(len(dues))) - set(taken)
        assert all(dues[number] > now - 0.0101 for number in left)
        assert len(slots) == len(left)
        assert slots.next_at > now
    assert sorted(taken) == list(range(len(dues)))
    assert slots.next_at == inf


def test_equal_times_keep_their_order() -> None:
    """Things due at one time come out in the order of adding."""
    slots: TimeSlots[int] = TimeSlots()
    for number in range(10):
        slots.add(1.0, number)
    assert slots.take_due(1.1) == list(range(10))
