"""Everything that crosses loopback on the run's ports, captured by dumpcap and taken apart by tshark."""

import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from attrs import Factory, define

START_S = 10.0
FLUSH_S = 1.5
"""What the kernel still holds when the last PDU was sent reaches the file within."""


@define
class Dissection:
    """What tshark made of a capture."""

    pdus: Counter[str] = Factory(Counter)
    """By command, in either direction."""
    malformed: list[str] = Factory(list)
    """A line for each frame that did not decode: its number, its ports and what tshark says."""

    @property
    def total(self) -> int:
        return sum(self.pdus.values())


class Capture:
    """A running dumpcap; ``reason`` says why there is none."""

    def __init__(self, path: Path, ports: Sequence[int]) -> None:
        self.path = path
        self.ports = tuple(ports)
        self.reason = ""
        path.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["dumpcap", "-q", "-i", "lo", "-f", " or ".join(f"tcp port {port}" for port in ports), "-w", str(path)],
            stderr=subprocess.PIPE,
            text=True,
        )
        self._says: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait_until_capturing()

    def _read(self) -> None:
        assert self._process.stderr is not None
        self._says.extend(self._process.stderr)

    def _wait_until_capturing(self) -> None:
        deadline = time.monotonic() + START_S
        while not self.path.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._reader.join(1.0)
                self._process.kill()
                self.reason = "capture is not permitted: " + (
                    " ".join("".join(self._says).split())[:200] or "no output"
                )
                return
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process.poll() is None:
            time.sleep(FLUSH_S)
            self._process.terminate()
        self._process.wait()
        self._reader.join()
        if self.path.exists():
            self.path.chmod(0o644)  # tshark reads it under another name when it drops root's rights

    def dissect(self) -> Dissection:
        """Let tshark read the file. Raises CalledProcessError when it cannot."""
        decode_as = [word for port in self.ports for word in ("-d", f"tcp.port=={port},smpp")]
        fields = (
            "frame.number",
            "tcp.srcport",
            "tcp.dstport",
            "smpp.command_id",
            "_ws.malformed",
            "_ws.expert.message",
        )
        command = ["tshark", "-n", "-r", str(self.path), *decode_as, "-Y", "smpp or _ws.malformed", "-T", "fields"]
        done = subprocess.run(
            [*command, *(word for name in fields for word in ("-e", name))], capture_output=True, text=True, check=True
        )
        return read_fields(done.stdout, self.names())

    def names(self) -> dict[int, str]:
        """Commands by id, as tshark's own dissector calls them."""
        done = subprocess.run(["tshark", "-G", "values"], capture_output=True, text=True, check=True)
        rows = re.findall(r"^V\tsmpp\.command_id\t(\S+)\t(.+)$", done.stdout, re.MULTILINE)
        return {int(value, 0): name.lower().replace(" - ", "_").replace(" ", "_") for value, name in rows}


def read_fields(output: str, names: dict[int, str]) -> Dissection:
    """One line a frame: number, source and destination port, commands, malformed, expert messages."""
    found = Dissection()
    for line in output.splitlines():
        number, source, destination, commands, malformed, messages = (line.split("\t") + [""] * 6)[:6]
        for command in filter(None, commands.split(",")):
            found.pdus[names.get(int(command, 0), command)] += 1
        if malformed or "alformed" in messages:
            found.malformed.append(f"frame {number}, port {source} to {destination}: {messages or malformed}")
    return found
