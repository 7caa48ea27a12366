"""What rules, circuits and operators look at: counters by carrier and country, and sampled response times.

The counters are those of :class:`~smsagg.routing.experience.Experience`, and answers by the statuses that rules name.
Of a link one attempt at a time is timed, from its hand-over to its outcome, so that a message costs nothing. Memory:
:data:`RESPONSES_MAX` response times a carrier.
"""

from collections import deque
from collections.abc import Sequence

from smsagg.config.sandbox import SANDBOX
from smsagg.engine.health.traffic import Traffic
from smsagg.engine.sending.pools import LinkState
from smsagg.model import Message, MessageState
from smsagg.routing.experience import Experience, Key
from smsagg.shaping.rules import Subject
from smsagg.shaping.window import Counts

RESPONSES_MAX = 500

_Responses = deque[tuple[float, str, float]]
"""(monotonic seconds, country, milliseconds)."""


class EngineSightings:
    """Implements :class:`~smsagg.shaping.rules.Sightings`; :meth:`refresh` before it is asked."""

    def __init__(self, experience: Experience) -> None:
        self._experience = experience
        self.traffic = Traffic(experience)
        self.statuses: tuple[int, ...] = ()
        """``command_status`` values that are counted."""
        self._answers: dict[tuple[str, str, int], int] = {}
        self._responses: dict[str, _Responses] = {}
        self._cells: dict[Key, Counts] = {}
        self._subjects: dict[Subject, Counts] = {}

    def watch(self, statuses: Sequence[int]) -> None:
        """Count answers with these ``command_status`` values from now on."""
        self.statuses = tuple(statuses)
        self._answers = {key: count for key, count in self._answers.items() if key[2] in self.statuses}
        self._cells.clear()
        self._subjects.clear()

    def on_refused(self, carrier: str, country: str, command_status: int) -> None:
        """An attempt was refused."""
        if command_status in self.statuses:
            key = (carrier, country, command_status)
            self._answers[key] = self._answers.get(key, 0) + 1

    def on_sent(self, link: LinkState, message: Message, now: float, now_ms: int) -> None:
        """``message`` is the first of those handed over."""
        self.traffic.on_sent(message, now_ms)
        if link.timed is None and not message.joins:
            link.timed, link.timed_at = message, now

    def on_outcomes(self, link: LinkState, now: float) -> None:
        """Some outcomes of ``link`` have taken effect."""
        timed = link.timed
        if timed is not None and timed.state is not MessageState.SENDING:
            link.timed = None
            responses = self._responses.get(link.carrier.name)
            if responses is None:
                responses = self._responses[link.carrier.name] = deque(maxlen=RESPONSES_MAX)
            responses.append((now, timed.country, (now - link.timed_at) * 1000))

    def refresh(self) -> None:
        """Look at the counters anew; what has not changed stays the same object."""
        cells, subjects = self._cells, self._subjects
        for key, cell in self._experience.cells.items():
            if key[0] == SANDBOX:
                continue
            told = (
                cell.accepted,
                cell.throttled,
                cell.temporary,
                cell.permanent,
                cell.in_doubt,
                cell.delivered,
                cell.failed,
            )
            before = cells.get(key)
            if before is not None and before[: len(told)] == told:
                continue
            carrier, country = key
            answers = (self._answers.get((carrier, country, status), 0) for status in self.statuses)
            counts = cells[key] = (*told, *cell.latencies, *answers)
            if country:
                subjects[key] = counts
            whole = subjects.get((carrier, ""))
            added = counts if before is None else tuple(map(int.__sub__, counts, before))
            subjects[carrier, ""] = added if whole is None else tuple(map(int.__add__, whole, added))

    def subjects(self) -> dict[Subject, Counts]:
        return self._subjects

    def response_ms(self, subject: Subject, since: float) -> list[float]:
        carrier, country = subject
        responses = self._responses.get(carrier, ())
        return [ms for at, of, ms in responses if at >= since and country in ("", of)]
