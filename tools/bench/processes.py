"""The processes of a bench: started, read off and ended by their ids; everything listens on loopback."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from attrs import define

SMSAGG = (sys.executable, "-m", "smsagg")
READY_TIMEOUT_S = 30.0
LOAD_TIMEOUT_S = 600.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@define
class Usage:
    """What a process has used so far."""

    cpu_s: float
    resident_octets: int
    resident_peak_octets: int


def usage_of(pid: int) -> Usage:
    """Of all threads of a living process, from ``/proc``."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return Usage(
        (int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        int(status["VmRSS"].split()[0]) * 1024,
        int(status["VmHWM"].split()[0]) * 1024,
    )


@define
class System:
    """A running server with its carrier."""

    server_pid: int
    carrier_pid: int
    port: int
    folder: Path

    def load(self, *options: str) -> dict[str, Any]:
        """Run ``smsagg load`` against the server; its summary, with what server and carrier used meanwhile."""
        summary = self.folder / "load.json"
        before, carrier_before = usage_of(self.server_pid), usage_of(self.carrier_pid)
        command = [*SMSAGG, "load", "--port", str(self.port), "--quiet", "--json", str(summary), *options]
        subprocess.run(command, check=True, timeout=LOAD_TIMEOUT_S, stdout=subprocess.DEVNULL)
        after, carrier_after = usage_of(self.server_pid), usage_of(self.carrier_pid)
        result: dict[str, Any] = orjson.loads(summary.read_bytes())
        sent = max(result["sent"], 1)
        result["server_cpu_us_per_message"] = (after.cpu_s - before.cpu_s) / sent * 1e6
        result["carrier_cpu_us_per_message"] = (carrier_after.cpu_s - carrier_before.cpu_s) / sent * 1e6
        result["server_resident_octets"] = after.resident_octets
        result["server_resident_peak_octets"] = after.resident_peak_octets
        return result


@contextmanager
def running_system(config: str, carrier_options: tuple[str, ...]) -> Iterator[System]:
    """A carrier (``smsagg simulate``) and a server with ``config``, for the length of the block.

    ``{folder}`` and ``{carrier_port}`` in ``config`` are filled in; its ports should be 0.
    """
    with tempfile.TemporaryDirectory(prefix="smsagg-bench-") as name:
        folder = Path(name)
        carrier, carrier_line = start_process(
            "listening on ", [*SMSAGG, "simulate", "--port", "0", *carrier_options], folder
        )
        try:
            path = folder / "bench.toml"
            port = carrier_line.rpartition(":")[2]
            path.write_text(config.replace("{folder}", str(folder)).replace("{carrier_port}", port))
            server, server_line = start_process("SMPP ", [*SMSAGG, "serve", "--config", str(path)], folder)
            try:
                address = server_line.split()[1]
                yield System(server.pid, carrier.pid, int(address.rpartition(":")[2]), folder)
            finally:
                end_process(server)
        finally:
            end_process(carrier)


def start_process(word: str, command: list[str], folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a process and wait for the line of its output that has ``word``; its log goes to a file."""
    log = (folder / f"{command[3]}.log").open("w")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return process, line.strip()
    process.wait(READY_TIMEOUT_S)
    raise RuntimeError(f"{' '.join(command)} did not start:\n{(folder / f'{command[3]}.log').read_text()}")


def end_process(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=READY_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
