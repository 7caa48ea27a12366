"""The probe of the event loop."""

import trio
from trio.testing import MockClock

from smsagg.observe.histogram import LAG_BOUNDS_S, Histogram
from smsagg.observe.loop_lag import measure_loop_lag


async def test_a_loop_that_is_on_time_has_no_lag(autojump_clock: MockClock) -> None:
    """Ten probes a second, each in the lowest bucket."""
    lag = Histogram(LAG_BOUNDS_S)
    with trio.move_on_after(10.05):
        await measure_loop_lag(lag)
    assert lag.count == 100
    assert lag.counts[0] == 100


async def test_a_loop_that_was_held_up_has_lag(mock_clock: MockClock) -> None:
    """A probe that wakes half a second late says so."""
    lag = Histogram(LAG_BOUNDS_S)
    async with trio.open_nursery() as nursery:
        await nursery.start(measure_loop_lag, lag)
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(0.6)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert lag.count == 1
    assert 0.49 < lag.total < 0.51
