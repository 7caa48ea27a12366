"""Instants as they are asked for, and as the store counts them."""

from datetime import UTC, datetime

from smsagg.api.v1.problem import Problem


def milliseconds_of(at: datetime, member: str) -> int:
    """UTC milliseconds; raises :class:`Problem` for an instant without a zone, or outside of all calendars."""
    if at.tzinfo is None:
        reason = "needs a time zone, such as Z or +02:00"
        raise Problem(422, "no-time-zone", f"{member} {reason}.", [{"path": member, "detail": reason}])
    try:
        return int(at.astimezone(UTC).timestamp() * 1000)
    except OverflowError as error:
        reason = "is outside of the calendar"
        raise Problem(422, "invalid-time", f"{member} {reason}.", [{"path": member, "detail": reason}]) from error
