"""Opening the SQLite store: locks, damage, versions, migrations."""

# ruff: noqa: ASYNC230, ASYNC240 (the tests prepare small files on disk)

import os
from pathlib import Path

import apsw
import attrs
import pytest
import trio
from store_records import NOW, copy_beside, delivery, message, new

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed, StoreInUse
from smsagg.model import GROUP_MEMORY_ONLY_FIELDS, MEMORY_ONLY_FIELDS, Delivery, Message, MessageState, PartGroup
from smsagg.store.base import ParkedReceipt, QueuedMatch
from smsagg.store.sqlite import open_sqlite_store
from smsagg.store.sqlite.connection import Seams
from smsagg.store.sqlite.rows import (
    DELIVERY_COLUMNS,
    MESSAGE_COLUMNS,
    MO_PART_COLUMNS,
    delivery_row,
    message_row,
)
from smsagg.store.sqlite.schema import Migration, load_migrations, migrate


async def fill(settings: StoreSettings, count: int = 10) -> None:
    async with open_sqlite_store(settings) as store:
        store.write(new(*range(1, count + 1)))
        await store.flush()


async def crashed_copy(settings: StoreSettings, folder: Path, first: int = 1, commits: int = 1) -> StoreSettings:
    """The files of a store that was killed just after it committed 500 messages: they are in the WAL."""
    folder.mkdir()
    async with open_sqlite_store(settings) as store:
        for seq in range(first, first + 500, 500 // commits):
            store.write(new(*range(seq, seq + 500 // commits)))
            await store.flush()
        return copy_beside(settings, folder, "", "-wal", ".lock")


async def refusal(settings: StoreSettings, seams: Seams | None = None) -> str:
    """The text with which opening is refused; a refusal releases the lock."""
    with pytest.raises(StoreFailed) as refused:
        async with open_sqlite_store(settings, seams):
            pass
    assert settings.path in str(refused.value)
    return str(refused.value)


async def test_the_store_is_not_for_everybody(settings: StoreSettings) -> None:
    """Whatever the umask says: others than its owner and group read neither the database nor its WAL."""
    before = os.umask(0)
    try:
        async with open_sqlite_store(settings) as store:
            store.write(new(1))
            await store.flush()
            modes = {suffix: os.stat(settings.path + suffix).st_mode & 0o777 for suffix in ("", "-wal")}
    finally:
        os.umask(before)
    assert modes == {"": 0o640, "-wal": 0o640}


async def test_folders_are_made(tmp_path: Path) -> None:
    """The database's folder need not exist."""
    settings = StoreSettings(path=str(tmp_path / "a" / "b" / "smsagg.db"), free_octets_min=0)
    await fill(settings)
    assert Path(settings.path).exists()


async def test_a_second_store_is_refused(settings: StoreSettings) -> None:
    """One store owns a path at a time; afterwards it can be opened again."""
    async with open_sqlite_store(settings):
        with pytest.raises(StoreInUse):
            async with open_sqlite_store(settings):
                pass
    await fill(settings)


async def test_every_commit_is_synced(settings: StoreSettings) -> None:
    """The default is WAL with synchronous FULL, whatever SQLite was built with."""
    assert Seams().synchronous == "FULL"
    await fill(settings)
    connection = apsw.Connection(settings.path)
    assert connection.pragma("journal_mode") == "wal"


async def test_a_missing_database_is_not_a_new_one(settings: StoreSettings) -> None:
    """A database that was there once and is gone, or is empty, is refused and not made anew."""
    await fill(settings)
    os.rename(settings.path, f"{settings.path}.away")
    assert "missing or empty" in await refusal(settings)
    Path(settings.path).touch()
    assert "missing or empty" in await refusal(settings)
    os.rename(f"{settings.path}.away", settings.path)
    async with open_sqlite_store(settings) as store:
        assert await store.find_message(10) is not None


async def test_a_lonely_wal_is_refused(settings: StoreSettings, tmp_path: Path) -> None:
    """A WAL without its database is never thrown away."""
    crashed = await crashed_copy(settings, tmp_path / "crashed")
    os.remove(crashed.path)
    os.remove(f"{crashed.path}.lock")
    assert "-wal" in await refusal(crashed)
    assert Path(f"{crashed.path}-wal").stat().st_size > 0


async def test_a_killed_store_is_found_whole(either: StoreSettings, tmp_path: Path) -> None:
    """What is in the WAL only is recovered."""
    crashed = await crashed_copy(either, tmp_path / "crashed")
    async with open_sqlite_store(crashed) as store:
        assert (await store.recover(NOW)).queued_by_account == {"acme": 500}


@pytest.mark.parametrize("content", [b"not a database at all, but long enough for a header" * 100, b"\x00" * 8192])
async def test_garbage_is_refused(settings: StoreSettings, content: bytes) -> None:
    """A file that is no database is refused and left alone."""
    Path(settings.path).write_bytes(content)
    await refusal(settings)
    assert Path(settings.path).read_bytes() == content


async def test_a_flipped_page_is_found_after_a_crash(either: StoreSettings, tmp_path: Path) -> None:
    """After an unclean end the database is read through, and a damaged page refuses the start."""
    await fill(either, 2_000)
    damaged = await crashed_copy(either, tmp_path / "damaged", first=5_000)
    with open(damaged.path, "r+b") as file:
        for page in range(60, 80):  # of messages; the tables begin before
            file.seek(page * 4096)
            file.write(os.urandom(64))
    assert "corrupt" in (await refusal(damaged)).lower()


async def test_a_truncated_database_is_found_after_a_crash(settings: StoreSettings, tmp_path: Path) -> None:
    """A database that lost its tail is refused."""
    await fill(settings, 2_000)
    damaged = await crashed_copy(settings, tmp_path / "damaged", first=5_000)
    os.truncate(damaged.path, os.path.getsize(damaged.path) // 2)
    await refusal(damaged)


@pytest.mark.parametrize("place", [0.0, 0.001, 0.3, 0.6])
async def test_a_flipped_bit_in_the_wal_is_found(either: StoreSettings, tmp_path: Path, place: float) -> None:
    """Damage in the WAL, which SQLite would take for its end, refuses the start and leaves the files alone."""
    damaged = await crashed_copy(either, tmp_path / "damaged", commits=20)
    wal = Path(f"{damaged.path}-wal")
    content = bytearray(wal.read_bytes())
    content[int(len(content) * place) + 17] ^= 4
    wal.write_bytes(content)
    for _ in range(2):
        assert "damaged" in await refusal(damaged)
    assert wal.read_bytes() == content


async def test_a_torn_last_commit_is_no_damage(either: StoreSettings, tmp_path: Path) -> None:
    """The end of the WAL may be missing or garbled, as after a crash in the midst of a commit."""
    for name, lost in (("cut", 9_000), ("gone", 100)):
        torn = await crashed_copy(either, tmp_path / name, commits=5)
        os.truncate(f"{torn.path}-wal", os.path.getsize(f"{torn.path}-wal") - lost)
        async with open_sqlite_store(torn) as store:
            assert await store.find_message(1) is not None
        os.remove(either.path)
        os.remove(f"{either.path}.lock")


async def test_another_programs_database_is_refused(settings: StoreSettings) -> None:
    """A database with tables that are not ours is refused and left alone."""
    foreign = apsw.Connection(settings.path)
    foreign.execute("CREATE TABLE theirs (a)")
    foreign.close()
    assert "another program" in await refusal(settings)


async def test_a_newer_database_is_refused(settings: StoreSettings) -> None:
    """A schema version that this program does not know is refused with both numbers."""
    await fill(settings)
    connection = apsw.Connection(settings.path)
    connection.pragma("user_version", 1_000)
    connection.close()
    text = await refusal(settings)
    assert "1000" in text
    assert str(len(load_migrations())) in text


async def test_migrations_apply_once_each(settings: StoreSettings) -> None:
    """An older database is brought up step by step and keeps its messages."""
    await fill(settings)
    further = [
        *load_migrations(),
        Migration(len(load_migrations()) + 1, "CREATE TABLE further (a); INSERT INTO further VALUES (1)"),
    ]
    for _ in range(2):
        async with open_sqlite_store(settings, Seams(migrations=lambda: further)) as store:
            assert await store.find_message(10) is not None
    assert apsw.Connection(settings.path).execute("SELECT count(*) FROM further").get == 1


@pytest.mark.parametrize("version", range(1, len(load_migrations())))
async def test_live_rows_of_each_older_schema_are_taken_up(settings: StoreSettings, version: int) -> None:
    """Queued, with a carrier, over, owed and parked: all are there, and can be found and changed."""
    connection = apsw.Connection(settings.path)
    migrate(connection, load_migrations()[:version])
    enroute = {"state": MessageState.ENROUTE, "carrier": "alpha", "carrier_message_id": "c2"}
    over = {"state": MessageState.DELIVERED, "done_at": NOW}
    rows = (
        ("messages", MESSAGE_COLUMNS, message_row(message(1, parked=True))),
        ("messages", MESSAGE_COLUMNS, message_row(message(2, **enroute))),
        ("history", MESSAGE_COLUMNS, message_row(message(3, **over))),
        ("deliveries", DELIVERY_COLUMNS, delivery_row(delivery(1))),
        ("parked_receipts", ParkedReceipt._fields, ParkedReceipt("alpha", "x", MessageState.DELIVERED, 0, NOW, NOW)),
    )
    for table, columns, row in rows:
        known = {column[1] for column in connection.execute(f"PRAGMA table_info({table})")}
        values = {column: value for column, value in zip(columns, row, strict=True) if column in known}
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
    connection.execute("UPDATE counters SET last_seq = 3, last_delivery_id = 1")
    connection.close()
    async with open_sqlite_store(settings) as store:
        recovered = await store.recover(NOW)
        assert (recovered.last_seq, recovered.last_delivery_id, recovered.enroute) == (3, 1, 1)
        assert recovered.queued_by_account == recovered.deliveries_by_account == {"acme": 1}
        assert [receipt.carrier_message_id for receipt in recovered.parked_receipts] == ["x"]
        assert (recovered.open_groups, recovered.mo_parts) == ([], [])
        waiting = message(1)
        match = QueuedMatch("acme", waiting.source_addr, waiting.destination_addr, None)
        assert [found.seq for found in await store.find_queued(match, 10)] == [1]
        assert [found.seq for found in await store.find_by_carrier_id("alpha", ["c2"])] == [2]
        assert [found.state for found in await store.find_messages(1, 3)] == [0, 1, 2]
        (claimed,) = await store.claim_messages("gb", NOW + 10, 10)
        assert (claimed.seq, claimed.group, claimed.body) == (1, None, waiting.body)


def test_a_failing_migration_leaves_the_old_schema() -> None:
    """A step that fails half-way is rolled back whole, its number included."""
    connection = apsw.Connection(":memory:")
    steps = [Migration(1, "CREATE TABLE a (x)"), Migration(2, "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)")]
    with pytest.raises(apsw.SQLError):
        migrate(connection, steps)
    assert connection.pragma("user_version") == 1
    assert connection.execute("SELECT group_concat(name) FROM sqlite_schema").get == "a"


@pytest.mark.parametrize(
    ("table", "fields"),
    [
        ("messages", [f.name for f in attrs.fields(Message) if f.name not in MEMORY_ONLY_FIELDS]),
        ("history", [f.name for f in attrs.fields(Message) if f.name not in MEMORY_ONLY_FIELDS]),
        ("part_groups", [f.name for f in attrs.fields(PartGroup) if f.name not in GROUP_MEMORY_ONLY_FIELDS]),
        ("deliveries", [f.name for f in attrs.fields(Delivery)]),
        ("parked_receipts", list(ParkedReceipt._fields)),
        ("mo_parts", list(MO_PART_COLUMNS)),
    ],
)
def test_columns_are_the_records_fields(table: str, fields: list[str]) -> None:
    """Rows are constructor arguments: the schema's columns stand in the order of the fields."""
    connection = apsw.Connection(":memory:")
    migrate(connection, load_migrations())
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    own = {"indexed", "redacted", "body_digest"}
    assert [column for column in columns if column not in own] == fields


async def test_cancellation_closes_cleanly(settings: StoreSettings) -> None:
    """A store whose block is cancelled writes what was queued and can be opened again."""
    with trio.CancelScope() as scope:
        async with open_sqlite_store(settings) as store:
            store.write(new(1))
            scope.cancel()
            await store.flush()
    assert scope.cancelled_caught
    async with open_sqlite_store(settings) as store:
        assert await store.find_message(1) is not None
    assert not Path(f"{settings.path}-wal").exists()


async def test_a_cancelled_claim_still_arrives(settings: StoreSettings) -> None:
    """A claim that is asked cannot be cancelled: what it unparked reaches the caller."""
    async with open_sqlite_store(settings) as store:
        store.write(new(1, parked=True))
        with trio.CancelScope() as scope:
            scope.cancel()
            claimed = await store.claim_messages("gb", NOW * 2, 5)
        assert [message.seq for message in claimed] == [1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_our_own_fault_ends_the_program(settings: StoreSettings) -> None:
    """A record that cannot be written because we are wrong, as a seq used twice, crashes the loop."""

    async def main() -> None:
        async with open_sqlite_store(settings) as store:
            store.write(new(1))
            store.write(new(1))
            await store.flush()

    with pytest.raises(trio.TrioInternalError):
        trio.run(main)
