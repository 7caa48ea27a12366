"""Our outstanding requests: numbered, bounded, matched with their responses, and expired in order.

Requests stand in a dict in the order in which they were made, which is also the order in which they left and in
which they expire. Requests that leave together share one :class:`Departure`, so that the response timer of each
starts when the driver took its octets and not when it was queued, at no cost a request.

Expiry is lazy: the window remembers a lower bound of its oldest departure and looks only when that one could have
expired, so the cost is that of what expired and of one look a response timeout. What expired is remembered, at most
``window_max`` of them, so that a response which comes late still finds its context.

sequence_number runs from 1 to 0x7FFFFFFF and wraps to 1 (SMPP 3.4 §5.1.4), passing over numbers still in use.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from math import inf

from attrs import define

from smsagg.smpp.command import RESPONSE_BIT
from smsagg.smpp.errors import WindowFull

SEQUENCE_NUMBER_MAX = 0x7FFFFFFF


class Missing:
    """The type of :data:`MISSING`."""


MISSING = Missing()
"""No such request; distinct from any context."""


@define(eq=False)
class Departure:
    """When some requests were handed to the driver; until then ``at`` is when they were queued."""

    at: float
    has_left: bool = False


class Window:
    """Requests that await their response. ``len()`` is how many."""

    __slots__ = ("_departure", "_late", "_next", "_oldest_at", "_outstanding", "_window_max", "_wrapped")

    def __init__(self, window_max: int, first_sequence_number: int = 1) -> None:
        self._window_max = window_max
        self._outstanding: dict[int, tuple[object, int, Departure]] = {}
        self._late: OrderedDict[int, tuple[object, int]] = OrderedDict()
        self._next = first_sequence_number
        self._wrapped = False
        self._departure: Departure | None = None  # of what was queued and has not left
        self._oldest_at = inf

    def __len__(self) -> int:
        return len(self._outstanding)

    @property
    def free(self) -> int:
        return max(0, self._window_max - len(self._outstanding))

    def context_of(self, sequence_number: int) -> object:
        """The context of an outstanding request, which stays so; ``None`` if there is none."""
        entry = self._outstanding.get(sequence_number)
        return None if entry is None else entry[0]

    def next_sequence_number(self) -> int:
        """A number that no outstanding request has."""
        number = self._next
        if self._wrapped:
            while number in self._outstanding or number in self._late:
                number = number + 1 if number < SEQUENCE_NUMBER_MAX else 1
        if number < SEQUENCE_NUMBER_MAX:
            self._next = number + 1
        else:
            self._next = 1
            self._wrapped = True
        return number

    def add(self, command_id: int, context: object, now: float, *, above_limit: bool = False) -> int:
        """Number a request and remember ``context`` for its response. Raises WindowFull, unless ``above_limit``."""
        if not above_limit and len(self._outstanding) >= self._window_max:
            raise WindowFull(f"{len(self._outstanding)} requests are outstanding")
        number = self.next_sequence_number()
        self._outstanding[number] = (context, command_id | RESPONSE_BIT, self._departing(now))
        return number

    def add_many(self, command_id: int, contexts: Sequence[object], now: float) -> Sequence[int]:
        """As :meth:`add` for each, all or (WindowFull) none."""
        count = len(contexts)
        if count > self.free:
            raise WindowFull(f"{count} requests for {self.free} places")
        numbers: Sequence[int]
        if self._wrapped or self._next + count > SEQUENCE_NUMBER_MAX:
            numbers = []
            for context in contexts:
                numbers.append(self.add(command_id, context, now))
            return numbers
        numbers = range(self._next, self._next + count)
        self._next += count
        departure = self._departing(now)
        response_id = command_id | RESPONSE_BIT
        self._outstanding.update(zip(numbers, [(context, response_id, departure) for context in contexts], strict=True))
        return numbers

    def _departing(self, now: float) -> Departure:
        if self._departure is None:
            self._departure = Departure(now)
        if not self._outstanding:
            self._oldest_at = min(now, self._departure.at)
        return self._departure

    def departed(self, now: float | None) -> None:
        """The driver took everything that was queued, at ``now`` or, when that is ``None``, when it was queued."""
        departure = self._departure
        if departure is not None:
            departure.has_left = True
            if now is not None:
                departure.at = now
            self._departure = None

    def withdraw(self, sequence_numbers: Iterable[int]) -> None:
        """Forget requests just added that could not be encoded; their numbers are passed over."""
        for number in sequence_numbers:
            self._outstanding.pop(number, None)

    def take(self, sequence_number: int, response_id: int) -> object:
        """The context of the request that this response answers, which is over with it; ``MISSING`` if there is none.

        A generic_nack answers any request.
        """
        entry = self._outstanding.get(sequence_number)
        if entry is None or (entry[1] != response_id and response_id != RESPONSE_BIT):
            return MISSING
        del self._outstanding[sequence_number]
        return entry[0]

    def take_late(self, sequence_number: int, response_id: int) -> object:
        """As :meth:`take`, for a request that expired."""
        entry = self._late.get(sequence_number)
        if entry is None or (entry[1] != response_id and response_id != RESPONSE_BIT):
            return MISSING
        del self._late[sequence_number]
        return entry[0]

    def next_expiry_at(self, response_timeout_s: float) -> float:
        """No request expires before; ``inf`` when none is outstanding."""
        return self._oldest_at + response_timeout_s if self._outstanding else inf

    def expire(self, now: float, response_timeout_s: float) -> list[object]:
        """The contexts of the requests whose response timer has fired, oldest first; their places are free again."""
        if now < self.next_expiry_at(response_timeout_s):
            return []
        expired: list[tuple[int, object, int]] = []
        self._oldest_at = now
        for number, (context, response_id, departure) in self._outstanding.items():
            if not departure.has_left:
                break
            if now < departure.at + response_timeout_s:
                self._oldest_at = departure.at
                break
            expired.append((number, context, response_id))
        for number, context, response_id in expired:
            del self._outstanding[number]
            self._late[number] = (context, response_id)
        while len(self._late) > self._window_max:
            self._late.popitem(last=False)
        return [context for _, context, _ in expired]

    def take_unsent(self) -> list[object]:
        """Remove the requests that the driver has not taken; their contexts, in order."""
        departure = self._departure
        if departure is None:
            return []
        unsent = [number for number, entry in self._outstanding.items() if entry[2] is departure]
        self._departure = None
        return [self._outstanding.pop(number)[0] for number in unsent]

    def take_all(self) -> list[object]:
        """Remove everything; the contexts of what was outstanding, in order."""
        contexts = [context for context, _, _ in self._outstanding.values()]
        self._outstanding.clear()
        self._late.clear()
        self._departure = None
        return contexts
