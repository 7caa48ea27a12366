"""How the front door is held back: only in a flood, account by account, and never for long."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from smsagg.esme.pace import BACKLOG_FREE, BACKLOG_FULL, PAUSE_S_MAX, SHARE_MAX, SHARE_MIN, Pace

LATE_S = 0.1


def pressed(backlog: int = BACKLOG_FULL) -> Pace:
    """A pace after a second of a late loop and a long queue."""
    pace = Pace()
    for _ in range(20):
        pace.adapt(LATE_S, backlog)
    return pace


def test_a_busy_loop_alone_holds_nobody_back() -> None:
    """Late, but what comes in goes on."""
    assert pressed(BACKLOG_FREE).share == SHARE_MAX


def test_a_long_queue_alone_holds_nobody_back() -> None:
    """A million wait for a slow carrier, and the loop has time."""
    pace = Pace()
    for _ in range(20):
        pace.adapt(0.0005, 1_000_000)
    assert pace.share == SHARE_MAX


def test_a_late_loop_and_a_growing_queue_do() -> None:
    """The longer the queue the less, down to the least."""
    shares = [pressed(backlog).share for backlog in range(BACKLOG_FREE, BACKLOG_FULL + 1, 1_000)]
    assert shares == sorted(shares, reverse=True)
    assert (shares[0], shares[-1]) == (SHARE_MAX, pytest.approx(SHARE_MIN))


def test_refusals_count_as_a_queue() -> None:
    """What exceeds a limit is refused, and refusing costs time too."""
    pace = pressed(0)
    pace.note_refused(1)
    pace.adapt(LATE_S, 0)
    assert pace.share == pytest.approx(SHARE_MIN)
    pace.adapt(LATE_S, 0)
    assert pace.share == SHARE_MAX


def test_it_is_over_when_the_queue_is() -> None:
    """However late the loop was."""
    pace = pressed()
    pace.adapt(LATE_S, 0)
    assert pace.share == SHARE_MAX


def test_a_flood_uses_its_share_of_the_time_and_no_more() -> None:
    """Many sessions of one account, each served half a millisecond at a time."""
    pace, now, used_s = pressed(), 100.0, 0.0
    resume_at = [now] * 40
    while now < 110.0:
        session = min(range(40), key=resume_at.__getitem__)
        now = max(now, resume_at[session])
        now, began_at = now + 0.0005, now
        used_s += 0.0005
        resume_at[session] = pace.charge("acme", began_at, now)
    assert used_s / 10.0 == pytest.approx(SHARE_MIN, rel=0.25)


def test_a_modest_account_does_not_wait_beside_a_flood() -> None:
    """It asks for less than its part."""
    pace, now = pressed(), 100.0
    for _ in range(200):
        for _ in range(40):
            pace.charge("flood", now - 0.004, now)
        assert pace.charge("small", now - 0.0001, now) == now
        now += 0.05


@given(
    charges=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), st.floats(0, 0.5), st.floats(0, 2)), min_size=1, max_size=100
    ),
    backlog=st.integers(0, 2 * BACKLOG_FULL),
)
def test_nobody_waits_longer_than_the_bound(charges: list[tuple[str, float, float]], backlog: int) -> None:
    """And who paid is forgotten."""
    pace, now = pressed(backlog), 50.0
    for account, took_s, later_s in charges:
        now, began_at = now + took_s, now
        resume_at = pace.charge(account, began_at, now)
        assert now <= resume_at <= now + PAUSE_S_MAX
        now += later_s
    pace.charge("last", now + 10, now + 10)
    assert not pace._behind


async def test_the_lag_is_measured(autojump_clock: trio.testing.MockClock) -> None:
    """On a loop that wakes in time nothing is held back, whatever waits."""
    pace = Pace()
    with trio.move_on_after(5):
        await pace.run(lambda: 1_000_000)
    assert pace.share == SHARE_MAX
