"""Counters of a simulator's run, and how they are told."""

from collections import Counter

from attrs import asdict, define, field

from smsagg.smpp.status import name_of


@define
class Statistics:
    """Plain numbers since the start."""

    sessions: int = 0
    binds: int = 0
    binds_refused: int = 0
    submits: int = 0
    responses: Counter[int] = field(factory=Counter)
    """Decided for each submit_sm, by command_status."""
    unanswered: int = 0
    """submit_sm that no response was planned for."""
    receipts_sent: int = 0
    receipts_acknowledged: int = 0
    receipts_repeated: int = 0
    """Refused, not answered in time, or outstanding when their session ended."""
    receipts_lost: int = 0
    """Beyond ``receipts.pending_max``, or nobody there and not kept."""
    mo_sent: int = 0
    mo_acknowledged: int = 0
    malformed: int = 0

    def as_dict(self) -> dict[str, object]:
        """For JSON: statuses by name."""
        values = asdict(self)
        values["responses"] = {name_of(status): count for status, count in sorted(self.responses.items())}
        return values

    def lines(self) -> list[str]:
        """For people: one counter a line."""
        lines = []
        for name, value in self.as_dict().items():
            items = value.items() if isinstance(value, dict) else [("", value)]
            lines += [f"{name.replace('_', ' ')} {key}".rstrip() + f": {count:,}" for key, count in items]
        return lines
