"""Measures the store alone: whole message lives through SqliteStore, a bounded number in flight.

Each message is committed, updated with its carrier's id, finished with a receipt queued, and its receipt done: four
calls in four commits. Calls come in batches, as from sessions and links. Prints messages per second, CPU time by
thread, and commit latency. Run: ``python tools/bench_store.py --help``.
"""

import argparse
import os
import resource
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

import trio

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreError
from smsagg.model import Delivery, DeliveryKind, Message, MessageState
from smsagg.store.base import Changes, FinishedMessage, MessageUpdate, Store
from smsagg.store.sqlite import open_sqlite_store

NOW = 1_700_000_000_000
SWITCH_INTERVAL_S = 0.0001
TICK_S = 0.002


def _message(seq: int) -> Message:
    return Message(
        seq, f"{seq:08x}{seq * 2654435761 % 2**32:08x}", "acme", "default", "", 5, 0, "ACME", 1, 1,
        f"4479{seq % 10**8:08d}", 0, 0, 0, 1, 0, 0, b"Your code is 123456. Do not share it with anybody.", False, b"",
        "GB", "gb", NOW + seq, NOW + seq, NOW + seq + 86_400_000, next_attempt_at=NOW + seq,
    )  # fmt: skip


def _receipt(message: Message) -> Delivery:
    body = (
        f"id:{message.message_id} sub:001 dlvrd:001 submit date:2311142213 done date:2311142213 stat:DELIVRD"
        " err:000 text:"
    )
    return Delivery(
        message.seq, "acme", DeliveryKind.RECEIPT, "", 1, 1, message.destination_addr, 5, 0, "ACME", 4, 0, 0,
        body.encode(), b"", message.message_id, 2, 0, NOW, NOW + 259_200_000, "GB", NOW,
    )  # fmt: skip


