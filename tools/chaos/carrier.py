"""A carrier of a run, as a process of its own: takes submits, sends receipts, and survives its own ``kill -9``.

Theory of operation. Every decision stands in the journal (one JSON object a line) before anybody hears of it, so after
a kill the journal says what was promised: a message that was taken, and each receipt until it was acknowledged.
Restarted on the same journal it goes on with the receipts that are still owed. What it took but could not answer
before it or its peer died is what the server is in doubt about.

Ids are made of a counter from 1 in every carrier, so two carriers' ids are equal all the time, and a correlation that
forgets the carrier shows at once. Two of the three ways to write them (:data:`ID_STYLES`) give ids that differ in a
leading zero or in the case of a letter alone, so that what is normalised wrongly meets another message's id.

Run as ``python -m tools.chaos.carrier --port N --journal FILE``; prints ``listening`` when it does.
"""

import argparse
import heapq
import json
import os
import signal
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import trio
from attrs import define, field

from tools.chaos import wire

READ_OCTETS = 65_536
RECEIPT_WINDOW = 100
RETRY_S = 0.3
"""Pause before a receipt that was refused is sent again."""
ANSWER_TIMEOUT_S = 8.0
"""A receipt that was not answered for so long is sent again."""

ESME_RSYSERR = 0x08
ESME_RINVDSTADR = 0x0B
ESME_RTHROTTLED = 0x58
REFUSALS = {ESME_RSYSERR: 0.01, ESME_RTHROTTLED: 0.001, ESME_RINVDSTADR: 0.005}

FINAL_STATES = {2: ("DELIVRD", 0.90), 5: ("UNDELIV", 0.07), 3: ("EXPIRED", 0.02), 8: ("REJECTD", 0.01)}
WORDS = {state: word for state, (word, _) in FINAL_STATES.items()}

