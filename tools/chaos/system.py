"""The processes of a run, each of which may be killed, stopped, continued and started again: the server, its carriers.

Ports are taken below the ephemeral range: a client that connects again and again to a dead port of that range can end
up connected to itself.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import trio
from attrs import define, evolve, field

from tools.chaos.configuration import CARRIERS, PRICE_LISTS, Ports, Sizes, configuration
from tools.chaos.history import Start
from tools.chaos.injection import Conditions, Control, Wrapping

ROOT = Path(__file__).resolve().parents[2]
START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 30.0
OBEY_DEADLINE_S = 30.0
POLL_S = 0.01

ID_STYLES = {"alpha": "plain", "beta": "zeros", "gamma": "case"}
"""How each carrier writes its ids; see :data:`tools.chaos.carrier.ID_STYLES`."""


class SystemFailed(Exception):
    """A process did not start or did not stop."""


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again; processes and sockets give no event for what is waited for here."""
    while True:
        if is_so():
            return
        await trio.sleep(POLL_S)


@define(eq=False)
class Process:
    """A command that can be started again and again; its output goes to a file."""

    name: str
    command: list[str]
    ready_word: str
    output: Path
    popen: subprocess.Popen[bytes] | None = None
    starts: list[Start] = field(factory=list)
    """Those that were waited for."""
    expected_end: bool = False
    """Somebody here has ended it; any other end is an anomaly."""
    anomalies: list[str] = field(factory=list)

    async def start(self, wait: bool = True) -> None:
        """Start it, and wait until it says that it is ready. Raises SystemFailed."""
        offset = self.output.stat().st_size if self.output.exists() else 0
        began_at = time.monotonic()
        self._spawn()
        if wait:
            await self.wait_ready(offset)
            self.starts.append(Start(began_at, time.monotonic()))

    def _spawn(self) -> None:
        self.expected_end = False
        with self.output.open("ab") as output:
            self.popen = subprocess.Popen(
                self.command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )

    async def wait_ready(self, offset: int = 0) -> None:
        with trio.move_on_after(START_DEADLINE_S):
            while True:
                with self.output.open("rb") as output:
                    output.seek(offset)
                    if self.ready_word.encode() in output.read():
                        return
                self.check()
                if not self.is_running:
                    raise SystemFailed(f"{self.name} ended while it started: {self.tail()}")
                await trio.sleep(POLL_S)
        raise SystemFailed(f"{self.name} was not ready in {START_DEADLINE_S:.0f} s: {self.tail()}")

    @property
    def is_running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def check(self) -> None:
        """Note it when the process has ended by itself."""
        if self.popen is not None and self.popen.poll() is not None and not self.expected_end:
            self.expected_end = True
            self.anomalies.append(f"{self.name} ended by itself, status {self.popen.returncode}: {self.tail()}")

    def signal(self, number: signal.Signals) -> None:
        self.check()
        if self.is_running:
            assert self.popen is not None
            self.popen.send_signal(number)

    def kill(self) -> None:
        """``kill -9``, and wait until the kernel has cleared it away."""
        self.check()
        self.expected_end = True
        if self.popen is not None:
            self.popen.kill()
            self.popen.wait()

    async def stop(self) -> None:
        """SIGTERM, and wait for an orderly end; an end that is not orderly is an anomaly."""
        self.signal(signal.SIGTERM)
        self.expected_end = True
        with trio.move_on_after(STOP_DEADLINE_S):
            await until(lambda: not self.is_running)
        if self.is_running:
            self.anomalies.append(f"{self.name} did not stop in {STOP_DEADLINE_S:.0f} s")
            self.kill()
        elif self.popen is not None and self.popen.returncode:
            self.anomalies.append(f"{self.name} stopped with status {self.popen.returncode}: {self.tail()}")

    def tail(self) -> str:
        return self.output.read_bytes()[-600:].decode(errors="replace") if self.output.exists() else ""


