"""A SQLite VFS over the real file system that fails on demand, and knows what a power loss would leave.

Register one with :class:`FaultyVfs` and pass its name when opening a database; its files share one :class:`Medium`.

Theory of operation. While the medium *holds back*, a write goes to memory only; a sync hands all that was held of its
file to the real file and syncs that. Reads, by any connection of this VFS, see what is held as if it were there. So
the real files are at each instant what a power loss would leave: a process that is killed loses exactly its unsynced
writes, and :meth:`FaultyVfs.after_power_loss` tells what else could have been left (disks reorder). A *torn* medium
lets some sectors of a write through at once, as a disk does that was interrupted. A file that is closed in order keeps
all that was written: the end of a program is no loss of power.

Not held are the wal-index (shared memory: gone with the power) and the removal of a file. SQLite reports a commit in
the wal-index only after the sync of its frames (``synchronous=FULL``), so other processes that read the database meet
nothing unsynced.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import apsw
from attrs import define, field

Fault = Callable[[], Exception]

SECTOR_OCTETS = 512
"""What a disk writes whole or not at all."""
SECTORS_THROUGH = 0.5
"""Share of sectors that a torn medium lets through before the sync."""


def disk_full() -> Exception:
    return apsw.exception_for(apsw.SQLITE_FULL)


def sync_error() -> Exception:
    return apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)


def write_error() -> Exception:
    return apsw.exception_for(apsw.SQLITE_IOERR_WRITE)


@define
class Unsynced:
    """One write, or a truncation to ``offset`` (``data`` empty), since the last sync of its file."""

    offset: int
    data: bytes


@define(eq=False)
class Medium:
    """The state that all files of a VFS share; attributes may be set at any time, from any thread."""

    holds_back: bool = False
    torn_by: Random | None = None
    """Chooses the sectors that are let through; ``None``: none."""
    write_fault: Fault | None = None
    sync_fault: Fault | None = None
    faulty_suffix: str = ""
    """Only files whose name ends so are faulty: ``"-wal"``, ``".db"``."""
    faults_max: int = -1
    """How many more calls fail; negative: all of them."""
    sync_delay_s: Callable[[], float] = float
    """How long the next sync takes more than it does."""
    before_sync: Callable[[str], None] = lambda _path: None
    """Told the path of each file that is about to be synced."""
    syncs: int = 0
    faults: int = 0
    unsynced: dict[str, list[Unsynced]] = field(factory=dict)
    opened: Counter[str] = field(factory=Counter)
    lock: threading.RLock = field(factory=threading.RLock)

    def raise_fault(self, fault: Fault | None, path: str) -> None:
        with self.lock:
            if fault is None or self.faults_max == 0 or not path.endswith(self.faulty_suffix):
                return
            self.faults_max -= 1
            self.faults += 1
        raise fault()


class FaultyVfs(apsw.VFS):
    """Registered under ``name`` for as long as the object lives."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.medium = Medium()
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _FaultyFile(self.medium, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        with self.medium.lock:
            self.medium.unsynced.pop(os.path.realpath(filename), None)

    def fail(self, *, write: Fault | None = None, sync: Fault | None = None, suffix: str = "", count: int = -1) -> None:
        """Let writes or syncs of files named ``*suffix`` fail, ``count`` times or until :meth:`heal`."""
        with self.medium.lock:
            self.medium.write_fault, self.medium.sync_fault = write, sync
            self.medium.faulty_suffix, self.medium.faults_max = suffix, count

    def heal(self) -> None:
        self.fail()

    def after_power_loss(self, path: str, survives: Callable[[Unsynced], bool] = lambda _write: False) -> bytes:
        """What ``path`` would hold after a power loss now, when only unsynced writes that ``survives`` picks remain.

        Knows of those that were held back only.
        """
        with self.medium.lock:
            with open(path, "rb") as file:
                content = bytearray(file.read())
            for write in self.medium.unsynced.get(os.path.realpath(path), ()):
                if write.data and survives(write):
                    _overlay(content, 0, write)
            return bytes(content)


class _FaultyFile(apsw.VFSFile):
    """A handle; what is unsynced belongs to the file, so any handle's sync writes it."""

    def __init__(self, medium: Medium, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._medium = medium
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._path = os.path.realpath(path) if path else ""
        super().__init__("", name, flags)
        with medium.lock:
            medium.opened[self._path] += 1

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        with self._medium.lock:
            octets = super().xRead(amount, offset)
            unsynced = self._medium.unsynced.get(self._path)
            if not unsynced:
                return octets
            content = bytearray(octets)
            for write in unsynced:
                if write.data and write.offset < offset + amount and write.offset + len(write.data) > offset:
                    _overlay(content, offset, write)
                elif not write.data:
                    del content[max(write.offset - offset, 0) :]
            return bytes(content[:amount])

    def xFileSize(self) -> int:  # noqa: N802
        with self._medium.lock:
            size: int = super().xFileSize()
            for write in self._medium.unsynced.get(self._path, ()):
                size = max(size, write.offset + len(write.data)) if write.data else write.offset
            return size

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        medium = self._medium
        medium.raise_fault(medium.write_fault, self._path)
        with medium.lock:
            if not self._is_held():
                super().xWrite(data, offset)
                return
            write = Unsynced(offset, bytes(data))
            medium.unsynced.setdefault(self._path, []).append(write)
            if medium.torn_by is not None:
                self._let_through(write, medium.torn_by)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        with self._medium.lock:
            if self._is_held():
                self._medium.unsynced.setdefault(self._path, []).append(Unsynced(newsize, b""))
            else:
                super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        medium = self._medium
        delay_s = medium.sync_delay_s()
        if delay_s > 0.0:
            time.sleep(delay_s)
        medium.raise_fault(medium.sync_fault, self._path)
        medium.before_sync(self._path)
        with medium.lock:
            self._hand_over()
            super().xSync(flags)
            medium.syncs += 1

    def xClose(self) -> None:  # noqa: N802
        medium = self._medium
        with medium.lock:
            medium.opened[self._path] -= 1
            if not medium.opened[self._path]:
                self._hand_over()
        super().xClose()

    def _is_held(self) -> bool:
        """Also when it holds back no more, a write stays behind the older ones of its file."""
        return bool(self._path) and (self._medium.holds_back or bool(self._medium.unsynced.get(self._path)))

    def _hand_over(self) -> None:
        for write in self._medium.unsynced.pop(self._path, ()):
            if write.data:
                super().xWrite(write.data, write.offset)
            else:
                super().xTruncate(write.offset)

    def _let_through(self, write: Unsynced, rng: Random) -> None:
        for start in range(0, len(write.data), SECTOR_OCTETS):
            if rng.random() < SECTORS_THROUGH:
                super().xWrite(write.data[start : start + SECTOR_OCTETS], write.offset + start)


def _overlay(content: bytearray, offset: int, write: Unsynced) -> None:
    """Put ``write`` over ``content``, which begins at ``offset`` of its file and grows as needed."""
    start, data = write.offset - offset, write.data
    if start < 0:
        start, data = 0, data[-start:]
    content.extend(bytes(max(0, start - len(content))))
    content[start : start + len(data)] = data
