"""The fifth log: what the server uses, what its metrics say, and when the machine let nobody run."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

import trio

from smsagg.errors import SmsaggError
from tools.chaos.history import Sample, Series, Stall
from tools.chaos.system import System

SAMPLE_S = 0.5
TICK_S = 0.02
STALL_S = 0.25
"""A tick that comes so much too late: the harness was not let run."""
SCRAPE_DEADLINE_S = 3.0
PAGE_OCTETS = os.sysconf("SC_PAGE_SIZE")


class ScrapeFailed(SmsaggError):
    """/metrics was not to be had."""


class Recorder:
    """Samples the server of a system until cancelled."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.samples: list[Sample] = []
        self.stalls: list[Stall] = []
        self.scraped = ""
        """The last exposition."""

    async def run(self) -> None:
        """Both logs, in two tasks."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._sample_again_and_again)
            nursery.start_soon(self._watch_machine)

    async def scrape(self) -> dict[str, Series]:
        """The server's metrics now. Raises ScrapeFailed."""
        self.scraped = await _get("/metrics", self._system.http_port)
        return parse(self.scraped)

    async def _sample_again_and_again(self) -> None:
        while True:
            sample = self._look()
            if sample is not None:
                try:
                    metrics = await self.scrape()
                except ScrapeFailed:
                    pass
                else:
                    sample.tasks = int(metrics.get("smsagg_loop_tasks", {}).get((), 0))
                    sample.connections = int(metrics.get("smsagg_smpp_connections", {}).get((), 0))
                    outstanding = metrics.get("smsagg_carrier_link_outstanding", {})
                    sample.outstanding = {link: int(number) for (_, link), number in outstanding.items()}
                self.samples.append(sample)
            await trio.sleep(SAMPLE_S)

    def _look(self) -> Sample | None:
        popen = self._system.server.popen
        if popen is None or popen.poll() is not None:
            return None
        folder = Path("/proc") / str(popen.pid)
        try:
            rss_pages = int((folder / "statm").read_text().split()[1])
            fds, threads = len(os.listdir(folder / "fd")), len(os.listdir(folder / "task"))
        except OSError:
            return None
        wal = Path(f"{self._system.store_path}-wal")
        wal_octets = wal.stat().st_size if wal.exists() else 0
        return Sample(time.monotonic(), popen.pid, rss_pages * PAGE_OCTETS, fds, threads, wal_octets)

    async def _watch_machine(self) -> None:
        then = time.monotonic()
        while True:
            await trio.sleep(TICK_S)
            now = time.monotonic()
            if now - then > TICK_S + STALL_S:
                self.stalls.append(Stall(then, now))
            then = now


async def _get(path: str, port: int) -> str:
    """The body of a GET, by HTTP/1.0. Raises ScrapeFailed."""
    chunks: list[bytes] = []
    try:
        with trio.fail_after(SCRAPE_DEADLINE_S):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            async with stream:
                await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                while octets := await stream.receive_some(65_536):
                    chunks.append(bytes(octets))
    except (OSError, trio.TooSlowError, trio.BrokenResourceError) as error:
        raise ScrapeFailed(f"{path}: {error!r}") from error
    head, _, body = b"".join(chunks).partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise ScrapeFailed(f"{path}: {head[:80]!r}")
    return body.decode()


def parse(exposition: str) -> dict[str, Series]:
    """Series by name, from the text format; label values in the order in which they stand."""
    metrics: dict[str, Series] = {}
    for name, labels, value in _lines(exposition):
        metrics.setdefault(name, {})[labels] = value
    return metrics


def _lines(exposition: str) -> Iterable[tuple[str, tuple[str, ...], float]]:
    for line in exposition.splitlines():
        if not line or line.startswith("#"):
            continue
        series, _, value = line.rpartition(" ")
        name, _, rest = series.partition("{")
        labels = tuple(part.split("=", 1)[1].strip('"') for part in rest.rstrip("}").split(",") if part)
        yield name, labels, float(value)