class System:
    """One server and its carriers in a folder of their own."""

    def __init__(self, folder: Path, rng: Random, sizes: Sizes, seed_bug: str = "") -> None:
        self.folder = folder
        self.sizes = sizes
        found = _free_ports(5 + 2 * len(CARRIERS), rng)
        self.port, self.http_port, self.front_port, self.http_front_port, self.endpoints_port, *ports = found
        carrier_ports, self.road_ports = (
            ports[: len(CARRIERS)],
            dict(zip(CARRIERS, ports[len(CARRIERS) :], strict=True)),
        )
        self.carrier_ports = dict(zip(CARRIERS, carrier_ports, strict=True))
        self.carriers = {
            name: self._make_carrier(name, port, rng) for name, port in zip(CARRIERS, carrier_ports, strict=True)
        }
        config = folder / "smsagg.toml"
        ports_of_server = Ports(self.port, self.http_port, self.road_ports, self.endpoints_port)
        self._text = configuration(sizes, ports_of_server, self.store_path)
        config.write_text(self._text)
        for name, prices in PRICE_LISTS.items():
            (folder / f"{name}.csv").write_text(prices)
        self._config_path = config
        self._control = Control(folder / "conditions.json")
        self._wrapping = Wrapping(str(self._control.path), seed_bug)
        self.server = Process("server", self._server_command(), "smsagg is ready", folder / "server.log")

    def wrap(self, **changes: Any) -> None:
        """Fields of the :class:`~tools.chaos.injection.Wrapping` that the server is started with from now on."""
        self._wrapping = evolve(self._wrapping, **changes)
        self.server.command = self._server_command()

    async def reload(self, rng: Random) -> None:
        """Have the server go on under another configuration, and wait until it does. Raises SystemFailed."""
        text = self._text
        for name in CARRIERS:
            replaced = f'[carriers.{name}]\nsystem_type = "{rng.choice(("", "one", "two"))}"'
            text = text.replace(f"[carriers.{name}]", replaced)
        text = text.replace('policy = "weighted"', f'policy = "{rng.choice(("weighted", "priority"))}"')
        self._config_path.write_text(f"# {rng.getrandbits(64)}\n{text}")
        offset = self.server.output.stat().st_size
        self.server.signal(signal.SIGHUP)
        with trio.move_on_after(START_DEADLINE_S):
            while True:
                written = self.server.output.read_bytes()[offset:]
                if b'"config_applied"' in written:
                    return
                if b'"config_refused"' in written or not self.server.is_running:
                    break
                await trio.sleep(POLL_S)
        raise SystemFailed(f"the server did not take its configuration: {self.server.tail()}")

    def _server_command(self) -> list[str]:
        wrapped = [sys.executable, "-m", "tools.chaos.wrapped", self._wrapping.as_argument()]
        return [*wrapped, "serve", "--config", str(self._config_path)]

    @property
    def control_path(self) -> Path:
        return self._control.path

    async def set_conditions(self, **conditions: Any) -> None:
        """How the server's disk and clock are from now on, all else in good health. Raises SystemFailed."""
        self._control.set(Conditions(**conditions))
        with trio.move_on_after(OBEY_DEADLINE_S):
            await until(lambda: self._control.is_obeyed or not self.server.is_running)
            return
        raise SystemFailed(f"the server did not take {self._control.conditions}")

    @property
    def store_path(self) -> Path:
        return self.folder / "smsagg.db"

    def journal_path(self, carrier: str) -> Path:
        return self.folder / f"{carrier}.jsonl"

    @property
    def processes(self) -> list[Process]:
        return [self.server, *self.carriers.values()]

    async def start(self) -> None:
        for process in [*self.carriers.values(), self.server]:
            await process.start()

    async def stop(self) -> None:
        for process in self.processes:
            process.signal(signal.SIGCONT)
            await process.stop()

    def kill(self) -> None:
        """Leave nothing running, whatever has happened."""
        for process in self.processes:
            if process.is_running:
                process.kill()

    def anomalies(self) -> list[str]:
        for process in self.processes:
            process.check()
        return [anomaly for process in self.processes for anomaly in process.anomalies]

    def _make_carrier(self, name: str, port: int, rng: Random) -> Process:
        command = [sys.executable, "-m", "tools.chaos.carrier", "--port", str(port)]
        command += ["--journal", str(self.journal_path(name)), "--seed", str(rng.getrandbits(32))]
        command += ["--ids", ID_STYLES[name]]
        return Process(name, command, "listening", self.folder / f"{name}.log")


def _free_ports(number_of: int, rng: Random) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now, outside the ephemeral range."""
    ports: list[int] = []
    while len(ports) < number_of:
        port = rng.randrange(12_000, 30_000) ^ (os.getpid() & 0x3FF)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports
