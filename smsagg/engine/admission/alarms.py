"""Alarms that checks of abuse raised: one for each kind, account and subject, counted, logged now and then, and kept
until an operator clears them.

At most :data:`ALARMS_MAX` are kept; the one that was raised longest ago is forgotten first.
"""

from collections.abc import Iterator

import structlog
from attrs import define

from smsagg.abuse import Finding
from smsagg.observe.log import RateLimitedLog
from smsagg.observe.metrics import Metrics

ALARMS_MAX = 1_000


@define
class Alarm:
    """Something that was found suspicious, perhaps often. Instants are UTC milliseconds."""

    finding: Finding
    """The latest."""
    first_at: int
    last_at: int
    count: int = 1


class Alarms:
    """All accounts'."""

    def __init__(self, metrics: Metrics, interval_s: float) -> None:
        self._counts = metrics.abuse_alarms
        self._open: dict[tuple[str, str, str], Alarm] = {}
        self.reconfigure(interval_s)

    def reconfigure(self, interval_s: float) -> None:
        """Log the same alarm once in so long."""
        self._log = RateLimitedLog(structlog.get_logger("smsagg.abuse"), interval_s)

    def __iter__(self) -> Iterator[Alarm]:
        """The latest last."""
        return iter(list(self._open.values()))

    def note(self, finding: Finding, now: int) -> bool:
        """Something was found, at ``now`` (UTC milliseconds). Whether that is an alarm that was not raised yet."""
        key = (finding.kind, finding.account, finding.subject)
        alarm = self._open.pop(key, None)
        is_new = alarm is None
        if alarm is None:
            alarm = Alarm(finding, now, now)
            if len(self._open) >= ALARMS_MAX:
                del self._open[next(iter(self._open))]
        else:
            alarm.finding, alarm.last_at = finding, now
            alarm.count += 1
        self._open[key] = alarm
        self._counts[finding.kind, finding.account, finding.action].n += 1
        self._log.warning(
            "abuse_alarm",
            key="/".join(key),
            kind=finding.kind,
            account=finding.account,
            subject=finding.subject,
            detail=finding.detail,
            action=finding.action,
        )
        return is_new

    def clear(self, account: str = "") -> int:
        """Forget those of ``account``, or all; how many."""
        cleared = [key for key in self._open if account in ("", key[1])]
        for key in cleared:
            del self._open[key]
        return len(cleared)
