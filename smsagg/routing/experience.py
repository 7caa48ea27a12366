"""What has been seen of each carrier in each country: counts of what became of attempts and messages.

Fed by the engine as it happens, read by whoever judges carriers. Counts run from the start of the process and only
grow; who wants a recent view keeps what he saw last and takes the difference
(:class:`~smsagg.routing.quality.Quality` keeps decayed ones). A cell also knows how many messages its carrier took in
each slot of time and has not reported yet, so that silence is seen long before a message expires.

Memory: one cell for each carrier and country that met; in each at most ``SLOTS_MAX`` slots. Instants are UTC
milliseconds.
"""

from attrs import define, field

Key = tuple[str, str]
"""(carrier, country)."""

SLOT_MS = 2_000
"""Messages that a carrier took within one slot count as taken at once."""
SLOTS_MAX = 2_000
"""Slots that are kept; the oldest then is over, whatever is still missing of it."""
BINS = 26
"""Bins of receipt latency: the first below 0.125 s, each next twice as wide, the last from 1,165 hours on."""
BIN_FIRST_MS = 125
_LAST_BIN = 1 << BINS - 2


def bin_of(latency_ms: int) -> int:
    """The bin of a latency."""
    return min(max(latency_ms, 0) // BIN_FIRST_MS, _LAST_BIN).bit_length()


def bin_upper_ms(index: int) -> int:
    """Every latency in the bin is below this."""
    return BIN_FIRST_MS << index


@define(eq=False)
class Cell:
    """One carrier in one country."""

    accepted: int = 0
    """Attempts that the carrier took."""
    throttled: int = 0
    temporary: int = 0
    """Attempts refused for now."""
    permanent: int = 0
    """Attempts refused for good."""
    in_doubt: int = 0
    delivered: int = 0
    """Messages that the carrier reported as delivered."""
    failed: int = 0
    """Messages that it reported as anything else that is final."""
    receipt_ms: int = 0
    """Sum, over those that it reported, of the time from its acceptance to the report."""
    late: int = 0
    """Reports that came after :meth:`take_overdue` had given their messages up."""
    latencies: list[int] = field(factory=lambda: [0] * BINS)
    """Reports by the bin of their latency."""
    asked: int = 0
    """Messages whose text was waited for, a verification code that is to be typed in, say."""
    converted: int = 0
    """Of those the ones that had the effect."""
    _awaited: dict[int, int] = field(factory=dict)
    """By slot, in order: messages taken then and not reported yet."""
    _slots_from: int = -1
    """The first slot that was ever counted."""

    def took(self, now: int) -> None:
        """The carrier took a message, and is to report it."""
        self.accepted += 1
        slot, awaited = now // SLOT_MS, self._awaited
        if slot in awaited:
            awaited[slot] += 1
            return
        if self._slots_from < 0:
            self._slots_from = slot
        awaited[slot] = 1
        if len(awaited) > SLOTS_MAX:
            del awaited[next(iter(awaited))]

    def reported(self, is_delivered: bool, taken_at: int, now: int) -> None:
        """The carrier reported a message that it took at ``taken_at``, 0 when nobody knows when."""
        if is_delivered:
            self.delivered += 1
        else:
            self.failed += 1
        if not taken_at:
            return
        latency = now - taken_at if now > taken_at else 0
        self.receipt_ms += latency
        scaled = latency // BIN_FIRST_MS
        self.latencies[(scaled if scaled < _LAST_BIN else _LAST_BIN).bit_length()] += 1  # bin_of, for every message
        slot, awaited = taken_at // SLOT_MS, self._awaited
        count = awaited.get(slot, 0)
        if count > 1:
            awaited[slot] = count - 1
        elif count:
            del awaited[slot]
        elif slot >= self._slots_from >= 0:
            self.late += 1

    def take_overdue(self, taken_before: int) -> int:
        """How many messages that were taken before that instant are still not reported; each is told once."""
        last, overdue = taken_before // SLOT_MS - 1, 0
        for slot in [slot for slot in self._awaited if slot <= last]:
            overdue += self._awaited.pop(slot)
        return overdue

    @property
    def awaited(self) -> int:
        """Messages that it has not reported and nobody has given up."""
        return sum(self._awaited.values())


@define(eq=False)
class Experience:
    """The cells of all carriers and countries that met."""

    cells: dict[Key, Cell] = field(factory=dict)

    def cell(self, carrier: str, country: str) -> Cell:
        """The cell, made when it is new."""
        cell = self.cells.get((carrier, country))
        if cell is None:
            cell = self.cells[carrier, country] = Cell()
        return cell

    def on_feedback(self, carrier: str, country: str, converted: bool, count: int = 1) -> None:
        """What recipients did with ``count`` messages that ``carrier`` delivered: for codes, whether they were used."""
        cell = self.cell(carrier, country)
        cell.asked += count
        if converted:
            cell.converted += count
