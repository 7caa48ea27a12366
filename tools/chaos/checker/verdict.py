"""What a check comes to: violations, figures, and the verdict."""

from enum import Enum

from attrs import define, field

from tools.chaos.history import Fault


class Verdict(Enum):
    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@define(frozen=True)
class Violation:
    """One broken promise."""

    invariant: str
    subject: str
    """Nonce, id or fault."""
    text: str


@define
class Counts:
    """The figures of the report."""

    attempt: int = 0
    acknowledged: int = 0
    refused: int = 0
    ok: int = 0
    """Acknowledged, over, and reported as far as it was asked for."""
    lost: int = 0
    unexpected: int = 0
    """Sent, stored or reported although refused or never submitted."""
    recovered: int = 0
    """Unanswered by a lost session, and present."""
    absent: int = 0
    """Unanswered by a lost session, and absent."""
    duplicated: int = 0
    duplicated_max: int = 0
    receipts_duplicated: int = 0
    receipts_duplicated_max: int = 0
    expired: int = 0
    orphan_receipts: int = 0
    faults: int = 0


PROMISES = {
    "S1": "no loss",
    "S2": "no invention",
    "S3": "whole or absent",
    "S4": "unique ids",
    "S5": "one final state",
    "S6": "evidence, correlation (S14)",
    "S7": "duplicate bound",
    "S8": "no zombie",
    "S9": "expiry",
    "S10": "receipts",
    "S11": "order",
    "S12": "receipts kept",
    "S13": "isolation",
    "S15": "balance",
    "S16": "window and rate",
    "S17": "answers",
    "S18": "fidelity",
    "S19": "confidentiality",
    "S20": "once under a key",
    "S21": "webhooks",
    "L1": "recovery",
    "L2": "timers",
    "L3": "others",
    "L4": "footprint",
    "L5": "answers",
    "L6": "start",
    "anomaly": "what must not happen at all",
}
"""The invariants by the first word of their violations."""


@define
class Report:
    verdict: Verdict
    counts: Counts
    violations: list[Violation]
    operations: dict[str, tuple[int, int]] = field(factory=dict)
    """Of each kind of operation, how many were tried, and how many went well."""
    examined: dict[str, int] = field(factory=dict)
    """What each invariant was held against, in number; 0: nothing, and it says nothing about this run."""
    figures: dict[str, str] = field(factory=dict)
    """How near to its bound an invariant came."""
    charged: list[tuple[Fault, int, int]] = field(factory=list)
    """Each fault with the copies at carriers and at the ESME that it was charged with."""
