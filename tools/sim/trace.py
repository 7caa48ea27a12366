"""Everything that happened in a run, in order: its digest tells runs apart, and a message's story is read from it."""

import hashlib
from collections.abc import Iterable

from tools.sim.agenda import Agenda

Event = tuple[float, str, str, str]
"""(instant, who, about what, what happened). About a nonce, a message_id or ``carrier:id``; ``""``: about all."""


class Trace:
    """Grows by one entry an event."""

    def __init__(self, agenda: Agenda) -> None:
        self.events: list[Event] = []
        self._agenda = agenda

    def add(self, who: str, subject: str, what: str) -> None:
        self.events.append((self._agenda.now, who, subject, what))

    def digest(self) -> str:
        """Equal for equal runs, and for no others."""
        sha = hashlib.sha256()
        for event in self.events:
            sha.update(line(event).encode())
            sha.update(b"\n")
        return sha.hexdigest()

    def story(self, subjects: Iterable[str]) -> list[str]:
        """What happened to one message under all its names, and to the world meanwhile."""
        names = {*subjects, ""}
        own = [number for number, event in enumerate(self.events) if event[2] and event[2] in names]
        if not own:
            return []
        return [line(event) for event in self.events[: own[-1] + 1] if event[2] in names]


def line(event: Event) -> str:
    """One event as text."""
    at, who, subject, what = event
    return f"{at:12.6f}  {who:<12} {subject:<20} {what}"
