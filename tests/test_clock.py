"""The wall clock that the engine is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg import clock
from smsagg.clock import CATCH_UP_PACE, SystemClock


class SetClocks:
    """Stands for the module ``time``: both clocks, set by the test."""

    def __init__(self) -> None:
        self.wall_s = 1_800_000_000.0
        self.monotonic_s = 50.0

    def time_ns(self) -> int:
        return round(self.wall_s * 1e9)

    def monotonic(self) -> float:
        return self.monotonic_s

    def pass_by(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> SetClocks:
    clocks = SetClocks()
    monkeypatch.setattr(clock, "time", clocks)
    return clocks


def test_tells_the_wall_clock(clocks: SetClocks) -> None:
    """Without jumps the told time is the system's, to the millisecond."""
    told = SystemClock()
    for _ in range(100):
        assert told.now_ms() == int(clocks.wall_s * 1000)
        clocks.pass_by(0.137)


def test_follows_a_clock_set_forward_at_once(clocks: SetClocks) -> None:
    """What a jump forward says is over is over."""
    told = SystemClock()
    told.now_ms()
    clocks.wall_s += 3_600.0
    assert told.now_ms() == int(clocks.wall_s * 1000)


def test_waits_for_a_clock_set_back(clocks: SetClocks) -> None:
    """A second that something waits for takes little more than a second, also while the system's clock is behind; and
    in the end both are the same again."""
    told = SystemClock()
    before = told.now_ms()
    clocks.wall_s -= 3_600.0
    assert before <= told.now_ms() <= before + 1
    clocks.pass_by(1.0)
    assert told.now_ms() == pytest.approx(before + 1_000 * CATCH_UP_PACE, abs=1)
    clocks.pass_by(3_600.0 / (1 - CATCH_UP_PACE))
    assert told.now_ms() == int(clocks.wall_s * 1000)


jumps = st.floats(-1e6, 1e6) | st.just(0.0)


@given(st.lists(st.tuples(st.floats(0, 1e5), jumps), max_size=30))
def test_never_runs_back_nor_slow(turns: list[tuple[float, float]]) -> None:
    """Whatever the system's clock does, the told one goes forward, at nine tenths of real time at least, and is never
    behind the system's."""
    clocks = SetClocks()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(clock, "time", clocks)
        told = SystemClock()
        then = told.now_ms()
        for seconds, jump in turns:
            clocks.pass_by(seconds)
            clocks.wall_s += jump
            now = told.now_ms()
            assert now >= then + int(seconds * 1000 * CATCH_UP_PACE) - 1
            assert now >= int(clocks.wall_s * 1000)
            then = now
