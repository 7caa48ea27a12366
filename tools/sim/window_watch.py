"""Counts, from a peer's side, how many requests the gateway had outstanding when it wrote one (S16)."""

from math import inf

from attrs import define

from tools.sim.network import Written


@define(eq=False)
class Place:
    """One request's place in the gateway's window."""

    taken_at: float
    freed_at: float = inf
    """When the gateway read the response."""


class WindowWatch:
    """One session's requests of one kind."""

    def __init__(self, window_max: int, response_timeout_s: float) -> None:
        self._window_max = window_max
        self._response_timeout_s = response_timeout_s
        self._places: list[Place] = []

    def take(self, written: Written) -> Place:
        """A request has arrived that came with this write."""
        place = Place(written.taken_at)
        self._places = [other for other in self._places if self._is_outstanding(other, place.taken_at)]
        self._places.append(place)
        return place

    def exceeded_by(self, place: Place) -> bool:
        """Whether it was one too many when it was written; places that time out are free again."""
        at = place.taken_at
        return sum(self._is_outstanding(other, at) for other in self._places) > self._window_max

    def _is_outstanding(self, place: Place, at: float) -> bool:
        return place.freed_at > at and place.taken_at + self._response_timeout_s > at
