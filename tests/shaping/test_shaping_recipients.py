"""How much one number may get."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.shaping import RecipientCap


def test_a_number_has_a_burst_and_a_rate() -> None:
    """Three at once, then one each six seconds; others are not concerned, and what is refused is not counted."""
    cap = RecipientCap(10 / 60, 3)
    assert [cap.admits("1", 1_000) for _ in range(5)] == [True, True, True, False, False]
    assert cap.admits("2", 1_000)
    assert not cap.admits("1", 6_900)
    assert cap.admits("1", 7_000)
    assert not cap.admits("1", 7_100)
    assert [cap.admits("1", 60_000) for _ in range(4)] == [True, True, True, False]


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from("123")), max_size=200),
    st.sampled_from([0.1, 1.0, 7.0]),
    st.integers(1, 5),
)
def test_no_span_of_time_has_more_than_burst_and_rate(
    steps: list[tuple[int, str]], rate_per_s: float, burst: int
) -> None:
    """For every number and between any two instants, whatever the generations do; and a quiet number always passes."""
    cap, now = RecipientCap(rate_per_s, burst), 5_000
    passed: dict[str, list[int]] = {"1": [], "2": [], "3": []}
    for pause, number in steps:
        now += pause
        quiet = not passed[number] or now - passed[number][-1] >= 1000 * burst / rate_per_s
        is_admitted = cap.admits(number, now)
        assert is_admitted or not quiet
        if is_admitted:
            passed[number].append(now)
    for instants in passed.values():
        for i, first in enumerate(instants):
            for j in range(i, len(instants)):
                assert j - i + 1 <= burst + rate_per_s * (instants[j] - first) / 1000 + 1e-6


def test_a_clock_set_back_shuts_nobody_out() -> None:
    """Nobody waits until the old time comes again."""
    cap = RecipientCap(1.0, 2)
    assert [cap.admits("1", 100_000) for _ in range(3)] == [True, True, False]
    assert cap.admits("1", 10_000)


def test_memory_is_bounded() -> None:
    """Of more numbers than fit, those that were quiet for the longest are forgotten."""
    cap = RecipientCap(1 / 3600, 1, numbers_max=100)
    for number in range(1_000):
        assert cap.admits(number, number)
        assert len(cap) <= 200
    assert not cap.admits(999, 1_000)
    assert cap.admits(0, 1_000)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4_000)), max_size=40))
def test_what_would_be_admitted_is(steps: list[tuple[str, int]]) -> None:
    """Foreseeing says what counting says, and changes nothing."""
    cap, now = RecipientCap(1.0, 2), 10_000
    for number, passed in steps:
        now += passed
        foreseen = cap.would_admit(number, now)
        assert cap.would_admit(number, now) == foreseen == cap.admits(number, now)


def test_rounding_admits_nobody() -> None:
    """An interval that no float holds exactly is no clock that was set back."""
    cap = RecipientCap(7.0, 1)
    assert [cap.admits("1", 5_000) for _ in range(3)] == [True, False, False]
    assert not cap.would_admit("1", 5_000)
