"""What lies in the files of a store: with encryption nothing of anybody, without it no secret text."""

import os
from pathlib import Path

import apsw
import pytest
from attrs import evolve
from store_records import NOW, finished, new

from smsagg.config.protection_settings import EncryptionSettings
from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed, StoreInUse
from smsagg.history import backup, open_history
from smsagg.history.backup import back_up
from smsagg.history.lookup import find_messages
from smsagg.protection.key import new_key
from smsagg.store.base import Changes, EntityUpdate, QueuedMatch, ReplacedMessage
from smsagg.store.key_files import load_cipher, read_keys, write_keys
from smsagg.store.seal_file import SealFile
from smsagg.store.sqlite import open_sqlite_store, rewriting
from smsagg.store.sqlite.opening import renew_database_key
from smsagg.store.sqlite.sealing import give_key

TEXT, NUMBER, PARKED = b"canary-text-4711", "4477009004711", "4477009008888"
SEALED = EncryptionSettings(enabled=True)


@pytest.fixture
def sealed(settings: StoreSettings) -> StoreSettings:
    return evolve(settings, encryption=SEALED)


def files_of(settings: StoreSettings) -> dict[str, bytes]:
    """Everything beside the store, by name."""
    return {path.name: path.read_bytes() for path in Path(settings.path).parent.iterdir()}


def hits(settings: StoreSettings, *values: bytes | str) -> list[tuple[str, bytes]]:
    """Where one of ``values`` can be read."""
    wanted = [value.encode() if isinstance(value, str) else value for value in values]
    return [(name, value) for name, octets in files_of(settings).items() for value in wanted if value in octets]


def damage(path: str) -> None:
    with open(path, "r+b") as file:
        for place in range(4096 + 2000, os.path.getsize(path), 4096):
            file.seek(place)
            file.write(b"?")


async def fill(settings: StoreSettings) -> None:
    """A message that is over, one that waits, and an entity; looked at while the store is open, WAL and all."""
    async with open_sqlite_store(settings) as store:
        store.write(new(1, body=TEXT, destination_addr=NUMBER))
        store.write(Changes(finished=[finished(1)]))
        store.write(new(2, body=TEXT, destination_addr=PARKED, parked=True))
        store.write(Changes(entities=[EntityUpdate("conversation", NUMBER, TEXT)]))
        await store.flush()
        assert files_of(settings)["smsagg.db-wal"]
        assert bool(hits(settings, TEXT, NUMBER, PARKED)) is not settings.encryption.enabled


async def check(settings: StoreSettings) -> None:
    """It is all there, for the server and beside it."""
    async with open_sqlite_store(settings) as store:
        over = await store.find_message(1)
        assert over is not None
        assert (over.body, over.destination_addr) == (TEXT, NUMBER)
        found = await store.find_queued(QueuedMatch("acme", None, PARKED, None), 5)
        assert [message.seq for message in found] == [2]
        assert await store.load_entities("conversation") == [(NUMBER, TEXT)]
        with open_history(settings.path, settings.encryption) as history:
            assert [one.message.body for one in find_messages(history, over.message_id)] == [TEXT]


async def test_a_sealed_store_shows_nobody_anything(sealed: StoreSettings) -> None:
    """No text and no number in the database, its WAL and what lies beside it, while it is open and afterwards."""
    await fill(sealed)
    assert not hits(sealed, TEXT, NUMBER, PARKED)
    await check(sealed)
    with pytest.raises(apsw.NotADBError):
        apsw.Connection(sealed.path).execute("SELECT count(*) FROM messages").fetchall()


async def test_a_store_in_plain_is_sealed_at_the_next_start(settings: StoreSettings, sealed: StoreSettings) -> None:
    """All of it, with its counters."""
    await fill(settings)
    assert hits(settings, TEXT, NUMBER)
    await check(sealed)
    assert not hits(sealed, TEXT, NUMBER, PARKED)
    async with open_sqlite_store(sealed) as store:
        assert (await store.recover(NOW)).last_seq == 2


