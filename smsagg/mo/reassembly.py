"""Parts of long messages from handsets until all of them are there, in memory.

Theory of operation. Parts of one message share a key: carrier, both addresses, reference, its width, and the number of
parts. They come in any order, some of them twice. ::

    add ──▶ waits for the others ──▶ the last one came: all of them, in order
                    │
                    ├──▶ too old (give_up), or too much waits: what came, in order
                    └──▶ another text under a number that is there: the handset uses the reference again; what came

A message that left is remembered until it would have been too old, by a bounded number of keys: a part of it that
comes again is a repetition, and one that comes only now cannot wait for siblings that are gone.

Nothing is lost here: whatever goes in comes out once, whole or as parts. Storing it is the caller's business.
"""

from collections import OrderedDict
from typing import NamedTuple

from attrs import define, field

from smsagg.model import MoPart

RECENT_MAX = 2_000
"""Messages that left and are remembered."""

Key = tuple[str, str, str, int, bool, int]


class Taken(NamedTuple):
    """What became of a part, and of others because of it."""

    waits: bool = False
    """It is kept; store it before its carrier is answered."""
    is_repeated: bool = False
    """It is here, or was handed out, already."""
    whole: list[MoPart] | None = None
    """All parts, this one among them, in order. The others wait no longer."""
    late_for: "MoPart | None" = None
    """It belongs to a message whose parts were handed out without it; that message's first part, or this one."""
    given_up: list[list[MoPart]] = []  # noqa: RUF012  never changed
    """Messages that wait no longer, as the parts that they are."""


@define(eq=False)
class _Waiting:
    parts: dict[int, MoPart] = field(factory=dict)
    octets: int = 0
    since: int = 0


@define(eq=False)
class _Recent:
    """A message that left."""

    left_at: int
    texts: dict[int, int]
    """Hash of each part's text, by its number."""
    first: MoPart | None
    """Part 1, where it came."""


class Reassembly:
    """Bounded by ``parts_max`` and ``octets_max`` (of bodies); instants are UTC milliseconds."""

    def __init__(self, parts_max: int, octets_max: int, timeout_ms: int) -> None:
        self._parts_max = parts_max
        self._octets_max = octets_max
        self._timeout_ms = timeout_ms
        self._waiting: OrderedDict[Key, _Waiting] = OrderedDict()
        self._recent: OrderedDict[Key, _Recent] = OrderedDict()
        self._parts = 0
        self._octets = 0

    def __len__(self) -> int:
        """Parts that wait."""
        return self._parts

    def set_limits(self, parts_max: int, octets_max: int, timeout_ms: int) -> None:
        """Other limits from now on; what is too much by them leaves when the next part comes."""
        self._parts_max = parts_max
        self._octets_max = octets_max
        self._timeout_ms = timeout_ms

    def add(self, part: MoPart) -> Taken:
        """Take in one part; ``part.received_at`` is now."""
        key = _key(part)
        given_up: list[list[MoPart]] = []
        waiting = self._waiting.get(key)
        if waiting is not None and part.number in waiting.parts:
            if waiting.parts[part.number].mo.body == part.mo.body:
                return Taken(is_repeated=True)
            given_up.append(self._take_out(key, part.received_at))
            waiting = None
        if waiting is None:
            answer = self._of_recent(key, part)
            if answer is not None:
                return answer
            waiting = self._waiting[key] = _Waiting(since=part.received_at)
        waiting.parts[part.number] = part
        waiting.octets += len(part.mo.body)
        self._parts += 1
        self._octets += len(part.mo.body)
        if len(waiting.parts) == part.total:
            return Taken(whole=self._take_out(key, part.received_at), given_up=given_up)
        while self._parts > self._parts_max or self._octets > self._octets_max:
            given_up.append(self._take_out(next(iter(self._waiting)), part.received_at))
        return Taken(waits=key in self._waiting, given_up=given_up)

    def give_up(self, now: int) -> list[list[MoPart]]:
        """Messages whose first part came ``timeout_ms`` ago or longer, in order of coming, as the parts that came.

        A message that came in the future, before the clock was set back, has waited long enough too.
        """
        given_up: list[list[MoPart]] = []
        while self._waiting:
            key, waiting = next(iter(self._waiting.items()))
            if now - self._timeout_ms < waiting.since <= now:
                break
            given_up.append(self._take_out(key, now))
        return given_up

    def _of_recent(self, key: Key, part: MoPart) -> Taken | None:
        """The answer for a part of a message that left a short while ago; ``None`` when it begins a new one."""
        recent = self._recent.get(key)
        if recent is None:
            return None
        text = recent.texts.get(part.number)
        is_recent = 0 <= part.received_at - recent.left_at < self._timeout_ms
        if not is_recent or (text is not None and text != hash(part.mo.body)):
            del self._recent[key]
            return None
        if text is not None:
            return Taken(is_repeated=True)
        recent.texts[part.number] = hash(part.mo.body)
        if part.number == 1:
            recent.first = part
        return Taken(late_for=recent.first or part)

    def _take_out(self, key: Key, now: int) -> list[MoPart]:
        """The parts of a message that waits no longer, in order."""
        waiting = self._waiting.pop(key)
        self._parts -= len(waiting.parts)
        self._octets -= waiting.octets
        parts = [waiting.parts[number] for number in sorted(waiting.parts)]
        texts = {part.number: hash(part.mo.body) for part in parts}
        self._recent.pop(key, None)
        self._recent[key] = _Recent(now, texts, waiting.parts.get(1))
        if len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)
        return parts


def _key(part: MoPart) -> Key:
    mo = part.mo
    return part.carrier, mo.source_addr, mo.destination_addr, part.reference, part.is_wide, part.total
