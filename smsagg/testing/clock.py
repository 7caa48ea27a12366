"""Both clocks of a test, driven by the virtual time of ``trio.testing.MockClock``; wall time can be set apart."""

import trio

EPOCH_MS = 1_800_000_000_000
"""Wall time when the virtual clock shows 0: 2027-01-15T08:00:00Z."""


class FakeClock:
    """A :class:`smsagg.clock.Clock`. Monotonic time is trio's; wall time is trio's plus an offset that may jump."""

    def __init__(self, epoch_ms: int = EPOCH_MS) -> None:
        self._offset_ms = epoch_ms

    def now_ms(self) -> int:
        return self._offset_ms + round(trio.current_time() * 1000)

    def monotonic_s(self) -> float:
        return trio.current_time()

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or, with a negative number, back; monotonic time knows nothing of it."""
        self._offset_ms += round(seconds * 1000)
