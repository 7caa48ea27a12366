"""The load generator's own record of each message, JSON lines, for whoever checks that nothing was lost.

Events: ``submit`` (``n`` and ``text``), ``response`` (``n``, ``status``, ``id``), ``receipt`` (``id``, ``stat``).
"""

from pathlib import Path
from typing import BinaryIO


class LoadJournal:
    """An open journal; lines reach the file at :meth:`flush`."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")

    def submitted(self, number: int, text: str) -> None:
        self._file.write(b'{"event":"submit","n":%d,"text":"%b"}\n' % (number, text.encode()))

    def responded(self, number: int, command_status: int, message_id: bytes) -> None:
        line = b'{"event":"response","n":%d,"status":%d,"id":"%b"}\n'
        self._file.write(line % (number, command_status, message_id))

    def receipted(self, message_id: bytes, stat: bytes) -> None:
        self._file.write(b'{"event":"receipt","id":"%b","stat":"%b"}\n' % (message_id, stat))

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
