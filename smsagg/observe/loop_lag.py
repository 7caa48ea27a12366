"""Measures how late the event loop wakes a sleeper: the delay that every session feels."""

import trio

from smsagg.observe.histogram import Histogram

INTERVAL_S = 0.1


async def measure_loop_lag(
    lag: Histogram,
    interval_s: float = INTERVAL_S,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Until cancelled, sleep ``interval_s`` and observe in ``lag`` by how many seconds it was more."""
    task_status.started()
    asleep_at = trio.current_time()
    while True:
        await trio.sleep_until(asleep_at + interval_s)
        awake_at = trio.current_time()
        lag.observe(max(awake_at - asleep_at - interval_s, 0.0))
        asleep_at = awake_at
