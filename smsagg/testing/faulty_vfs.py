"""A SQLite VFS over the real file system that fails on demand, and knows what a power loss would leave.

Register one with :class:`FaultyVfs` and pass its name when opening a database. Every write since a file's last sync
is remembered with what it replaced, so that :meth:`FaultyVfs.after_power_loss` can tell the content of a file whose
unsynced writes were lost, all of them or any subset (disks reorder).
"""

import os
import threading
from collections.abc import Callable

import apsw
from attrs import define, field

Fault = Callable[[], Exception]


def disk_full() -> Exception:
    return apsw.exception_for(apsw.SQLITE_FULL)


def sync_error() -> Exception:
    return apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)


def write_error() -> Exception:
    return apsw.exception_for(apsw.SQLITE_IOERR_WRITE)


@define
class Unsynced:
    """One write, or a truncation (``data`` empty), since the last sync of its file."""

    offset: int
    data: bytes
    replaced: bytes
    size_before: int


@define(eq=False)
class Medium:
    """The state that all files of a VFS share; attributes are set by the test at any time, from any thread."""

    write_fault: Fault | None = None
    sync_fault: Fault | None = None
    faulty_suffix: str = ""
    """Only files whose name ends so are faulty: ``"-wal"``, ``".db"``."""
    faults_max: int = -1
    """How many more calls fail; negative: all of them."""
    syncs: int = 0
    faults: int = 0
    unsynced: dict[str, list[Unsynced]] = field(factory=dict)
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

    def fail(self, *, write: Fault | None = None, sync: Fault | None = None, suffix: str = "", count: int = -1) -> None:
        """Let writes or syncs of files named ``*suffix`` fail, ``count`` times or until :meth:`heal`."""
        with self.medium.lock:
            self.medium.write_fault, self.medium.sync_fault = write, sync
            self.medium.faulty_suffix, self.medium.faults_max = suffix, count

    def heal(self) -> None:
        self.fail()

    def after_power_loss(self, path: str, survives: Callable[[Unsynced], bool] = lambda _write: False) -> bytes:
        """What ``path`` would hold after a power loss now, when only unsynced writes that ``survives`` picks remain."""
        with self.medium.lock:
            with open(path, "rb") as file:
                content = bytearray(file.read())
            writes = self.medium.unsynced.get(os.path.realpath(path), [])
            for write in reversed(writes):
                content[write.offset : write.offset + len(write.data)] = write.replaced
                del content[write.size_before :]
            for write in writes:
                if write.data and survives(write):
                    content.extend(bytes(max(0, write.offset - len(content))))
                    content[write.offset : write.offset + len(write.data)] = write.data
            return bytes(content)


class _FaultyFile(apsw.VFSFile):
    def __init__(self, medium: Medium, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._medium = medium
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._path = os.path.realpath(path) if path else ""
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._medium.raise_fault(self._medium.write_fault, self._path)
        with self._medium.lock:
            self._remember(offset, bytes(data))
            super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        with self._medium.lock:
            self._remember(newsize, b"")
            super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._medium.raise_fault(self._medium.sync_fault, self._path)
        with self._medium.lock:
            super().xSync(flags)
            self._medium.syncs += 1
            self._medium.unsynced[self._path] = []

    def _remember(self, offset: int, data: bytes) -> None:
        size = self.xFileSize()
        end = offset + len(data) if data else size
        with open(self._path, "rb") as file:
            file.seek(offset)
            replaced = file.read(max(0, end - offset))
        write = Unsynced(offset, data, replaced, size)
        self._medium.unsynced.setdefault(self._path, []).append(write)
