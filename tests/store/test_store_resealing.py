"""Another key takes over: everything that the old one sealed is sealed with the new one at the next start."""

import os
from pathlib import Path

import apsw
import orjson
import pytest
from store_records import NOW, new

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.history import open_history
from smsagg.protection.key import new_key
from smsagg.store.base import Changes, EntityUpdate
from smsagg.store.key_files import load_cipher, read_keys, write_keys
from smsagg.store.sqlite import open_sqlite_store, resealing
from smsagg.store.sqlite.resealing import sealed_by
from smsagg.verification import Verification, VerificationState

CONTEXT = "webhook.secret"


async def fill(settings: StoreSettings, endpoints: int, verification: VerificationState) -> None:
    async with open_sqlite_store(settings) as store:
        for number in range(endpoints):
            secrets = [store.cipher.seal_text(f"whsec_{number}", CONTEXT), store.cipher.seal_text("älter", CONTEXT)]
            value = orjson.dumps({"url": "https://sealed:example/", "secrets": secrets})
            store.write(Changes(entities=[EntityUpdate("endpoint", f"acme/{number}", value)]))
        store.write(new(1, is_secret=True, body=b"code 4711"))
        digests = store.cipher.digest(b"4711", b"v")
        kept = Verification(
            verification_id="v",
            account="acme",
            recipient="447700900123",
            country="GB",
            state=verification,
            digests=digests,
            attempts=0,
            attempts_max=5,
            message_ids="",
            last_sent_at=NOW,
            wording="{}",
            reference="",
            created_at=NOW,
            expires_at=NOW + 1,
            done_at=0,
        )
        store.write(Changes(verifications=[kept]))
        await store.flush()


def rotate(settings: StoreSettings) -> tuple[bytes, bytes]:
    """The ids of the old key and the new one."""
    (_, old), *_ = read_keys(settings)
    young = new_key(os.urandom)
    write_keys(Path(f"{settings.path}.key"), [young, old])
    return old.key_id, young.key_id


def counted(settings: StoreSettings) -> dict[bytes, int]:
    with open_history(settings.path) as history, history.snapshot() as ask:
        return dict(sealed_by(ask))


async def counted_at_a_start(settings: StoreSettings) -> dict[bytes, int]:
    async with open_sqlite_store(settings):
        return counted(settings)


async def test_the_old_key_is_needed_no_more(settings: StoreSettings) -> None:
    """However many values there are; each opens as what it was."""
    await fill(settings, 1_201, VerificationState.APPROVED)
    old, young = rotate(settings)
    assert counted(settings) == {old: 2 * 1_201 + 1}
    async with open_sqlite_store(settings) as store:
        assert counted(settings) == {young: 2 * 1_201 + 1}
        message = await store.find_message(1)
        assert message is not None
        assert message.body == b"code 4711"
    write_keys(Path(f"{settings.path}.key"), [read_keys(settings)[0][1]])
    async with open_sqlite_store(settings) as store:
        entities = await store.load_entities("endpoint")
        assert len(entities) == 1_201
        for key, value in entities:
            opened = [store.cipher.open_text(token, CONTEXT) for token in orjson.loads(value)["secrets"]]
            assert opened == [f"whsec_{key.removeprefix('acme/')}", "älter"]


async def test_a_disk_that_is_full_is_said(settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start fails with a sentence, and the next one goes on."""
    await fill(settings, 1, VerificationState.APPROVED)
    old, young = rotate(settings)

    def fail(*_: object) -> None:
        raise apsw.FullError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(resealing, "_reseal_texts", fail)
        with pytest.raises(StoreFailed, match=r"smsagg\.db: no space left for the database"):
            await counted_at_a_start(settings)
    assert old != young
    assert await counted_at_a_start(settings) == {young: 3}


async def test_a_pending_code_keeps_its_key(settings: StoreSettings) -> None:
    """A digest cannot be made anew; the key goes when the verification has ended."""
    await fill(settings, 1, VerificationState.PENDING)
    old, young = rotate(settings)
    async with open_sqlite_store(settings):
        assert counted(settings) == {young: 3, old: 1}
    async with open_sqlite_store(settings) as store:
        await store.drop_verifications(NOW * 2, 10)
    async with open_sqlite_store(settings):
        assert counted(settings) == {young: 3}
    assert load_cipher(settings).key_ids == (young, old)
