"""Exploration: a share of the traffic, at least one in a time, and nothing more for the hopeless."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from smsagg.routing.exploration import CREDIT_MAX, Explorer


def drive(explorer: Explorer, scores: dict[int, float], batches: list[tuple[float, int]]) -> Counter[int]:
    """Messages by member, 0 being the best, of batches of (seconds since the last, messages)."""
    went: Counter[int] = Counter()
    now = 0.0
    for elapsed, size in batches:
        now += elapsed
        left = size
        while left:
            index = None
            if explorer.is_due(now):
                index = next(iter(explorer.candidates([1, 2], scores.__getitem__, scores[0], now)), None)
            if index is None:
                explorer.sent(left)
                went[0] += left
                break
            count = min(left, explorer.quota(scores[index], scores[0]))
            explorer.explored(index, count, now)
            went[index] += count
            left -= count
    return went


def test_a_share_goes_to_the_others_in_turn() -> None:
    """About a hundredth."""
    went = drive(Explorer(0.01, 3_600, 0.0), {0: 0.9, 1: 0.8, 2: 0.7}, [(0.1, 20)] * 1_000)
    assert 180 <= went[1] + went[2] <= 210
    assert abs(went[1] - went[2]) <= 10


def test_at_least_one_in_a_time() -> None:
    """Of a country with little traffic."""
    went = drive(Explorer(0.01, 60, 0.0), {0: 0.9, 1: 0.8, 2: 0.7}, [(30, 1)] * 100)
    assert 48 <= went[1] + went[2] <= 51


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 10), st.integers(1, 500)), max_size=200))
def test_the_hopeless_get_one_in_a_time_and_no_more(batches: list[tuple[float, int]]) -> None:
    """However much traffic there is."""
    went = drive(Explorer(0.05, 60, 0.0), {0: 0.9, 1: 0.1, 2: 0.0}, batches)
    assert went[1] + went[2] <= sum(elapsed for elapsed, _ in batches) / 60 + 1


def test_what_is_explored_at_once_is_bounded() -> None:
    """Though nobody could be explored for long."""
    explorer = Explorer(0.5, 60, 0.0)
    explorer.sent(1_000_000)
    assert explorer.quota(0.9, 0.9) == CREDIT_MAX


def test_a_share_of_nothing_explores_nothing() -> None:
    """Not even in time."""
    assert not Explorer(0.0, 60, 0.0).is_due(1e9)
