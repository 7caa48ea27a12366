"""A carrier's journal: one JSON object a line, written before anybody hears of what it says."""

import json
import os
import time
from pathlib import Path
from typing import Any


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
