"""How much room the file system of the database has left."""

import os
from collections.abc import Callable

FreeOctets = Callable[[str], int]

CHECK_INTERVAL_S = 0.25
"""How old an answer may be; at 100 MB/s of writes that is 25 MB, well under any sensible ``free_octets_min``."""


def free_octets(directory: str) -> int:
    """Octets that an unprivileged process may still write in the file system of ``directory``."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


class FreeSpace:
    """Remembers for a moment whether space is low; times are monotonic seconds."""

    def __init__(self, directory: str, octets_min: int, measure: FreeOctets = free_octets) -> None:
        self._directory = directory
        self._octets_min = octets_min
        self._measure = measure
        self._checked_at = float("-inf")
        self._low = False

    def is_low(self, now: float) -> bool:
        """Whether less than the minimum is free, by a look at most ``CHECK_INTERVAL_S`` old.

        A low answer is looked at again every time, so that the store takes messages as soon as there is room. A file
        system that cannot even say how full it is counts as full.
        """
        if self._low or now - self._checked_at >= CHECK_INTERVAL_S:
            self._low = self._is_low()
            self._checked_at = now
        return self._low

    def _is_low(self) -> bool:
        try:
            return self._measure(self._directory) < self._octets_min
        except OSError:
            return True
