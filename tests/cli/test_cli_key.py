"""``smsagg key``: a key is made, added and taken away, and none that is needed."""

import re
from pathlib import Path

import trio
from attrs import evolve
from click.testing import CliRunner, Result

from smsagg.cli import main
from smsagg.config.protection_settings import EncryptionSettings
from smsagg.config.schema import StoreSettings
from smsagg.store.base import Changes
from smsagg.store.sqlite import open_sqlite_store
from smsagg.verification import Verification, VerificationState

CONFIG = """
[accounts.acme]
system_id = "acme"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
[carriers.alpha]
type = "simulated"
[pools.gb]
carriers = ["alpha"]
countries = ["GB"]
[store]
path = "{path}"
free_octets_min = 0
[store.encryption]
enabled = true
"""

VERIFICATION = Verification(
    verification_id="v",
    account="acme",
    recipient="447700900123",
    country="GB",
    state=VerificationState.PENDING,
    digests=b"",
    attempts=0,
    attempts_max=5,
    message_ids="",
    last_sent_at=1,
    wording="{}",
    reference="",
    created_at=1,
    expires_at=2,
    done_at=0,
)


def smsagg(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["key", *arguments])


def start(path: Path, *, is_sealed: bool = True) -> None:
    """The server, for a moment."""

    async def run() -> None:
        settings = StoreSettings(path=str(path), free_octets_min=0, encryption=EncryptionSettings(enabled=is_sealed))
        async with open_sqlite_store(settings):
            pass

    trio.run(run)


def test_a_key_takes_over_and_the_old_one_goes(tmp_path: Path) -> None:
    """The whole way of a rotation, and what is refused on it."""
    path, config = tmp_path / "smsagg.db", tmp_path / "smsagg.toml"
    config.write_text(CONFIG.format(path=path))
    start(path)
    listed = smsagg("list", "--config", str(config)).output
    (old,) = re.findall(r"^([0-9a-f]{8})  seals  file:.*smsagg\.db\.key  the database$", listed, re.M)
    rotated = smsagg("rotate", "--config", str(config)).output
    (young,) = re.findall(r"^key ([0-9a-f]{8}) in ", rotated)
    assert re.search(f"{old}  opens .* the database", smsagg("list", "--config", str(config)).output)
    assert "is needed: restart the server" in smsagg("forget", "--config", str(config), old).output
    start(path)
    assert re.search(f"{young}  seals .* the database", smsagg("list", "--config", str(config)).output)
    refused = smsagg("forget", "--config", str(config), young)
    assert refused.exit_code == 1
    assert smsagg("forget", "--config", str(config), old).output == f"key {old} is gone from {path}.key\n"
    start(path)
    assert old not in smsagg("list", "--config", str(config)).output
    assert "there is no key" in smsagg("forget", "--config", str(config), old).output
    before = Path(f"{path}.seal").read_bytes()
    assert "has another key" in smsagg("renew", "--config", str(config)).output
    assert Path(f"{path}.seal").read_bytes() != before
    start(path)


def test_a_key_goes_only_when_a_start_has_taken_the_newer_one(tmp_path: Path) -> None:
    """Though nothing is sealed yet: a server that runs would seal with the one that it began with."""
    path, config = tmp_path / "smsagg.db", tmp_path / "smsagg.toml"
    config.write_text(CONFIG.format(path=path).replace("enabled = true", ""))
    start(path, is_sealed=False)
    (old,) = re.findall(r"^([0-9a-f]{8})  seals .* nothing is", smsagg("list", "--config", str(config)).output, re.M)
    smsagg("rotate", "--config", str(config))
    assert "is needed: restart" in smsagg("forget", "--config", str(config), old).output
    start(path, is_sealed=False)
    assert "is gone" in smsagg("forget", "--config", str(config), old).output
    start(path, is_sealed=False)


def test_a_key_of_codes_goes_after_the_start_that_follows_them(tmp_path: Path) -> None:
    """Until then the store says that it needs it, and would not open without it."""
    path, config = tmp_path / "smsagg.db", tmp_path / "smsagg.toml"
    config.write_text(CONFIG.format(path=path))
    settings = StoreSettings(path=str(path), free_octets_min=0, encryption=EncryptionSettings(enabled=True))

    async def verify(state: VerificationState) -> None:
        async with open_sqlite_store(settings) as store:
            digests = store.cipher.digest(b"4711", b"v")
            store.write(Changes(verifications=[evolve(VERIFICATION, state=state, digests=digests)]))
            await store.flush()

    trio.run(verify, VerificationState.PENDING)
    (old,) = re.findall(r"^([0-9a-f]{8})  seals ", smsagg("list", "--config", str(config)).output, re.M)
    smsagg("rotate", "--config", str(config))
    trio.run(verify, VerificationState.APPROVED)
    listed = smsagg("list", "--config", str(config)).output
    assert re.search(f"{old} .*nothing is sealed with it; needed until the next start", listed)
    assert "is needed: restart" in smsagg("forget", "--config", str(config), old).output
    start(path)
    assert "is gone" in smsagg("forget", "--config", str(config), old).output
    start(path)


def test_a_new_key(tmp_path: Path) -> None:
    """In a file for its owner alone, and never over another; or a line for an environment variable."""
    path = tmp_path / "store.key"
    assert smsagg("new", str(path)).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    kept = path.read_text()
    assert "there already" in smsagg("new", str(path)).output
    assert path.read_text() == kept
    assert re.fullmatch("[A-Za-z0-9+/]{43}=\n", smsagg("new").output)
    config = tmp_path / "smsagg.toml"
    config.write_text(CONFIG.format(path=tmp_path / "smsagg.db") + 'keys = ["env:SMSAGG_KEY"]\n')
    assert "env:SMSAGG_KEY" in smsagg("rotate", "--config", str(config)).output
