"""A test bed that parts of a bench set up as they need: carriers, one server, loads in fore- and background.

Ports are chosen when the bed is made, so that a carrier or the server can go away and come back at the same address.
What a run cost the server is read from ``/proc`` before and after it.
"""

import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
from attrs import define, field

from tools.bench.processes import SMSAGG, Usage, end_process, start_process, usage_of

PASSWORD = "demo-pw"
PASSWORD_HASH = "$argon2id$v=19$m=19456,t=3,p=1$noX+Iw763ShLhVZnnser4A$M1DcfYGpzs4iR6ubb7HmTvh5JgrsN11OGA5JJIcDMMI"
LOAD_TIMEOUT_S = 400.0
SAMPLE_INTERVAL_S = 0.25

BASE = """
[server]
smpp_listen = "127.0.0.1:{smpp}"
http_listen = "127.0.0.1:{http}"
sessions_per_address_max = 5_000
[store]
path = "{folder}/bench.db"
[log]
level = "warning"
[routing]
default_pool = "world"
"""

Row = dict[str, Any]


def account(name: str, **settings: object) -> str:
    """An ``[accounts]`` table whose ``system_id`` is its name."""
    return _table(f"accounts.{name}", {"system_id": name, "password_hash": PASSWORD_HASH, **settings})


def pool(name: str, carriers: Sequence[str], **settings: object) -> str:
    return _table(f"pools.{name}", {"carriers": list(carriers), **settings})


def carrier(name: str, port: int, **settings: object) -> str:
    """A ``[carriers]`` table of type smpp; each carrier binds with its own name and is quick to come back."""
    common = {"type": "smpp", "address": f"127.0.0.1:{port}", "system_id": name, "reconnect_max": "1s"}
    return _table(f"carriers.{name}", {**common, **settings})


def _table(name: str, settings: dict[str, object]) -> str:
    lines = [f"{key} = {orjson.dumps(value).decode()}" for key, value in settings.items()]  # JSON scalars are TOML
    return "\n".join([f"[{name}]", *lines, ""])


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@define(eq=False)
class RunningLoad:
    """A ``smsagg load`` in the background."""

    process: subprocess.Popen[bytes]
    summary_path: Path

    def wait(self, timeout_s: float = LOAD_TIMEOUT_S) -> Row:
        self.process.wait(timeout_s)
        row: Row = orjson.loads(self.summary_path.read_bytes())
        return row

    def stop(self) -> Row:
        """Have it end early and report."""
        self.process.send_signal(signal.SIGINT)
        return self.wait(30.0)