ID_STYLES: dict[str, Callable[[int], str]] = {
    "plain": str,
    "zeros": lambda number: "0" * (number % 2) + str((number + 1) // 2),
    "case": lambda number: ("x" if number % 2 else "X") + str((number + 1) // 2),
}
"""How the nth message's id is written: ``1 2 3 4``, ``01 1 02 2``, ``x1 X1 x2 X2``."""


@define
class Manners:
    """How it behaves, within bounds; shares are 0 to 1."""

    latency_s: tuple[float, float] = (0.002, 0.050)
    receipt_s: tuple[float, float] = (0.010, 0.300)
    early: float = 0.03
    """Receipts that leave before the submit_sm_resp."""
    twice: float = 0.02
    """Receipts that are sent twice for no reason."""


@define(eq=False)
class Owed:
    """A receipt that was not acknowledged yet."""

    message_id: str
    state: int
    source: str
    destination: str
    is_over: bool = False


class Journal:
    """Appends lines; one ``write`` a batch, so that a kill costs at most the batch that nobody heard of."""

    def __init__(self, path: Path) -> None:
        self.lines = _whole_lines(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._pending: list[str] = []

    def add(self, **event: Any) -> None:
        self._pending.append(json.dumps({"t": time.monotonic(), **event}))

    def write(self) -> None:
        """All that was added is in the file afterwards."""
        if self._pending:
            octets = ("\n".join(self._pending) + "\n").encode()
            self._pending.clear()
            while octets:
                octets = octets[os.write(self._file, octets) :]


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """The events in a journal; a last line that a kill cut short is cut off the file."""
    if not path.exists():
        return []
    octets = path.read_bytes()
    whole = octets[: octets.rfind(b"\n") + 1]
    if len(whole) < len(octets):
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


class Session:
    """One association with the server."""

    def __init__(self, stream: trio.SocketStream, carrier: "Carrier") -> None:
        self._stream = stream
        self._carrier = carrier
        self._outbox = bytearray()
        self._work = trio.Event()
        self._numbers = count(1)
        self.outstanding: dict[int, Owed] = {}
        self.is_bound = False
        self.is_over = False

    async def run(self) -> None:
        """Serve until the peer is gone."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                await self._read()
                nursery.cancel_scope.cancel()
        finally:
            self.is_over = True
            await trio.aclose_forcefully(self._stream)
            self._carrier.session_ended(self)

    def send(self, octets: bytes) -> None:
        self._outbox += octets
        self._work.set()

    def send_receipt(self, owed: Owed) -> None:
        number = next(self._numbers)
        self.outstanding[number] = owed
        self.send(wire.receipt(number, owed.source, owed.destination, owed.message_id, WORDS[owed.state], owed.state))

    async def _read(self) -> None:
        frames = wire.Frames()
        while True:
            try:
                octets = await self._stream.receive_some(READ_OCTETS)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not octets:
                return
            for command_id, status, number, body in frames.feed(bytes(octets)):
                self._serve(command_id, status, number, body)
            self._carrier.after_batch()

    def _serve(self, command_id: int, status: int, number: int, body: bytes) -> None:
        if command_id == wire.SUBMIT_SM:
            self._carrier.submitted(self, number, wire.ShortMessage(body))
        elif command_id == wire.DELIVER_SM | wire.RESP:
            owed = self.outstanding.pop(number, None)
            if owed is not None:
                self._carrier.answered(owed, status)
        elif command_id == wire.BIND_TRANSCEIVER:
            self.is_bound = True
            self.send(wire.pdu(command_id | wire.RESP, number, b"carrier\0"))
            self._carrier.bound()
        elif command_id in (wire.ENQUIRE_LINK, wire.UNBIND):
            self.send(wire.pdu(command_id | wire.RESP, number))
            self.is_bound = self.is_bound and command_id != wire.UNBIND

    async def _write(self) -> None:
        while True:
            await self._work.wait()
            self._work = trio.Event()
            octets, self._outbox = bytes(self._outbox), bytearray()
            try:
                await self._stream.send_all(octets)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return


@define(order=True)
class _Due:
    at: float
    order: int
    act: Callable[[], None] = field(order=False)


class Carrier:
    """The carrier's state and its one timer task."""

    def __init__(
        self, journal: Journal, rng: Random, manners: Manners, id_of: Callable[[int], str] = ID_STYLES["plain"]
    ) -> None:
        self._journal = journal
        self._id_of = id_of
        self._rng = rng
        self._manners = manners
        self._sessions: list[Session] = []
        self._due: list[_Due] = []
        self._order = count()
        self._wake = trio.Event()
        self._taken = 0
        """Messages taken so far; the last one's id is made of it."""
        self._ready: list[Owed] = []
        self._recover(journal.lines)

    def _recover(self, events: list[dict[str, Any]]) -> None:
        owed: dict[str, Owed] = {}
        for event in events:
            if event["e"] == "submit" and event["status"] == wire.ESME_ROK:
                self._taken += 1
                if event["state"]:
                    owed[event["id"]] = Owed(event["id"], event["state"], event["to"], event["from"])
            elif event["e"] == "ack" and event["status"] == wire.ESME_ROK:
                owed.pop(event["id"], None)
        for each in owed.values():
            self._after(self._rng.uniform(*self._manners.receipt_s), self._deliver, each)

    async def run(self, port: int, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen on 127.0.0.1 until cancelled."""
        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tick)
            task_status.started()
            await trio.serve_listeners(self._serve, listeners)

    async def _serve(self, stream: trio.SocketStream) -> None:
        session = Session(stream, self)
        self._sessions.append(session)
        await session.run()

    def session_ended(self, session: Session) -> None:
        self._sessions.remove(session)
        self._ready += session.outstanding.values()
        self._pump()

    def bound(self) -> None:
        self._pump()

    def after_batch(self) -> None:
        """What was decided is written before the timer task lets anybody hear of it."""
        self._journal.write()
        self._pump()

    def submitted(self, session: Session, number: int, message: wire.ShortMessage) -> None:
        rng, manners = self._rng, self._manners
        status = self._refusal()
        message_id, state = "", 0
        if status == wire.ESME_ROK:
            self._taken += 1
            message_id = self._id_of(self._taken)
            if message.registered_delivery & 3:
                states = list(FINAL_STATES)
                state = rng.choices(states, [FINAL_STATES[each][1] for each in states])[0]
        self._journal.add(
            e="submit", nonce=message.short_message, id=message_id, status=status, state=state,
            ms=time.time_ns() // 1_000_000, **{"from": message.source, "to": message.destination},
        )  # fmt: skip
        answer_after_s = rng.uniform(*manners.latency_s)
        body = message_id.encode() + b"\0" if message_id else b""
        response = wire.pdu(wire.SUBMIT_SM | wire.RESP, number, body, status)
        self._after(answer_after_s, session.send, response)
        if state:
            owed = Owed(message_id, state, message.destination, message.source)
            receipt_after_s = answer_after_s + rng.uniform(*manners.receipt_s)
            if rng.random() < manners.early:
                receipt_after_s = rng.uniform(0, answer_after_s)
            self._after(receipt_after_s, self._deliver, owed)
            if rng.random() < manners.twice:
                self._after(receipt_after_s + rng.uniform(0, 0.2), self._deliver, owed)

    def _refusal(self) -> int:
        draw = self._rng.random()
        for status, share in REFUSALS.items():
            draw -= share
            if draw < 0:
                return status
        return wire.ESME_ROK

    def answered(self, owed: Owed, status: int) -> None:
        self._journal.add(e="ack", id=owed.message_id, state=owed.state, status=status)
        if status == wire.ESME_ROK:
            owed.is_over = True
        else:
            self._after(RETRY_S, self._deliver, owed)

    def _deliver(self, owed: Owed) -> None:
        self._ready.append(owed)

    def _pump(self) -> None:
        """Send what is ready over the sessions that have room."""
        ready, self._ready = self._ready, []
        for owed in ready:
            sessions = [s for s in self._sessions if s.is_bound and len(s.outstanding) < RECEIPT_WINDOW]
            if not sessions:
                self._ready.append(owed)
                continue
            self._journal.add(e="receipt", id=owed.message_id, state=owed.state)
            session = self._rng.choice(sessions)
            session.send_receipt(owed)
            self._after(ANSWER_TIMEOUT_S, self._repeat_unanswered, session, owed)
        self._journal.write()

    def _repeat_unanswered(self, session: Session, owed: Owed) -> None:
        numbers = [number for number, each in session.outstanding.items() if each is owed]
        if numbers and not session.is_over and not owed.is_over:
            for number in numbers:
                del session.outstanding[number]
            self._deliver(owed)

    def _after(self, delay_s: float, act: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._due, _Due(time.monotonic() + delay_s, next(self._order), lambda: act(*arguments)))
        self._wake.set()

    async def _tick(self) -> None:
        while True:
            now = time.monotonic()
            while self._due and self._due[0].at <= now:
                heapq.heappop(self._due).act()
            self._pump()
            self._wake = trio.Event()
            with trio.move_on_after(max(self._due[0].at - now, 0.001) if self._due else 60.0):
                await self._wake.wait()
            await trio.sleep(0.001)


async def _main(port: int, journal: Path, seed: int, ids: str) -> None:
    carrier = Carrier(Journal(journal), Random(seed), Manners(), ID_STYLES[ids])
    async with trio.open_nursery() as nursery:
        await nursery.start(carrier.run, port)
        print("listening", flush=True)
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                nursery.cancel_scope.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description="A carrier of a chaos run.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ids", choices=ID_STYLES, default="plain")
    arguments = parser.parse_args()
    trio.run(_main, arguments.port, arguments.journal, arguments.seed, arguments.ids)


if __name__ == "__main__":
    main()
