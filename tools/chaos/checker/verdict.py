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


@define
class Report:
    verdict: Verdict
    counts: Counts
    violations: list[Violation]
    charged: list[tuple[Fault, int, int]] = field(factory=list)
    """Each fault with the copies at carriers and at the ESME that it was charged with."""
