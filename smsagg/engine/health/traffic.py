"""How much went by which carrier to which country lately, and how long it waited: what a drill is measured against.

A look is kept each :data:`LOOK_S` for :data:`KEPT_S`. The wait is sampled: one message of each hand-over.
"""

from collections import deque
from collections.abc import Mapping

from attrs import define

from smsagg.model import Message
from smsagg.routing.experience import Experience, Key

LOOK_S = 30.0
KEPT_S = 600.0


@define(frozen=True)
class Look:
    """What was counted up to an instant (monotonic seconds)."""

    at: float
    taken: Mapping[Key, int]
    """Messages that carriers took, by carrier and country."""
    waits: Mapping[str, tuple[int, int]]
    """By country: samples, and the milliseconds that they waited in all."""


class Traffic:
    """Memory: a number for each carrier and country, and for each country, in each look."""

    def __init__(self, experience: Experience) -> None:
        self._experience = experience
        self._waits: dict[str, tuple[int, int]] = {}
        self._looks: deque[Look] = deque()

    def on_sent(self, message: Message, now_ms: int) -> None:
        """``message`` is the first of those handed over; the wait of one that was tried before tells nothing."""
        if not message.attempts:
            samples, waited_ms = self._waits.get(message.country, (0, 0))
            self._waits[message.country] = samples + 1, waited_ms + max(now_ms - message.not_before, 0)

    def look(self, now: float) -> Look:
        """What was counted up to ``now``."""
        return Look(now, {key: cell.accepted for key, cell in self._experience.cells.items()}, dict(self._waits))

    def keep_look(self, now: float) -> None:
        """To be called often; keeps a look when it is time."""
        looks = self._looks
        if not looks or now - looks[-1].at >= LOOK_S:
            looks.append(self.look(now))
            while looks[0].at < now - KEPT_S:
                looks.popleft()

    def oldest(self) -> Look | None:
        """The oldest look kept."""
        return self._looks[0] if self._looks else None
