"""The keys of a store: made once, needed from then on."""

import errno
import os
from pathlib import Path

import apsw
import pytest
from attrs import evolve
from store_records import new

from smsagg.config.protection_settings import EncryptionSettings
from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.protection.key import new_key, parse_keys
from smsagg.store.base import Changes, EntityUpdate
from smsagg.store.key_files import load_cipher, read_keys, write_keys
from smsagg.store.sqlite import open_sqlite_store
from smsagg.store.sqlite.keys import NeededKeys


async def opened(settings: StoreSettings) -> bytes:
    """Something that the store's key sealed, and what was written with it."""
    async with open_sqlite_store(settings) as store:
        sealed = store.cipher.seal(b"canary", b"test")
        store.write(Changes(entities=[EntityUpdate("test", "canary", sealed)]))
        await store.flush()
        return sealed


def key_file(settings: StoreSettings) -> Path:
    return Path(f"{settings.path}.key")


def has_key_file(settings: StoreSettings) -> bool:
    return key_file(settings).exists()


async def test_a_new_store_gets_a_key_of_its_own(settings: StoreSettings) -> None:
    """Beside it, for its owner's eyes only; the next start finds it again."""
    assert not has_key_file(settings)
    sealed = await opened(settings)
    assert os.stat(key_file(settings)).st_mode & 0o777 == 0o600
    await opened(settings)
    assert load_cipher(settings).open(sealed, b"test") == b"canary"
    assert len(read_keys(settings)) == 1


async def test_a_store_without_its_key_does_not_start(settings: StoreSettings) -> None:
    """It says which one it is, and makes no other in its place."""
    await opened(settings)
    path, away = key_file(settings), f"{settings.path}.away"
    os.rename(path, away)
    with pytest.raises(StoreFailed, match=r"smsagg\.db\.key"):
        await opened(settings)
    assert not has_key_file(settings)
    write_keys(path, [new_key(os.urandom)])
    with pytest.raises(StoreFailed, match=r"sealed with key [0-9a-f]{8}, which is not there"):
        await opened(settings)
    os.rename(away, path)
    await opened(settings)


async def test_a_key_that_sealed_nothing_is_not_missed(settings: StoreSettings) -> None:
    """A store in plain can be moved without it."""
    async with open_sqlite_store(settings) as store:
        store.write(new(1))
    os.remove(key_file(settings))
    async with open_sqlite_store(settings) as store:
        assert await store.find_message(1) is not None
    assert has_key_file(settings)


async def test_keys_from_the_environment(settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """And several of them, the newest first; no file is made then."""
    old, new = new_key(os.urandom), new_key(os.urandom)
    of_environment = evolve(settings, encryption=EncryptionSettings(keys=("env:KEY_NEW", "env:KEY_OLD")))
    monkeypatch.setenv("KEY_OLD", old.to_line())
    with pytest.raises(StoreFailed, match="env:KEY_NEW: holds no key"):
        await opened(of_environment)
    monkeypatch.setenv("KEY_NEW", new.to_line())
    assert (await opened(of_environment)).startswith(new.key_id)
    assert load_cipher(of_environment).key_ids == (new.key_id, old.key_id)
    assert not has_key_file(settings)


async def test_what_is_sealed_during_a_commit_is_noted_with_the_next(
    settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first thing ever that is sealed, at the moment between the note of another commit and its end."""
    note = NeededKeys.note
    async with open_sqlite_store(settings) as store:

        def note_and_seal(keys: NeededKeys, cursor: apsw.Cursor) -> None:
            note(keys, cursor)
            store.cipher.seal(b"canary", b"test")

        with monkeypatch.context() as patch:
            patch.setattr(NeededKeys, "note", note_and_seal)
            store.write(new(1))
            await store.flush()
        store.write(Changes(entities=[EntityUpdate("test", "canary", store.cipher.seal(b"canary", b"test"))]))
        await store.flush()
    os.remove(key_file(settings))
    with pytest.raises(StoreFailed, match=r"smsagg\.db\.key"):
        await opened(settings)


def test_a_key_file_is_whole_or_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the midst costs nothing, and leaves nothing lying about."""
    path = tmp_path / "store.key"
    old, write = new_key(os.urandom), os.write
    write_keys(path, [old])
    monkeypatch.setattr(os, "write", lambda descriptor, octets: write(descriptor, octets[:10]))
    write_keys(path, [new_key(os.urandom), old])
    assert parse_keys(path.read_text())[1:] == [old]
    kept = path.read_bytes()

    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreFailed, match="No space left"):
        write_keys(path, [new_key(os.urandom)])
    assert [found.name for found in tmp_path.iterdir()] == ["store.key"]
    assert path.read_bytes() == kept


def test_who_could_read_a_key_file_can_read_the_next(tmp_path: Path) -> None:
    """An administrator rotates the keys of a server that runs as somebody else; strangers never read them."""
    path = tmp_path / "store.key"
    write_keys(path, [new_key(os.urandom)])
    path.chmod(0o644)
    owner = (4711, 4712) if os.getuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *owner)
    write_keys(path, [new_key(os.urandom)])
    found = path.stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o640, *owner)


def test_a_wrong_key_is_not_quoted(settings: StoreSettings) -> None:
    """An error's text may end up in a log."""
    key_file(settings).write_text("c2VjcmV0LXRoYXQtaXMtc2hvcnQ=\n")
    with pytest.raises(StoreFailed, match="a key is 32 octets in base64") as told:
        load_cipher(settings)
    assert "c2Vj" not in str(told.value)


def test_a_key_has_no_place_in_the_configuration() -> None:
    """It is refused without being quoted."""
    with pytest.raises(ValueError, match="has no place here") as told:
        EncryptionSettings(keys=("c2VjcmV0LXRoYXQtaXMtc2hvcnQ=",))
    assert "c2Vj" not in str(told.value)
