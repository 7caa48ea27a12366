"""A carrier of a run, as a process of its own: takes submits, sends receipts, and survives its own ``kill -9``.

Theory of operation. Every decision stands in the journal (one JSON object a line) before anybody hears of it, so after
a kill the journal says what was promised: a message that was taken, and each receipt and each handset's text until it
was acknowledged. Restarted on the same journal it goes on with what is still owed. What it took but could not answer
before it or its peer died is what the server is in doubt about.

Ids are made of a counter from 1 in every carrier, so two carriers' ids are equal all the time, and a correlation that
forgets the carrier shows at once. Two of the three ways to write them (:data:`ID_STYLES`) give ids that differ in a
leading zero or in the case of a letter alone, so that what is normalised wrongly meets another message's id.

Run as ``python -m tools.chaos.carrier --port N --journal FILE``; prints ``listening`` when it does.
"""

import argparse
import heapq
import signal
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import trio
from attrs import astuple, define, field

from tools.chaos import wire
from tools.chaos.carrier_session import FINAL_STATES, Owed, Session, now_ms
from tools.chaos.journal import Journal
from tools.chaos.workload import CANARY

DELIVER_WINDOW = 100
RETRY_S = 0.3
"""Pause before what was refused is sent again."""
ANSWER_TIMEOUT_S = 8.0
"""What was not answered for so long is sent again."""

ESME_RSYSERR = 0x08
ESME_RINVDSTADR = 0x0B
ESME_RTHROTTLED = 0x58
REFUSALS = {ESME_RSYSERR: 0.01, ESME_RTHROTTLED: 0.001, ESME_RINVDSTADR: 0.005}
PERMANENT = frozenset({ESME_RINVDSTADR})
"""Refusals after which neither side tries again."""

MO_NUMBERS = {"53849": 45, "61001": 45, "99999": 10}
"""Numbers that handsets write to, and their weights; nobody owns the last."""
MO_QUIET_S = 0.5
"""Handsets write only while messages come."""

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
    mo_rate_per_s: float = 10.0
    """Texts that handsets write, while messages come."""


@define(order=True)
class _Due:
    at: float
    order: int
    act: Callable[[], None] = field(order=False)


class Carrier:
    """The carrier's state and its one timer task."""

    def __init__(
        self,
        name: str,
        journal: Journal,
        rng: Random,
        manners: Manners,
        id_of: Callable[[int], str] = ID_STYLES["plain"],
    ) -> None:
        self._name = name
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
        self._written = 0
        """Handsets' texts so far."""
        self._submitted_at = 0.0
        self._ready: list[Owed] = []
        self._recover(journal.lines)

    def _recover(self, events: list[dict[str, Any]]) -> None:
        owed: dict[str, Owed] = {}
        for event in events:
            if event["e"] == "submit" and event["status"] == wire.ESME_ROK:
                self._taken += 1
                if event["state"]:
                    owed[event["id"]] = Owed(event["id"], event["state"], event["to"], event["from"])
            elif event["e"] == "mo" and event["id"] not in owed:
                self._written += 1
                owed[event["id"]] = Owed(event["id"], 0, event["from"], event["to"])
            elif event["e"] in ("ack", "mo_ack") and _is_last_word(event["status"]):
                if event["e"] == "ack":
                    owed.pop(event["id"], None)
                elif event["id"] in owed:
                    owed[event["id"]].is_over = True
        for each in owed.values():
            if not each.is_over:
                self._after(self._rng.uniform(*self._manners.receipt_s), self._deliver, each)

    async def run(self, port: int, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen on 127.0.0.1 until cancelled."""
        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tick)
            nursery.start_soon(self._write_texts)
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
        content = message.content
        self._submitted_at = time.monotonic()
        self._journal.add(
            e="submit", nonce=wire.nonce_of(content.body), id=message_id, status=status, state=state, ms=now_ms(),
            un=session.submits_unanswered, c=_plain(content), **{"from": message.source, "to": message.destination},
        )  # fmt: skip
        answer_after_s = rng.uniform(*manners.latency_s)
        body = message_id.encode() + b"\0" if message_id else b""
        response = wire.pdu(wire.SUBMIT_SM | wire.RESP, number, body, status)
        self._after(answer_after_s, session.answer_submit, response)
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
        self._journal.add(e="mo_ack" if owed.is_mo else "ack", id=owed.key, state=owed.state, status=status,
                          **{"from": owed.source, "to": owed.destination})  # fmt: skip
        if _is_last_word(status):
            owed.is_over = True
        else:
            self._after(RETRY_S, self._deliver, owed)

    def breached(self, text: str) -> None:
        """The server did what the specification does not allow."""
        self._journal.add(e="breach", text=text)

    async def _write_texts(self) -> None:
        """Handsets' texts, each different, so that it can be followed."""
        while True:
            await trio.sleep(self._rng.expovariate(self._manners.mo_rate_per_s))
            if time.monotonic() - self._submitted_at > MO_QUIET_S:
                continue
            self._written += 1
            number = self._rng.choices(list(MO_NUMBERS), list(MO_NUMBERS.values()))[0]
            text = f"{self._name} mo{self._written:08d} {CANARY}"
            self._deliver(Owed(text, 0, f"44770090{self._rng.randrange(10_000):04d}", number))
            self._wake.set()

    def _deliver(self, owed: Owed) -> None:
        self._ready.append(owed)

    def _pump(self) -> None:
        """Send what is ready over the sessions that have room."""
        ready, self._ready = self._ready, []
        for owed in ready:
            sessions = [s for s in self._sessions if s.is_bound and len(s.outstanding) < DELIVER_WINDOW]
            if not sessions:
                self._ready.append(owed)
                continue
            self._journal.add(e="mo" if owed.is_mo else "receipt", id=owed.key, state=owed.state,
                              **{"from": owed.source, "to": owed.destination})  # fmt: skip
            session = self._rng.choice(sessions)
            session.send_owed(owed)
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


def _is_last_word(status: int) -> bool:
    """Whether what was answered so need not be sent again."""
    return status == wire.ESME_ROK or status in PERMANENT


def _plain(content: wire.Content) -> list[Any]:
    """A content as JSON can hold it."""
    *fields, body, tlvs = astuple(content)
    return [*fields, body.hex(), [[tag, value.hex()] for tag, value in tlvs]]


async def _main(port: int, journal: Path, seed: int, ids: str) -> None:
    carrier = Carrier(journal.stem, Journal(journal), Random(seed), Manners(), ID_STYLES[ids])
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
