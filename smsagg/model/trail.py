"""The trail of a message: one line for each attempt, as it is kept with the message.

::

    0|mersey/1|least_cost 0.0210 EUR, 2 of 3 with room, cheaper tyne full|ESME_RTHROTTLED throttled
    2140|tyne/1|least_cost 0.0190 EUR, 3 of 3 with room|accepted

The fields are: milliseconds since the message was accepted, the link, why that link, and what came of it (absent until
it is known). A line without a link is no attempt but something else that was done to the message. A trail that grows
longer than ``LINES_MAX`` keeps its first ``FIRST_KEPT`` lines and its last ones.
"""

from typing import NamedTuple

LINES_MAX = 20
FIRST_KEPT = 5


class TrailLine(NamedTuple):
    """One attempt."""

    after_ms: int
    """Milliseconds since the message was accepted."""
    link: str
    reason: str
    outcome: str
    """``""`` while it is not known."""


def with_attempt(trail: str, after_ms: int, attempt: str) -> str:
    """``trail`` and one more attempt; ``attempt`` is ``link|reason``, the same for all messages of a batch."""
    if not trail:
        return f"{after_ms}|{attempt}"
    if trail.count("\n") >= LINES_MAX - 1:
        lines = trail.split("\n")
        del lines[FIRST_KEPT : len(lines) - LINES_MAX + FIRST_KEPT + 1]
        trail = "\n".join(lines)
    return f"{trail}\n{after_ms}|{attempt}"


def with_note(trail: str, after_ms: int, note: str) -> str:
    """``trail`` and something that was done to the message; ``note`` is without ``|`` and line ends."""
    return with_attempt(trail, after_ms, f"|{note}")


def with_outcome(trail: str, outcome: str) -> str:
    """What came of the latest attempt; of an attempt that had an outcome already this is said too."""
    return f"{trail}|{outcome}" if trail else trail


def with_late_outcome(trail: str, link: str, outcome: str) -> str:
    """What came of an attempt on ``link`` after it was given up: of several there the latest one."""
    lines = trail.split("\n")
    for place in range(len(lines) - 1, -1, -1):
        if lines[place].split("|", 2)[1:2] == [link]:
            lines[place] = f"{lines[place]}|{outcome}"
            break
    return "\n".join(lines)


def read_trail(trail: str) -> list[TrailLine]:
    """The attempts, oldest first; lines that nobody can have written are left out."""
    found: list[TrailLine] = []
    for line in trail.split("\n"):
        after_ms, *rest = line.split("|", 3)
        if after_ms.isdigit() and len(rest) >= 2:
            outcome = rest[2].replace("|", ", then ") if len(rest) > 2 else ""
            found.append(TrailLine(int(after_ms), rest[0], rest[1], outcome))
    return found
