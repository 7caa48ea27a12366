"""What happened to one message, from its own records: whoever asks needs not have followed it.

::

    accepted ─▶ queued ─▶ [held] ─▶ attempt … attempt ─▶ sent ─▶ delivered | failed | expired | cancelled

What is not over has no end yet. Attempts are those of the trail, of a message that was cut each part's; of which
carriers there were, and what they cost, nothing is said. What was noted when it happened has the id and the instant
under which it is told elsewhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from smsagg.config.event_kinds import ACCEPTED, ATTEMPT, HELD, QUEUED, SENT
from smsagg.events.kinds import WORDS, kind_of
from smsagg.model import Cause, Event, Message, MessageState
from smsagg.model.trail import read_trail

TAKEN = "accepted"
"""What the outcome of an attempt begins with that a carrier took."""


class Happening(NamedTuple):
    """One thing that happened."""

    kind: str
    at: int
    """UTC milliseconds."""
    event_id: int
    """0: it was not noted as an event."""
    data: Mapping[str, Any]


def timeline_of(whole: Message, rows: Sequence[Message], noted: Sequence[Event]) -> list[Happening]:
    """In their order. ``whole`` is the message as its customer knows it, ``rows`` are its parts by number, or itself;
    ``noted`` are its events, if there are any."""
    attempts = _attempts(rows)
    found = [
        Happening(ACCEPTED, whole.accepted_at, 0, {"segments": len(rows), "reference": whole.reference or None}),
        Happening(QUEUED, whole.accepted_at, 0, {"not_before": whole.not_before}),
        *attempts,
    ]
    taken = [one.at for one in attempts if str(one.data["outcome"]).startswith(TAKEN)]
    if taken:
        found.append(Happening(SENT, taken[0], 0, {"attempts": len(attempts)}))
    if whole.state.is_final and not (taken and whole.state is MessageState.ACCEPTED):
        found.append(Happening(kind_of(whole.state), whole.done_at, 0, _end_of(whole)))
    known = {event.kind: event for event in reversed(noted)}
    found = [_as_noted(one, known.get(one.kind)) for one in found]
    found += [Happening(HELD, event.at, event.event_id, {}) for event in noted if event.kind == HELD]
    return sorted(found, key=lambda one: one.at)


def _attempts(rows: Sequence[Message]) -> list[Happening]:
    found = [
        Happening(
            ATTEMPT,
            row.accepted_at + line.after_ms,
            0,
            {"part": row.part_number or None, "outcome": line.outcome or None},
        )
        for row in rows
        for line in read_trail(row.trail)
        if line.link
    ]
    found.sort(key=lambda one: one.at)
    return [one._replace(data={"attempt": number, **one.data}) for number, one in enumerate(found, 1)]


def _end_of(message: Message) -> dict[str, Any]:
    return {
        "state": WORDS[message.state],
        "cause": None if message.cause is Cause.NONE else message.cause.name.lower(),
        "error_code": message.error_code or None,
    }


def _as_noted(one: Happening, event: Event | None) -> Happening:
    return one if event is None else one._replace(at=event.at, event_id=event.event_id)
