"""The faulty file system keeps what a real one would, and no more."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import apsw
import pytest

from smsagg.testing.faulty_vfs import SECTOR_OCTETS, FaultyVfs


@pytest.fixture
def vfs() -> Iterator[FaultyVfs]:
    faulty = FaultyVfs("faulty")
    faulty.medium.holds_back = True
    yield faulty
    faulty.unregister()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "some.db")


def open_database(path: str, vfs: FaultyVfs, synchronous: str) -> apsw.Connection:
    connection = apsw.Connection(path, vfs=vfs.name)
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", synchronous)
    connection.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER, filling TEXT)")
    return connection


def count_by_another_process(path: str) -> int:
    """Through the ordinary file system, which is what another process sees."""
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    (number,) = next(connection.execute("SELECT count(*) FROM t"))
    connection.close()
    return int(number)


def test_unsynced_writes_are_in_memory_only(path: str, vfs: FaultyVfs) -> None:
    """Who wrote them reads them; the file lacks them until it is synced or closed in order."""
    connection = open_database(path, vfs, "NORMAL")
    connection.execute("INSERT INTO t VALUES (1, ?)", ("x" * 20_000,))
    wal = Path(f"{path}-wal")
    assert wal.stat().st_size < 20_000
    assert vfs.after_power_loss(str(wal)) == wal.read_bytes()
    assert len(vfs.after_power_loss(str(wal), lambda _write: True)) > 20_000
    assert next(connection.execute("SELECT count(*) FROM t"))[0] == 1
    connection.close()
    assert count_by_another_process(path) == 1


def test_a_synced_commit_is_in_the_file(path: str, vfs: FaultyVfs) -> None:
    """With FULL another process sees each commit as soon as it is reported."""
    connection = open_database(path, vfs, "FULL")
    for number in range(1, 20):
        connection.execute("INSERT INTO t VALUES (?, 'x')", (number,))
        assert count_by_another_process(path) == number
    connection.close()


def test_reads_see_what_is_held(path: str, vfs: FaultyVfs) -> None:
    """A second connection, and one whose cache is too small, read from the medium what was never synced."""
    connection = open_database(path, vfs, "NORMAL")
    connection.pragma("cache_size", 2)
    for number in range(200):
        connection.execute("INSERT INTO t VALUES (?, ?)", (number, f"{number}" * 500))
    assert next(connection.execute("SELECT sum(n), sum(filling = n || '') FROM t WHERE filling > ''"))[0] == 19_900
    other = apsw.Connection(path, vfs=vfs.name)
    assert next(other.execute("SELECT count(*) FROM t"))[0] == 200
    assert other.pragma("integrity_check") == "ok"
    other.close()
    connection.close()


def test_a_torn_write_leaves_whole_sectors(path: str, vfs: FaultyVfs) -> None:
    """Of an unsynced write some sectors are on the medium and some are not."""
    vfs.medium.torn_by = Random(1)
    connection = open_database(path, vfs, "NORMAL")
    connection.execute("INSERT INTO t VALUES (1, ?)", ("x" * 40_000,))
    torn = Path(f"{path}-wal").read_bytes()
    whole = vfs.after_power_loss(f"{path}-wal", lambda _write: True)
    sectors = range(0, 40_000, SECTOR_OCTETS)
    there = [torn[at : at + SECTOR_OCTETS] == whole[at : at + SECTOR_OCTETS] for at in sectors]
    assert 10 < sum(there) < len(there) - 10
    connection.close()


def test_a_medium_that_stops_to_hold_back_keeps_the_order(path: str, vfs: FaultyVfs) -> None:
    """Writes after the change do not overtake those that are still held."""
    connection = open_database(path, vfs, "NORMAL")
    connection.execute("INSERT INTO t VALUES (1, 'held')")
    vfs.medium.holds_back = False
    connection.execute("INSERT INTO t VALUES (2, 'after')")
    assert next(connection.execute("SELECT count(*) FROM t"))[0] == 2
    connection.pragma("synchronous", "FULL")
    connection.execute("INSERT INTO t VALUES (3, 'synced')")
    assert count_by_another_process(path) == 3
    connection.close()


def test_a_slow_sync_takes_its_time(path: str, vfs: FaultyVfs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sync waits as long as it is told."""
    slept: list[float] = []
    monkeypatch.setattr("smsagg.testing.faulty_vfs.time.sleep", slept.append)
    connection = open_database(path, vfs, "FULL")
    vfs.medium.sync_delay_s = lambda: 30.0
    connection.execute("INSERT INTO t VALUES (1, 'x')")
    assert slept == [30.0]
    connection.close()
