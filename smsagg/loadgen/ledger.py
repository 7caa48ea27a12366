"""What became of the messages of a load run: responses, receipts, what is missing and what came twice.

Theory of operation. A message whose response said ESME_ROK waits in ``awaiting`` under its id until its receipt comes.
A receipt that beats its response (it may, over another bind) waits in ``early``. Ids that are over are remembered in
two generations, so that a second receipt is recognised; the oldest are forgotten, which bounds the memory.
"""

from collections import Counter

from smsagg.loadgen.journal import LoadJournal
from smsagg.loadgen.latency import LatencyHistogram

GENERATION = 200_000
EARLY_MAX = 100_000
NOT_FINAL = frozenset({b"ENROUTE", b"ACCEPTD", b"BUFFERD"})


class Ledger:
    """Counts one run; times are monotonic seconds."""

    def __init__(self, receipts: bool, journal: LoadJournal | None = None) -> None:
        self.accept = LatencyHistogram()
        """From submit_sm to its response."""
        self.whole_life = LatencyHistogram()
        """From submit_sm to the final receipt."""
        self.sent = 0
        self.accepted = 0
        self.errors: Counter[int] = Counter()
        self.unanswered = 0
        """Outstanding when their connection or the run ended."""
        self.receipts = 0
        self.duplicated = 0
        self.intermediate = 0
        self.unmatched_dropped = 0
        self.states: Counter[bytes] = Counter()
        self.mo = 0
        self.progress_at = 0.0
        """The last response or receipt."""
        self.answered_at = 0.0
        """The last response."""
        self.receipted_at = 0.0
        """The last receipt."""
        self._wants_receipts = receipts
        self._journal = journal
        self._awaiting: dict[bytes, float] = {}
        self._early: dict[bytes, bytes] = {}
        self._over: set[bytes] = set()
        self._over_before: set[bytes] = set()

    @property
    def missing(self) -> int:
        """Accepted messages whose receipt has not come."""
        return len(self._awaiting)

    @property
    def unmatched(self) -> int:
        """Receipts for ids that no response named."""
        return len(self._early) + self.unmatched_dropped

    def responded(self, number: int, started_at: float, command_status: int, message_id: bytes, now: float) -> None:
        """A submit_sm_resp to message ``number``."""
        self.accept.record(now - started_at)
        self.progress_at = self.answered_at = now
        if self._journal is not None:
            self._journal.responded(number, command_status, message_id)
        if command_status:
            self.errors[command_status] += 1
            return
        self.accepted += 1
        if self._wants_receipts:
            if self._early and message_id in self._early:
                self._finish(message_id, self._early.pop(message_id), started_at, now)
            else:
                self._awaiting[message_id] = started_at

    def receipted(self, message_id: bytes, stat: bytes, now: float) -> None:
        """A delivery receipt."""
        self.progress_at = now
        if self._journal is not None:
            self._journal.receipted(message_id, stat)
        if stat in NOT_FINAL:
            self.intermediate += 1
            return
        started_at = self._awaiting.pop(message_id, None)
        if started_at is not None:
            self._finish(message_id, stat, started_at, now)
        elif message_id in self._over or message_id in self._over_before or message_id in self._early:
            self.duplicated += 1
        elif len(self._early) < EARLY_MAX:
            self._early[message_id] = stat
        else:
            self.unmatched_dropped += 1

    def _finish(self, message_id: bytes, stat: bytes, started_at: float, now: float) -> None:
        self.whole_life.record(now - started_at)
        self.receipts += 1
        self.receipted_at = now
        self.states[stat] += 1
        over = self._over
        over.add(message_id)
        if len(over) >= GENERATION:
            self._over_before, self._over = over, set()