@define(eq=False)
class Bed:
    """A folder and the processes in it; ended with the ``with`` block of :func:`test_bed`."""

    folder: Path
    smpp: int = field(factory=free_port)
    http: int = field(factory=free_port)
    tls: int = field(factory=free_port)
    server_pid: int = 0
    start_s: float = 0.0
    """How long the last start of the server took until it accepted."""
    _processes: dict[int, subprocess.Popen[Any]] = field(factory=dict)
    _loads: int = 0

    # --- processes ---

    def start_carrier(self, *options: str, port: int = 0) -> tuple[int, int]:
        """A ``smsagg simulate``; its process id and port."""
        process, line = start_process(
            "listening on ", [*SMSAGG, "simulate", "--port", str(port), *options], self.folder
        )
        self._processes[process.pid] = process
        return process.pid, int(line.rpartition(":")[2])

    def start_server(self, *tables: str) -> None:
        """A ``smsagg serve`` with the base configuration and these tables; without any: with those of last time."""
        path = self.folder / "bench.toml"
        if tables:
            base = BASE.format(smpp=self.smpp, http=self.http, folder=self.folder)
            path.write_text(base + "\n".join(tables))
        began = time.monotonic()
        process, _ = start_process("SMPP ", [*SMSAGG, "serve", "--config", str(path)], self.folder)
        self.start_s = time.monotonic() - began
        self._processes[process.pid] = process
        self.server_pid = process.pid

    def start_tool(self, word: str, module: str, *options: str) -> tuple[int, str]:
        """One of our own modules as a process, once it printed a line with ``word``."""
        process, line = start_process(word, [SMSAGG[0], "-m", module, *options], self.folder)
        self._processes[process.pid] = process
        return process.pid, line

    def end(self, pid: int) -> None:
        """SIGTERM, and wait."""
        end_process(self._processes.pop(pid))

    def kill(self, pid: int) -> None:
        """SIGKILL, and wait."""
        process = self._processes.pop(pid)
        process.kill()
        process.communicate()

    def signal(self, pid: int, number: signal.Signals) -> None:
        self._processes[pid].send_signal(number)

    def close(self) -> None:
        for pid in reversed(list(self._processes)):
            with suppress(OSError):
                self.end(pid)

    # --- loads ---

    def begin_load(self, *options: str, port: int = 0) -> RunningLoad:
        """Start ``smsagg load`` and return at once."""
        self._loads += 1
        path = self.folder / f"load{self._loads}.json"
        command = [*SMSAGG, "load", "--port", str(port or self.smpp), "--quiet", "--json", str(path), *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._processes[process.pid] = process
        return RunningLoad(process, path)

    def load(self, name: str, *options: str, port: int = 0) -> Row:
        """Run ``smsagg load`` to its end; its summary and what the server used meanwhile, per message sent."""
        with self.measured() as cost:
            row = self.begin_load(*options, port=port).wait()
        return {"name": name, **row, **cost.per_message(row["sent"])}

    def warm_up(self, *options: str, port: int = 0) -> None:
        """Grow files and fill caches; raises when messages do not come through at all."""
        row = self.begin_load("--messages", "5000", "--patience", "10s", *options, port=port).wait()
        if row["receipts"] < row["sent"]:
            raise RuntimeError(f"the system does not work: {row}")

    @contextmanager
    def measured(self) -> Iterator["Cost"]:
        """What the server uses during the block, and its largest memory."""
        cost = Cost(usage_of(self.server_pid))
        with Sampler(self.server_pid) as sampler:
            yield cost
        cost.after, cost.resident = usage_of(self.server_pid), sampler.resident

    def metrics(self) -> str:
        """What the server's ``/metrics`` says now."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=30) as response:
            text: str = response.read().decode()
        return text

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's children that have these labels."""
        return total(self.metrics(), name, **labels)


def total(text: str, name: str, **labels: str) -> float:
    """The sum of a metric's children that have these labels, in the text of ``/metrics``."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    found = 0.0
    for line in text.splitlines():
        if line.startswith((f"{name} ", f"{name}{{")) and all(label in line for label in wanted):
            found += float(line.rpartition(" ")[2])
    return found


@define(eq=False)
class Cost:
    """Of the server, over a while."""

    before: Usage
    after: Usage | None = None
    resident: list[int] = field(factory=list)

    @property
    def cpu_s(self) -> float:
        assert self.after is not None
        return self.after.cpu_s - self.before.cpu_s

    def per_message(self, messages: int) -> Row:
        assert self.after is not None
        return {
            "server_cpu_us_per_message": self.cpu_s / max(messages, 1) * 1e6,
            "server_resident_before_octets": self.before.resident_octets,
            "server_resident_octets": self.after.resident_octets,
            "server_resident_max_octets": max([self.before.resident_octets, *self.resident]),
        }


class Sampler:
    """Looks at a process's memory four times a second for the length of the block."""

    def __init__(self, pid: int) -> None:
        self.resident: list[int] = []
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_INTERVAL_S):
            try:
                self.resident.append(usage_of(self._pid).resident_octets)
            except (OSError, KeyError):  # it has gone
                return


@contextmanager
def test_bed() -> Iterator[Bed]:
    """A bed in a temporary folder; every process in it is ended and the folder removed after the block."""
    folder = Path(tempfile.mkdtemp(prefix="smsagg-bench-"))
    bed = Bed(folder)
    try:
        yield bed
    finally:
        bed.close()
        shutil.rmtree(folder, ignore_errors=True)
