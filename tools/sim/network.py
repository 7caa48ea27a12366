"""Connections between the gateway and its peers: latency, split reads, slow readers, and every way to end.

A :class:`Wire` has a trio stream at the gateway's end and a :class:`Peer` at the other, called and never waits.
Octets arrive in order, later, in pieces of any size. Each direction keeps account of offsets, so that a peer can tell
when the gateway wrote the PDU that has just arrived, and learn when the gateway has read what it sent.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from random import Random
from typing import Protocol

import trio
from attrs import define

from tools.sim.agenda import Agenda

PIECES_MAX = 4


@define
class Weather:
    """How the network is now."""

    latency_s: tuple[float, float] = (0.0005, 0.02)
    split: float = 0.2
    """Share of writes that arrive in pieces, and of reads that get less than there is."""
    extra_s: float = 0.0
    """Added to every latency while the network is slow."""
    slow_until: float = -1.0
    """When what was sent while it was slow has arrived."""


@define
class Written:
    """One write of the gateway, until ``end_offset`` of all that it wrote."""

    end_offset: int
    asked_at: float
    """When the gateway may first have wanted to write it: earlier than ``taken_at`` when the peer did not read."""
    asked_at_ms: int
    taken_at: float
    """When it took these octets to write them."""


class Peer(Protocol):
    """The other end."""

    def on_octets(self, octets: bytes) -> None: ...

    def on_closed(self) -> None:
        """The connection is over; called once."""
        ...


class Observer(Protocol):
    """Who wants to know what passes at the gateway's end."""

    def before_write(self, octets: bytes) -> None: ...

    def after_write(self, octets: bytes) -> None: ...


