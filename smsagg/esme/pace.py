"""How much of the loop's time the front door may use, so that what was taken is also sent.

Theory of operation. Reading, judging and answering a submit_sm is a fifth of what its whole life costs. A flood could
therefore keep the loop busy with taking and refusing, and nothing that was taken would get on: with 40 sessions sending
as fast as they could, a fifth of the normal number of messages was finished. So the front door has a *share* of the
loop's time: half of it, which is more than it needs for anything that can go on, so that a loop's turn stays short
however many sessions are readable; and less when the loop wakes late *and* more comes in than goes on: messages pile
up, or are refused. The later the loop and the longer the pile, the smaller the share, down to ``SHARE_MIN``: in a
lasting flood both settle where as much is taken as goes on. A loop that is merely busy holds nobody back, nor does a
long queue.

The time that the submits of a read took is charged to their account, stretched by 1 / share and by the number of
accounts that are behind. Until that is paid the session reads nothing more: its submits wait in its socket, where they
cost nothing, and TCP tells its ESME to slow down. Each session has its own instant in the account's queue, so that
those of one account take turns; an account that asks for less than its part is never behind and never waits.

Memory is one number for each account that is behind. Instants are monotonic seconds; where serving takes no time (a
test's clock) nobody is held back.
"""

from collections.abc import Callable

import trio

SHARE_MAX, SHARE_MIN = 0.5, 0.12
LAG_FREE_S, LAG_FULL_S = 0.002, 0.008
BACKLOG_FREE, BACKLOG_FULL = 5_000, 15_000
"""Up to the first the share is whole, from the second on it is least. 5,000 are a quarter of a second's work."""
INTERVAL_S = 0.05
LAG_RISES, LAG_FALLS = 0.3, 0.02
"""Weight of the latest lag: what slows the front door makes the lag smaller at once, and must not end by that."""
BURST_S = 0.02
"""An account may be behind by so much before its sessions wait."""
PAUSE_S_MAX = 1.0
"""A session waits no longer at a time: responses of its peer may stand behind the submits."""


class Pace:
    """Of all sessions."""

    def __init__(self) -> None:
        self.share = SHARE_MAX
        self._lag_s = 0.0
        self._refused = 0
        self._behind: dict[str, float] = {}
        """When each account that is behind has paid."""

    async def run(self, backlog: Callable[[], int]) -> None:
        """Look after the loop's lag until cancelled; ``backlog`` tells how many messages wait for a carrier."""
        due_at = trio.current_time() + INTERVAL_S
        while True:
            await trio.sleep_until(due_at)
            now = trio.current_time()
            self.adapt(now - due_at, backlog())
            due_at = now + INTERVAL_S

    @property
    def load(self) -> float:
        """How near the front door is to taking no more than can go on: 0 (its share is whole) to 1 (it is least)."""
        return (SHARE_MAX - self.share) / (SHARE_MAX - SHARE_MIN)

    def note_refused(self, count: int) -> None:
        """So many submits exceeded a limit."""
        self._refused += count

    def adapt(self, lag_s: float, backlog: int) -> None:
        """To be told often how late the loop woke, and how many messages wait for a carrier."""
        self._lag_s += (lag_s - self._lag_s) * (LAG_RISES if lag_s > self._lag_s else LAG_FALLS)
        pressure = 1.0 if self._refused else _part(backlog, BACKLOG_FREE, BACKLOG_FULL)
        self._refused = 0
        pressure *= _part(self._lag_s, LAG_FREE_S, LAG_FULL_S)
        self.share = SHARE_MAX * (SHARE_MIN / SHARE_MAX) ** pressure

    def charge(self, account: str, began_at: float, ended_at: float) -> float:
        """Submits of ``account`` were served in that time; when their session may read again, at once if not later."""
        behind = self._behind
        paid_at = behind.get(account)
        if paid_at is None or len(behind) > 1:
            for name in [name for name, at in behind.items() if at <= ended_at]:
                del behind[name]
        stretch = (len(behind) + (account not in behind)) / self.share
        paid_at = max(behind.get(account, began_at), began_at) + (ended_at - began_at) * stretch
        if paid_at <= ended_at:
            behind.pop(account, None)
            return ended_at
        behind[account] = paid_at = min(paid_at, ended_at + PAUSE_S_MAX)
        return max(paid_at - BURST_S, ended_at)


def _part(value: float, none: float, whole: float) -> float:
    """How far ``value`` is on the way from ``none`` (0) to ``whole`` (1)."""
    return min(max((value - none) / (whole - none), 0.0), 1.0)
