"""The audit trail: who did what to what, each record chained to the one before by its hash.

Theory of operation. A record's hash is the SHA-256 of the hash before it and of all that it says, so what is edited,
put in, taken out or moved breaks the chain at that place. The *head*, the number and hash of the last record, is kept
apart from the records: a tail that is cut off is missed. Who may write to all of the store can make a new chain of it,
head and all; that is found by a head noted elsewhere, as the log does with every record (``audit_record``).
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

import orjson
from attrs import define

FIRST_HASH = bytes(32)
"""Stands before the first record."""


@define(frozen=True)
class Actor:
    """Who does something."""

    name: str
    """``key:crm``, ``user:ann``, ``unix:root``."""
    account: str = ""
    """Whose; ``""``: the operator's own."""
    address: str = ""
    """Network address it came from; ``""``: from this machine."""


class AuditEntry(NamedTuple):
    """What happened, before it has its place in the chain."""

    at: int
    """UTC milliseconds."""
    actor: str
    actor_account: str
    address: str
    account: str
    """Whom it concerns; ``""``: the operator only."""
    action: str
    """``sender.put``, ``account.freeze``."""
    subject: str
    """What it was done to: ``acme/ACME``."""
    details: str
    """A JSON object, without secrets and texts."""


class AuditRecord(NamedTuple):
    """An entry in its place."""

    seq: int
    """1 upwards without a gap."""
    entry: AuditEntry
    hash: bytes


class AuditHead(NamedTuple):
    """The last record; of an empty trail (0, :data:`FIRST_HASH`)."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


EMPTY = AuditHead(0, FIRST_HASH)


class AuditSought(NamedTuple):
    """Which records: all that is said must hold, ``""`` says nothing."""

    since: int = 0
    """UTC milliseconds."""
    account: str = ""
    actor: str = ""
    subject: str = ""

    def is_match(self, entry: AuditEntry) -> bool:
        return (
            entry.at >= self.since
            and self.account in ("", entry.account)
            and self.actor in ("", entry.actor)
            and self.subject in ("", entry.subject)
        )


class Broken(NamedTuple):
    """Where the trail is not what was written."""

    seq: int
    reason: str


def entry_of(by: Actor, at: int, action: str, subject: str, details: object, account: str | None = None) -> AuditEntry:
    """``account``: whom it concerns; ``None``: the actor's, else the one that ``subject`` begins with
    (``acme/ACME``)."""
    if account is None:
        head, slash, _ = subject.partition("/")
        account = by.account or (head if slash else "")
    return AuditEntry(at, by.name, by.account, by.address, account, action, subject, orjson.dumps(details).decode())


def chained(head: AuditHead, entry: AuditEntry) -> AuditRecord:
    """The record of ``entry`` behind ``head``."""
    seq = head.seq + 1
    return AuditRecord(seq, entry, sha256(head.hash + orjson.dumps([seq, *entry])).digest())


def head_of(record: AuditRecord) -> AuditHead:
    return AuditHead(record.seq, record.hash)


def parse_head(text: str) -> AuditHead:
    """What ``str`` of a head says; raises ValueError."""
    seq, _, digest = text.partition(":")
    head = AuditHead(int(seq), bytes.fromhex(digest))
    if head.seq < 0 or len(head.hash) != len(FIRST_HASH):
        raise ValueError("is no head")
    return head


class ChainCheck:
    """Walks a whole trail in its order, and says where it first differs from what was written."""

    def __init__(self, noted: AuditHead | None = None) -> None:
        """``noted``: a head of this trail that was noted elsewhere at any time."""
        self._noted = noted
        self.last = EMPTY
        """The head as far as the trail was walked."""

    def add(self, record: AuditRecord) -> Broken | None:
        """The next record; ``None``: it is as it was written."""
        expected = self.last.seq + 1
        if record.seq != expected:
            return Broken(expected, f"is missing; the next one is {record.seq}")
        if chained(self.last, record.entry) != record:
            return Broken(expected, "is not as it was written, or stands in another's place")
        self.last = head_of(record)
        if self._noted is not None and self._noted.seq == expected and self._noted != self.last:
            return Broken(expected, "is another than the one that was noted")
        return None

    def end(self, head: AuditHead) -> Broken | None:
        """There are no more, and ``head`` is the one that the store keeps."""
        if self.last.seq < head.seq:
            return Broken(self.last.seq + 1, f"is missing, and all after it; there were {head.seq}")
        if self.last != head:
            return Broken(self.last.seq, "is not the last one that the store knows of")
        if self._noted is not None and self._noted.seq > head.seq:
            return Broken(head.seq + 1, f"is missing, and all after it; {self._noted.seq} was noted")
        return None


def first_break(records: Iterable[AuditRecord], head: AuditHead, noted: AuditHead | None = None) -> Broken | None:
    """The same in one call."""
    check = ChainCheck(noted)
    for record in records:
        if (broken := check.add(record)) is not None:
            return broken
    return check.end(head)
