"""PDUs of all sessions, counted where they pass and added up when someone looks."""

from collections import Counter

from smsagg.smpp.command import RESPONSE_BIT, CommandId
from smsagg.smpp.statistics import OTHER, Statistics
from smsagg.smpp.status import name_of

_COMMANDS = {int(command): command.name.lower() for command in CommandId}


class PduCounts:
    """A source for ``smsagg_smpp_pdus_total``: living sessions' counts and the sums of those that ended."""

    def __init__(self) -> None:
        self._living: set[Statistics] = set()
        self._received: Counter[tuple[int, int]] = Counter()
        self._sent: Counter[tuple[int, int]] = Counter()

    def began(self, statistics: Statistics) -> None:
        self._living.add(statistics)

    def ended(self, statistics: Statistics) -> None:
        self._living.discard(statistics)
        self._received.update(statistics.received)
        self._sent.update(statistics.sent)

    def totals(self) -> dict[tuple[str, ...], float]:
        """PDUs by (direction, command, status); requests have the status ``""``."""
        received, sent = self._received.copy(), self._sent.copy()
        for statistics in self._living:
            received.update(statistics.received)
            sent.update(statistics.sent)
        return {
            (direction, *_words(*key)): count
            for direction, counts in (("in", received), ("out", sent))
            for key, count in counts.items()
        }


def _words(command_id: int, command_status: int) -> tuple[str, str]:
    command = _COMMANDS.get(command_id, "other")
    if not command_id & RESPONSE_BIT or command_id == OTHER:
        return command, ""
    return command, "other" if command_status == OTHER else name_of(command_status)