class Wire:
    """One connection."""

    def __init__(
        self, agenda: Agenda, rng: Random, weather: Weather, observer: Observer, now_ms: Callable[[], int], room: int
    ) -> None:
        """``room``: octets that a peer may leave unread before the gateway's writes wait."""
        self.stream = GatewayStream(self)
        self.peer: Peer | None = None
        self.observer = observer
        self.is_over = False
        """For the peer: nothing comes or goes any more."""
        self.ended_at: float | None = None
        """When the gateway's end was closed or broken."""
        self.is_disturbed = False
        """The world did something to it: what its peer sees is no measure of the gateway."""
        self.rng = rng
        self._agenda = agenda
        self.weather = weather
        self.now_ms = now_ms
        self._room = room
        self._is_dark = False
        self._is_paused = False
        self._unread = bytearray()
        self._room_made = trio.Event()
        self._to_peer_at = 0.0
        self._to_gateway_at = 0.0
        self._written = deque[Written]()
        self._written_octets = 0
        self._arrived_octets = 0

    # --- the gateway's end ---

    def has_room(self) -> bool:
        return not self._is_paused or len(self._unread) < self._room or self.is_over

    async def wait_room(self) -> None:
        self._room_made = trio.Event()
        await self._room_made.wait()

    def wake_writer(self) -> None:
        self._room_made.set()

    def write(self, octets: bytes, asked_at: float, asked_at_ms: int, taken_at: float) -> None:
        """Send to the peer."""
        self._written_octets += len(octets)
        self._written.append(Written(self._written_octets, asked_at, asked_at_ms, taken_at))
        for piece in self._pieces(octets):
            self._to_peer_at = self._arrival(self._to_peer_at)
            self._agenda.at(self._to_peer_at, partial(self._arrive, piece))

    def gateway_closed(self) -> None:
        """The gateway closed its end, or ends writing; the peer sees the end of the stream."""
        if self.ended_at is None:
            self.ended_at = self._agenda.now
        self._to_peer_at = self._arrival(self._to_peer_at)
        self._agenda.at(self._to_peer_at, self._end_peer)

    def gateway_died(self, fate: str) -> None:
        """The process is gone. ``sent``: what it wrote still arrives; ``lost``: it does not; ``dark``: the peer finds
        out only after a while."""
        self.is_disturbed = True
        self.stream.die()
        self.ended_at = self._agenda.now
        if fate == "sent":
            self.gateway_closed()
        else:
            self._is_dark = True
            self._agenda.after(0.01 if fate == "lost" else self.rng.uniform(0.5, 3.0), self._end_peer)

    # --- the peer's end ---

    def send(self, octets: bytes, on_read: Callable[[], None] | None = None) -> None:
        """Send to the gateway; ``on_read`` is called when the gateway has read all of it."""
        if self.is_over:
            return
        *pieces, last = self._pieces(octets)
        for piece in pieces:
            self._feed_later(piece, None)
        self._feed_later(last, on_read)

    def close(self) -> None:
        """End it in order: what was sent arrives first."""
        if not self.is_over:
            self._feed_later(b"", None)
            self._end_peer()

    def written(self, octets: int) -> Written:
        """The write of the gateway that ended with the next ``octets`` of those that arrived."""
        self._arrived_octets += octets
        while self._written[0].end_offset < self._arrived_octets:
            self._written.popleft()
        return self._written[0]

    # --- what the world does to it ---

    def reset(self) -> None:
        """Break it: both ends learn of it, and what is on its way is lost."""
        self.is_disturbed = True
        if self.ended_at is None:
            self.ended_at = self._agenda.now
        self._is_dark = True
        self.stream.fail()
        self._end_peer()

    def go_dark(self, peer_notices_after_s: float) -> None:
        """Nothing passes any more; the gateway has to find out by itself."""
        self.is_disturbed = True
        self._is_dark = True
        self._agenda.after(peer_notices_after_s, self._end_peer)

    def pause(self) -> None:
        """The peer reads nothing until :meth:`resume`."""
        self.is_disturbed = True
        self._is_paused = True

    def resume(self) -> None:
        self._is_paused = False
        octets, self._unread = bytes(self._unread), bytearray()
        self._room_made.set()
        if octets:
            self._arrive(octets)

    def heal(self) -> None:
        """What was held up flows again; what is dark is found out at once."""
        if self._is_dark and self.ended_at is None:
            self.reset()
        self.resume()

    # --- the rest ---

    def _pieces(self, octets: bytes) -> list[bytes]:
        if len(octets) < 2 or self.rng.random() >= self.weather.split:
            return [octets]
        cuts = sorted(self.rng.randrange(1, len(octets)) for _ in range(self.rng.randrange(1, PIECES_MAX)))
        edges = [0, *cuts, len(octets)]
        return [octets[start:end] for start, end in pairwise(edges) if end > start]

    def _feed_later(self, octets: bytes, on_read: Callable[[], None] | None) -> None:
        """Let octets arrive at the gateway; none are the end of the stream."""

        def feed() -> None:
            if not self._is_dark:
                self.stream.feed(octets, on_read)

        self._to_gateway_at = self._arrival(self._to_gateway_at)
        self._agenda.at(self._to_gateway_at, feed)

    def _arrival(self, previous: float) -> float:
        weather = self.weather
        at = max(previous, self._agenda.now + self.rng.uniform(*weather.latency_s) + weather.extra_s)
        if weather.extra_s:
            weather.slow_until = max(weather.slow_until, at)
        return at

    def _arrive(self, octets: bytes) -> None:
        if self.is_over or self._is_dark:
            return
        if self._is_paused:
            self._unread += octets
        elif self.peer is not None:
            self.peer.on_octets(octets)

    def _end_peer(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._room_made.set()
            if self.peer is not None:
                self.peer.on_closed()


class GatewayStream(trio.abc.HalfCloseableStream):
    """The gateway's end of a :class:`Wire`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._octets = bytearray()
        self._marks = deque[tuple[int, Callable[[], None]]]()
        self._fed = 0
        self._read = 0
        self._changed = trio.Event()
        self._is_at_end = False
        self._is_broken = False
        self._is_closed = False
        self._is_dead = False
        self._blocked_since: tuple[float, int] | None = None

    # --- trio's ---

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        while not self._octets:
            self._raise_if_over()
            if self._is_at_end:
                return b""
            self._changed = trio.Event()
            await self._changed.wait()
        self._raise_if_over()
        count = min(len(self._octets), max_bytes or len(self._octets))
        rng = self._wire.rng
        if count > 1 and rng.random() < self._wire.weather.split:
            count = rng.randrange(1, count)
        octets = bytes(self._octets[:count])
        del self._octets[:count]
        self._read += count
        while self._marks and self._marks[0][0] <= self._read:
            self._marks.popleft()[1]()
        return octets

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        wire, octets = self._wire, bytes(data)
        taken_at = asked_at = trio.current_time()
        asked_at_ms = wire.now_ms()
        if self._blocked_since is not None:
            asked_at, asked_at_ms = self._blocked_since
            self._blocked_since = None
        await trio.lowlevel.checkpoint()
        self._raise_if_over()
        while not wire.has_room():
            self._blocked_since = asked_at, asked_at_ms
            await wire.wait_room()
            self._raise_if_over()
        wire.observer.before_write(octets)
        if not self._is_dead:
            wire.write(octets, asked_at, asked_at_ms, taken_at)
            wire.observer.after_write(octets)

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        self._raise_if_over()
        self._wire.gateway_closed()

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._changed.set()
            if not self._is_dead and not self._is_broken:
                self._wire.gateway_closed()
        await trio.lowlevel.checkpoint()

    # --- the wire's ---

    def feed(self, octets: bytes, on_read: Callable[[], None] | None) -> None:
        """Octets have arrived; none are the end of the stream."""
        if self._is_closed or self._is_dead or self._is_broken:
            return
        self._is_at_end |= not octets
        self._octets += octets
        self._fed += len(octets)
        if on_read is not None:
            self._marks.append((self._fed, on_read))
        self._changed.set()

    def fail(self) -> None:
        """The connection broke."""
        self._is_broken = True
        self._octets.clear()
        self._changed.set()
        self._wire.wake_writer()

    def die(self) -> None:
        """The process is gone: nothing is read or written any more."""
        self._is_dead = True
        self.fail()

    def _raise_if_over(self) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError
        if self._is_broken:
            raise trio.BrokenResourceError
