"""The world of a run: the carrier, ``smsagg serve`` bound to it, and the client processes; all on loopback."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from smsagg.config.passwords import hash_of
from tools.interop.plan import PASSWORD, short_code_of

HOST = "127.0.0.1"
READY_S = 60.0
STOP_S = 15.0
CLIENTS = Path(__file__).parent / "clients"


@define(eq=False)
class Child:
    """A process whose lines of output are kept; ended by its id."""

    process: subprocess.Popen[str]
    lines: list[str] = field(factory=list)
    _reader: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, pattern: str) -> str:
        """The first group of ``pattern`` in a line of output."""
        deadline = time.monotonic() + READY_S
        while True:
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found.group(1)
            if time.monotonic() > deadline or (self.process.poll() is not None and not self._reader.is_alive()):
                raise RuntimeError(f"no {pattern!r} from {self.process.args!r}: {self.lines[-5:]}")
            time.sleep(0.02)

    def stop(self) -> int:
        """SIGTERM, then SIGKILL; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        status = self.process.wait()
        self._reader.join()
        return status


@contextmanager
def running(command: list[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[Child]:
    """A child process for the length of the block; its errors go to ``log``."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **(env or {})}
        )
    child = Child(process)
    try:
        yield child
    finally:
        child.stop()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


@define
class Server:
    """``smsagg serve`` under test."""

    port: int
    http: str

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name with these labels."""
        with urllib.request.urlopen(f"http://{self.http}/metrics", timeout=READY_S) as response:
            text = response.read().decode()
        total = 0.0
        for line in text.splitlines():
            found = re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
            if found and all(f'{key}="{value}"' in (found.group(1) or "") for key, value in labels.items()):
                total += float(found.group(2))
        return total

    def unbound(self) -> int:
        """Sessions that a client ended by an unbind that was answered."""
        return int(self.metric("smsagg_smpp_sessions_closed_total", reason="peer_unbound"))


@contextmanager
def serving(folder: Path, clients: list[str], carrier: str, port: int) -> Iterator[Server]:
    """A server with an account for each client; ``carrier`` is TOML for ``[carriers.carrier]``."""
    config = folder / "interop.toml"
    config.write_text(config_of(folder, clients, carrier, port))
    with running([sys.executable, "-m", "smsagg", "serve", "--config", str(config)], folder / "serve.log") as child:
        child.wait_for(r"SMPP +\S+:(\d+)")
        http = child.wait_for(r"HTTP +http://([^/ ]+)")
        yield Server(port, http)


def config_of(folder: Path, clients: list[str], carrier: str, port: int) -> str:
    """Accounts named like the clients, each with a short code of its own; one carrier for all countries."""
    accounts = "".join(
        f"""
[accounts.{name}]
system_id = "{name}"
password_hash = "{hash_of(PASSWORD)}"
mo_numbers = ["{short_code_of(index)}"]
"""
        for index, name in enumerate(clients)
    )
    return f"""
[server]
smpp_listen = "{HOST}:{port}"
http_listen = "{HOST}:0"
shutdown_deadline = "5s"

[store]
path = "{folder / "smsagg.db"}"

[routing]
default_pool = "world"

[pools.world]
carriers = ["carrier"]

[carriers.carrier]
{carrier}
{accounts}"""


def smpp_carrier(port: int) -> str:
    return f"""type = "smpp"
address = "{HOST}:{port}"
system_id = "smsagg"
password = "carrier"
reconnect_first = "100ms"
"""


SIMULATED_CARRIER = """type = "simulated"
latency = { min = "1ms", max = "5ms" }
receipts = { delay = { min = "1ms", max = "20ms" } }
"""


def run_client(
    command: list[str],
    plan: Mapping[str, Any],
    log: Path,
    timeout_s: float = 300.0,
    env: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Run a client to its end; its results by check. A client that fails says so under ``client``."""
    results: dict[str, dict[str, Any]] = {}
    with running([*command, json.dumps(plan)], log, env) as child:
        deadline = time.monotonic() + timeout_s
        while child.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        timed_out = child.process.poll() is None
    for line in child.lines:
        if line.startswith("{"):
            result = json.loads(line)
            results[result["check"]] = result
    if timed_out or child.process.returncode:
        detail = "took too long" if timed_out else f"exit status {child.process.returncode}; see {log}"
        results["client"] = {"check": "client", "ok": False, "detail": detail}
    return results