class Life:
    """Drives lives through ``store``; each step begins when the commit of the one before is reported.

    With ``rate_per_s`` messages come evenly and their receipts ``receipt_delay_s`` after the carrier took them;
    without, as fast as ``in_flight`` allows and at once.
    """

    def __init__(self, store: Store, options: argparse.Namespace) -> None:
        self._store = store
        self._messages: int = options.messages
        self._batch: int = options.batch
        self._in_flight: int = options.in_flight
        self._rate_per_s: float = options.rate
        self._receipt_delay_s: float = options.receipt_delay
        self._random_ids: bool = not options.sequential_ids
        self._next_seq = 1
        self._over = 0
        self._reports: deque[tuple[float, list[Message]]] = deque()
        self.accept_s: list[float] = []
        self.done = trio.Event()

    async def run(self) -> None:
        if not self._rate_per_s:
            for _ in range(max(1, self._in_flight // self._batch)):
                self._accept()
            await self.done.wait()
        started_at = trio.current_time()
        while not self.done.is_set():
            now = trio.current_time()
            while self._next_seq <= min(self._messages, (now - started_at) * self._rate_per_s):
                self._accept()
            while self._reports and self._reports[0][0] <= now:
                self._finish(self._reports.popleft()[1])
            with trio.move_on_after(TICK_S):
                await self.done.wait()

    def _carrier_message_id(self, seq: int) -> str:
        return f"{seq * 0x9E3779B97F4A7C15 % 2**64:016x}" if self._random_ids else str(10**9 + seq)

    def _accept(self) -> None:
        first, self._next_seq = self._next_seq, min(self._next_seq + self._batch, self._messages + 1)
        messages = [_message(seq) for seq in range(first, self._next_seq)]
        if messages:
            accepted_at = time.perf_counter()
            self._store.write(Changes(new_messages=messages), lambda error: self._sent(messages, accepted_at, error))

    def _sent(self, messages: list[Message], accepted_at: float, error: StoreError | None) -> None:
        assert error is None
        self.accept_s.append(time.perf_counter() - accepted_at)
        updates = [
            MessageUpdate(m.seq, MessageState.ENROUTE, 1, 0, False, "gb", "alpha", self._carrier_message_id(m.seq), 0)
            for m in messages
        ]
        self._store.write(Changes(message_updates=updates), lambda _error: self._reported(messages))

    def _reported(self, messages: list[Message]) -> None:
        if self._rate_per_s:
            self._reports.append((trio.current_time() + self._receipt_delay_s, messages))
        else:
            self._finish(messages)

    def _finish(self, messages: list[Message]) -> None:
        over = [
            FinishedMessage(m.seq, MessageState.DELIVERED, 1, "alpha", self._carrier_message_id(m.seq), 0, NOW)
            for m in messages
        ]
        changes = Changes(finished=over, new_deliveries=[_receipt(m) for m in messages])
        self._store.write(changes, lambda _error: self._acknowledged(messages))

    def _acknowledged(self, messages: list[Message]) -> None:
        self._store.write(Changes(done_deliveries=[m.seq for m in messages]), lambda _error: self._end(messages))

    def _end(self, messages: list[Message]) -> None:
        self._over += len(messages)
        if self._over == self._messages:
            self.done.set()
        elif not self._rate_per_s:
            self._accept()


def _thread_cpu_s() -> dict[str, float]:
    """CPU seconds of each thread of this process, by name."""
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    used: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        used[names.get(int(task.name), task.name)] = (int(fields[11]) + int(fields[12])) * tick_s
    return used


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def _main(options: argparse.Namespace) -> None:
    messages: int = options.messages
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        settings = StoreSettings(path=f"{folder}/smsagg.db")
        async with open_sqlite_store(settings) as store:
            await store.recover(NOW)
            commits: list[tuple[float, int]] = []
            wal_octets_max = 0

            def on_commit(seconds: float, changes: int) -> None:
                nonlocal wal_octets_max
                commits.append((seconds, changes))
                wal_octets_max = max(wal_octets_max, store.statistics.wal_octets)

            store.on_commit = on_commit
            before, cpu_before, started_at = _thread_cpu_s(), time.process_time(), time.perf_counter()
            life = Life(store, options)
            await life.run()
            elapsed, cpu, after = time.perf_counter() - started_at, time.process_time() - cpu_before, _thread_cpu_s()
            octets = os.stat(settings.path).st_size
        seconds = [taken for taken, _ in commits]
        print(f"{messages} messages in {elapsed:.2f} s: {messages / elapsed:,.0f} messages/s")
        print(f"  {len(commits) / elapsed:.0f} commits/s, {4 * messages / len(commits):.0f} steps of lives in each")
        for name, used in sorted(after.items()):
            print(f"  {(used - before.get(name, 0.0)) / messages * 1e6:6.1f} us CPU a message: {name}")
        print(f"  {cpu / messages * 1e6:6.1f} us CPU a message: process (with this driver)")
        for what, values in ("commit", seconds), ("accept", life.accept_s):
            print(
                f"  {what} p50 {_percentile(values, 0.5) * 1e3:.2f} ms, p99 {_percentile(values, 0.99) * 1e3:.2f} ms,"
                f" max {max(values) * 1e3:.1f} ms"
            )
        print(
            f"  WAL at most {wal_octets_max >> 20} MiB, database {octets / messages:.0f} octets a message,"
            f" peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures the store alone: whole message lives, everything FULL.")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--in-flight", type=int, default=400, help="lives at once when there is no rate")
    parser.add_argument("--batch", type=int, default=20, help="messages in one call")
    parser.add_argument("--rate", type=float, default=0.0, help="messages a second; 0: as fast as possible")
    parser.add_argument("--receipt-delay", type=float, default=1.0, help="seconds, with --rate only")
    parser.add_argument("--sequential-ids", action="store_true", help="carrier ids count up instead of random")
    parser.add_argument("--folder", default=".", help="where the database is made (and removed)")
    return parser.parse_args()


if __name__ == "__main__":
    trio.run(_main, _options())