@pytest.mark.parametrize("step", ["sync_file", "sync_folder"])
async def test_sealing_that_was_cut_off_begins_again(
    settings: StoreSettings, sealed: StoreSettings, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whichever step it ends, the next start has the whole store, sealed."""
    await fill(settings)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(f"{rewriting.__name__}.{step}", fail)
        with pytest.raises(StoreFailed, match="cannot be sealed: Input/output error"):
            await fill(sealed)
    assert "smsagg.db.rewritten" not in files_of(sealed)
    await check(sealed)
    assert not hits(sealed, TEXT, NUMBER, PARKED)


async def test_a_sealed_store_is_not_unsealed_by_a_slip(settings: StoreSettings, sealed: StoreSettings) -> None:
    """A line that is lost from the configuration costs a start, not the seal."""
    await fill(sealed)
    with pytest.raises(StoreFailed, match=r"is sealed: store\.encryption\.enabled cannot be false"):
        await check(settings)
    with pytest.raises(StoreFailed, match="is sealed"), open_history(settings.path):
        pass


async def test_a_sealed_store_without_its_key(sealed: StoreSettings) -> None:
    """It does not start, says which key it is, and is as it was."""
    await fill(sealed)
    (_, key), *_ = read_keys(sealed)
    path = Path(f"{sealed.path}.key")
    before = files_of(sealed)
    write_keys(path, [new_key(os.urandom)])
    with pytest.raises(StoreFailed, match=f"sealed with key {key.name}, which is not among the keys"):
        await check(sealed)
    os.remove(path)
    with pytest.raises(StoreFailed, match=r"smsagg\.db\.key: No such file"):
        await check(sealed)
    write_keys(path, [key])
    assert files_of(sealed) == before
    os.rename(f"{sealed.path}.seal", f"{sealed.path}.away")
    with pytest.raises(StoreFailed, match=r"smsagg\.db\.seal, which would hold its key, is not there"):
        await check(sealed)
    os.rename(f"{sealed.path}.away", f"{sealed.path}.seal")
    await check(sealed)


async def test_another_key_takes_over_at_a_start(sealed: StoreSettings) -> None:
    """The database keeps its own, so this takes no time; the old key is needed no more."""
    await fill(sealed)
    (_, old), *_ = read_keys(sealed)
    path, young = Path(f"{sealed.path}.key"), new_key(os.urandom)
    write_keys(path, [young, old])
    await check(sealed)
    assert SealFile(sealed.path).key_ids() == {young.key_id}
    write_keys(path, [young])
    await check(sealed)


@pytest.mark.parametrize("step", ["", "sync_file", "sync_folder"])
async def test_the_database_gets_another_key_of_its_own(
    sealed: StoreSettings, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or keeps the old one: cut off anywhere, it is whole. Never while a server has it."""
    await fill(sealed)
    (old,) = SealFile(sealed.path).read(load_cipher(sealed))

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        if step:
            patch.setattr(f"{rewriting.__name__}.{step}", fail)
            with pytest.raises(StoreFailed, match="cannot be sealed"):
                renew_database_key(sealed)
            assert len(SealFile(sealed.path).read(load_cipher(sealed))) == 2
        else:
            renew_database_key(sealed)
    async with open_sqlite_store(sealed):
        with pytest.raises(StoreInUse):
            renew_database_key(sealed)
    (now,) = SealFile(sealed.path).read(load_cipher(sealed))
    assert (now == old) is (step == "sync_file")
    await check(sealed)


def test_a_store_in_plain_has_no_key_to_renew(settings: StoreSettings) -> None:
    """It is said what seals one."""
    with pytest.raises(StoreFailed, match="is in plain"):
        renew_database_key(settings)


async def test_a_copy_that_a_crash_left_goes_at_the_next_start(sealed: StoreSettings) -> None:
    """Whoever made it: nobody would ever remove it."""
    await fill(sealed)
    os.symlink("half", f"{sealed.path}.rewritten")
    os.symlink("half", f"{sealed.path}.rewritten-journal")
    await check(sealed)
    assert not [name for name in os.listdir(os.path.dirname(sealed.path)) if "rewritten" in name]


async def test_a_damaged_log_is_not_folded_in_for_another_key(sealed: StoreSettings, tmp_path: Path) -> None:
    """As at a start: commits that were acknowledged are not dropped without a word."""
    async with open_sqlite_store(sealed) as store:
        for seq in range(1, 9):
            store.write(new(seq))
            await store.flush()
        left = {name: octets for name, octets in files_of(sealed).items() if name != "smsagg.db-shm"}
    wal = left["smsagg.db-wal"]
    left["smsagg.db-wal"] = wal[:2000] + b"????" + wal[2004:]
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name, octets in left.items():
        (crashed / name).write_bytes(octets)
    with pytest.raises(StoreFailed, match="is damaged after frame 0"):
        renew_database_key(evolve(sealed, path=str(crashed / "smsagg.db")))
    assert (crashed / "smsagg.db-wal").read_bytes() == left["smsagg.db-wal"]


async def test_a_store_that_was_killed_at_its_first_log_starts(sealed: StoreSettings, tmp_path: Path) -> None:
    """A copy that was sealed anew has none, and gets it at its first start: what that left is rolled back."""
    await fill(sealed)
    connection = apsw.Connection(sealed.path)
    give_key(connection, SealFile(sealed.path).read(load_cipher(sealed))[0])
    connection.execute("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2; BEGIN").fetchall()
    for number in range(99):
        connection.execute("INSERT INTO entities VALUES ('test', ?, zeroblob(4000))", (number,))
    left = files_of(sealed)
    assert left["smsagg.db-journal"]
    connection.close(True)
    killed = tmp_path / "killed"
    killed.mkdir()
    for name, octets in left.items():
        (killed / name).write_bytes(octets)
    await check(evolve(sealed, path=str(killed / "smsagg.db")))


async def test_a_changed_page_is_not_read(sealed: StoreSettings) -> None:
    """Each is authenticated: whoever has the file but not the key can destroy, and cannot forge."""
    await fill(sealed)
    damage(sealed.path)
    with pytest.raises((StoreFailed, apsw.Error)):
        await check(sealed)


async def test_a_backup_is_sealed_as_the_store_is(sealed: StoreSettings, tmp_path: Path) -> None:
    """Made while the server runs; with its key file it is the store again."""
    await fill(sealed)
    copy = tmp_path / "copy.db"
    async with open_sqlite_store(sealed):
        back_up(sealed, copy)
    assert not hits(sealed, TEXT, NUMBER, PARKED)
    with pytest.raises(StoreFailed, match="is there already"):
        back_up(sealed, copy)
    key = EncryptionSettings(enabled=True, keys=(f"file:{sealed.path}.key",))
    await check(evolve(sealed, path=str(copy), encryption=key))


async def test_a_backup_opens_with_the_key_that_it_was_made_with(
    sealed: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the store gets another one while it is copied."""
    await fill(sealed)
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()
    synced = backup.sync_file

    def renew_first(path: Path, like: Path) -> None:
        renew_database_key(sealed)
        synced(path, like)

    with monkeypatch.context() as patch:
        patch.setattr(backup, "sync_file", renew_first)
        back_up(sealed, copy)
    assert {path.stat().st_mode & 0o777 for path in copy.parent.iterdir()} == {0o600}
    key = EncryptionSettings(enabled=True, keys=(f"file:{sealed.path}.key",))
    await check(evolve(sealed, path=str(copy), encryption=key))


@pytest.mark.parametrize("step", ["sync_file", "sync_folder"])
async def test_a_backup_that_fails_leaves_nothing(
    sealed: StoreSettings, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it can be asked for again."""
    await fill(sealed)
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(backup, step, fail)
        with pytest.raises(StoreFailed, match="No space left"):
            back_up(sealed, copy)
    assert list(copy.parent.iterdir()) == []
    back_up(sealed, copy)


async def test_a_backup_in_plain(settings: StoreSettings, tmp_path: Path) -> None:
    """It is whole, or not there."""
    with pytest.raises(StoreFailed, match="there is no store"):
        back_up(settings, tmp_path / "copy.db")
    await fill(settings)
    with pytest.raises(StoreFailed):
        back_up(settings, tmp_path / "nowhere" / "copy.db")
    back_up(settings, tmp_path / "copy.db")
    await check(evolve(settings, path=str(tmp_path / "copy.db")))


async def test_a_secret_text_is_sealed_in_any_store(settings: StoreSettings) -> None:
    """The engine gets it to send it, whoever reads the file does not; when it is over nothing is left of it."""
    async with open_sqlite_store(settings) as store:
        store.write(new(1, is_secret=True, body=TEXT, parked=True, pool="gb"))
        await store.flush()
        assert not hits(settings, TEXT)
        (claimed,) = await store.claim_messages("gb", NOW * 2, 5)
        assert claimed.body == TEXT
        with open_history(settings.path) as history:
            (shown,) = find_messages(history, claimed.message_id)
            assert shown.message.body == b""
        store.write(Changes(replaced=[ReplacedMessage(1, 1, TEXT + b", again", False, NOW, NOW * 2)]))
        await store.flush()
        assert not hits(settings, TEXT)
        replaced = await store.find_message(1)
        assert replaced is not None
        assert replaced.body == TEXT + b", again"
    connection = apsw.Connection(settings.path)
    (kept,) = (connection.execute("SELECT body FROM messages").get,)
    assert load_cipher(settings).open(kept, b"text") == TEXT + b", again"
    connection.execute("UPDATE messages SET body = CAST(x'00' || substr(body, 2) AS BLOB)")
    connection.close()
    async with open_sqlite_store(settings) as store:
        changed = await store.find_message(1)
        assert changed is not None
        assert changed.body == b""
        store.write(Changes(finished=[finished(1)]))
        await store.flush()
    assert not hits(settings, TEXT)
