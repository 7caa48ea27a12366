"""Senders that accounts ask for: who decides, and what becomes of a decision.

::

    none ──asked──▶ pending ──decided──▶ approved ⇄ rejected
                       ▲                                │
                       └─────────────asked──────────────┘

Asking again for one that is pending or approved changes its note alone.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Status = Literal["pending", "approved", "rejected"]
OF_ACCOUNT_MAX = 1_000
NOTE_CHARACTERS_MAX = 500


class Sender(NamedTuple):
    """One that was asked for."""

    status: Status
    note: str
    """What the account says of it."""
    asked_at: int
    """UTC milliseconds, and so is the next."""
    decided_at: int = 0
    reason: str = ""
    """What the operator says of it."""


def read_sender(value: Mapping[str, Any]) -> Sender:
    """As the register keeps it."""
    return Sender(**value)


def asked(present: Sender | None, note: str, now: int) -> Sender:
    """The account asks for it."""
    if present is not None and present.status != "rejected":
        return present._replace(note=note)
    return Sender("pending", note, now)


def decided(present: Sender | None, status: Status, reason: str, now: int) -> Sender:
    """The operator says what it is to be, whether or not somebody asked."""
    before = present or Sender(status, "", now)
    return before._replace(status=status, reason=reason, decided_at=now)
