"""Reading the past beside the server: spans without an index, each message once, and no snapshot kept."""

import shutil
import sqlite3
from pathlib import Path

import apsw
import pytest
import trio
from history_store import NOW, WrittenStore, message

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.history.reader import SLACK_MS, open_history
from smsagg.history.traffic import traffic_of
from smsagg.store.base import Changes
from smsagg.store.sqlite import open_sqlite_store

COLUMNS = ("seq", "m.accepted_at")


def test_a_span_has_what_was_accepted_in_it_live_or_over(written: WrittenStore) -> None:
    """From its beginning to before its end, whatever gaps the seqs have."""
    written.fill(range(1, 900, 3))
    written.accept(*(message(seq) for seq in range(900, 1000, 2)))
    with open_history(written.path) as history:
        span = history.span(NOW + 400_000, NOW + 950_000)
        seqs = sorted(record.seq for records in traffic_of(history, span) for record in records)
        assert seqs == [*range(400, 900, 3), *range(900, 950, 2)]
        assert span.first_seq > 300
        assert span.last_seq < 1000 + SLACK_MS // 1000


@pytest.mark.parametrize(("since", "until"), [(0, 10), (NOW + 10**9, NOW + 2 * 10**9), (NOW + 5, NOW + 5)])
def test_an_empty_span_has_nothing(written: WrittenStore, since: int, until: int) -> None:
    """Before all, after all, and of no length."""
    written.fill(range(1, 50))
    with open_history(written.path) as history:
        assert list(traffic_of(history, history.span(since, until))) == []


def test_finding_a_span_reads_no_more_when_there_is_more(written: WrittenStore) -> None:
    """A binary search by key: with twice the rows, two more look-ups."""
    steps: list[int] = []
    for last in (2_000, 4_000):
        written.fill(range(last - 1_999, last + 1))
        with open_history(written.path) as history:
            texts: list[str] = []
            history._connection.set_profile(lambda text, _, texts=texts: texts.append(text))
            history.span(NOW + 100_000, NOW + 200_000)
            steps.append(len(texts))
    assert 0 < steps[0] < steps[1] <= steps[0] + 2 * 4


def test_messages_numbered_out_of_their_order_in_time_are_found(written: WrittenStore) -> None:
    """Some moments of disorder are looked through, and the rows' own time decides."""
    for seq in range(1, 200):
        written.accept(message(seq, accepted_at=NOW + (seq ^ 1) * 1000))
    with open_history(written.path) as history:
        records = [r for batch in traffic_of(history, history.span(NOW + 50_000, NOW + 60_000)) for r in batch]
    assert sorted(record.accepted_at for record in records) == [NOW + at * 1000 for at in range(50, 60)]


@pytest.mark.parametrize("rows_max", [1, 2, 3, 7, 100])
def test_each_message_is_seen_once_though_it_ends_meanwhile(written: WrittenStore, rows_max: int) -> None:
    """Chunks are of one transaction each, and together they are the whole."""
    written.fill([1, 4, 5, 9])
    written.accept(*(message(seq) for seq in (2, 3, 6, 7, 8, 10, 11)))
    waiting = [11, 10, 8, 7, 6, 3, 2]
    seen: list[int] = []
    with open_history(written.path) as history:
        for chunk in history.scan(COLUMNS, 1, 11, rows_max):
            seen += [row[0] for row in chunk.over] + [row[0] for row in chunk.live]
            assert max(seen) <= chunk.last_seq
            if waiting:
                written.finish(waiting.pop())
    assert sorted(seen) == list(range(1, 12))


def test_the_wal_starts_over_while_somebody_reads(written: WrittenStore) -> None:
    """Between two chunks no snapshot is held: all of the WAL can be copied."""
    written.fill(range(1, 30))
    with open_history(written.path) as history:
        for _ in history.scan(COLUMNS, 1, 29, rows_max=5):
            written.fill([100 + written.connection.total_changes()])
            total, copied = written.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            assert total == copied


async def test_beside_a_running_server_and_without_one(tmp_path: Path) -> None:
    """The reader sees each commit while the store is open, and all of it when the store is closed; then the store opens
    as if nobody had read."""
    path = tmp_path / "smsagg.db"
    settings = StoreSettings(path=str(path), free_octets_min=0)
    for run in (0, 1):
        async with open_sqlite_store(settings) as store:
            store.write(Changes(new_messages=[message(run * 2 + 1)]))
            await store.flush()
            with open_history(path) as history:
                assert history.last_seq() == run * 2 + 1
                store.write(Changes(new_messages=[message(run * 2 + 2)]))
                await store.flush()
                assert history.last_seq() == run * 2 + 2
        with open_history(path) as history:
            assert history.last_seq() == run * 2 + 2
    await trio.lowlevel.checkpoint()


async def test_what_a_killed_server_left_is_read_and_left_as_it_was(tmp_path: Path, written: WrittenStore) -> None:
    """Its last commits are in the write-ahead log only; the next server finds all of them."""
    written.fill(range(1, 20))
    left = tmp_path / "left"
    left.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{written.path}{suffix}", left)
    log = (left / "smsagg.db-wal").read_bytes()
    assert log
    with open_history(left / "smsagg.db") as history:
        assert history.last_seq() == 19
    assert (left / "smsagg.db-wal").read_bytes() == log
    async with open_sqlite_store(StoreSettings(path=str(left / "smsagg.db"), free_octets_min=0)) as store:
        assert len(await store.find_messages(1, 20)) == 19


def test_what_is_no_store_of_ours_is_refused(tmp_path: Path, written: WrittenStore) -> None:
    """A missing file, another program's, an older and a newer version's: each says what to do."""
    with pytest.raises(StoreFailed, match="there is no store at"), open_history(tmp_path / "none.db"):
        pass
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreFailed, match="another program"), open_history(tmp_path / "other.db"):
        pass
    (tmp_path / "text.db").write_text("hello " * 500)
    with pytest.raises(StoreFailed, match=r"text\.db"), open_history(tmp_path / "text.db"):
        pass
    version = written.connection.pragma("user_version")
    for other_version, advice in ((version - 1, "start the server"), (version + 1, "newer program")):
        written.connection.pragma("user_version", other_version)
        with pytest.raises(StoreFailed, match=advice), open_history(written.path):
            pass


def test_reading_writes_nothing(written: WrittenStore) -> None:
    """The connection refuses to."""
    with open_history(written.path) as history, pytest.raises(StoreFailed), history.snapshot() as ask:
        ask("DELETE FROM history", ())
