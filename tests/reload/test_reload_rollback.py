"""Going back to a version: the files are written back with the present secrets, and put in force."""

import os
from pathlib import Path

import pytest
from reload_bench import hash_of, running, text_of, with_places

from smsagg.errors import ConfigError, ControlError
from smsagg.reload import restoring

GUEST = f'[accounts.guest]\nsystem_id = "guest"\npassword_hash = "{hash_of("guest")}"\n'


async def test_the_file_is_as_it_was(tmp_path: Path) -> None:
    """Secrets and all; it is a version of its own."""
    async with running(tmp_path) as bench:
        before = bench.path.read_text()
        bench.path.chmod(0o640)
        bench.write(text_of(demo="binds_max = 1"))
        await bench.reloader.reload("test")
        reloaded = await bench.reloader.roll_back(1, "test")
        assert (reloaded.version, reloaded.applied) == (3, True)
        assert bench.reloader.current.by == "rollback to 1 by test"
        assert bench.path.read_text() == before
        assert bench.path.stat().st_mode & 0o777 == 0o640
        assert bench.engine.core.config.accounts["demo"].binds_max == 10
        assert [name for name in os.listdir(tmp_path) if "toml" in name] == ["smsagg.toml"]


async def test_a_secret_that_is_gone_is_not_made_up(tmp_path: Path) -> None:
    """The account of that version is not in the present file: nothing is written."""
    async with running(tmp_path, text_of(GUEST)) as bench:
        bench.write(text_of())
        await bench.reloader.reload("test")
        before = bench.path.read_text()
        with pytest.raises(ConfigError, match=r"not in the present file: line \d+$"):
            await bench.reloader.roll_back(1, "test")
        assert bench.path.read_text() == before
        assert bench.reloader.current.number == 2


async def test_a_version_that_is_wrong_by_now_leaves_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its carrier's password was in an environment that is gone."""
    carrier = '[carriers.beta]\ntype = "smpp"\naddress = "127.0.0.1:1"\nsystem_id = "us"\npassword_env = "HUSH"\n'
    monkeypatch.setenv("HUSH", "x")
    async with running(tmp_path, text_of(carriers=carrier)) as bench:
        bench.write(text_of())
        await bench.reloader.reload("test")
        before = bench.path.read_text()
        monkeypatch.delenv("HUSH")
        with pytest.raises(ConfigError, match="the environment has no HUSH"):
            await bench.reloader.roll_back(1, "test")
        assert bench.path.read_text() == before
        assert not (await bench.reloader.reload("test")).applied


async def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several, the first is put back."""
    main, other = tmp_path / "smsagg.toml", tmp_path / "routes.toml"
    main.write_text("a = 1\n")
    other.write_text("b = 1\n")
    replace = restoring._replace

    def failing(path: Path, text: str) -> None:
        if path == other:
            raise OSError(28, "No space left on device", str(path))
        replace(path, text)

    monkeypatch.setattr(restoring, "_replace", failing)
    with pytest.raises(ControlError, match=r"routes\.toml: cannot be written: No space left"):
        restoring.write_back(main, {"smsagg.toml": "a = 2\n", "routes.toml": "b = 2\n"}, "smsagg.toml", str)
    assert (main.read_text(), other.read_text()) == ("a = 1\n", "b = 1\n")


async def test_a_file_that_was_not_there_is_taken_away_again(tmp_path: Path) -> None:
    """It belonged to the version only."""
    main = tmp_path / "smsagg.toml"
    main.write_text("a = 1\n")
    texts = {"smsagg.toml": "a = 1\n", "routes.toml": "b = 2\n"}
    before = restoring.write_back(main, texts, "smsagg.toml", str)
    assert (tmp_path / "routes.toml").read_text() == "b = 2\n"
    restoring.put_back(before)
    assert not (tmp_path / "routes.toml").exists()


async def test_data_files_are_written_back(tmp_path: Path) -> None:
    """A rate card of that version, without a change of the main file."""
    card = tmp_path / "alpha.csv"
    old = "prefix,price,currency\n44,0.02,EUR\n"
    card.write_text(old)
    text = text_of().replace('type = "simulated"', 'type = "simulated"\nrate_card = "alpha.csv"')
    (tmp_path / "smsagg.toml").write_text(with_places(tmp_path / "smsagg.toml", text))
    async with running(tmp_path) as bench:
        card.write_text(old.replace("0.02", "0.03"))
        reloaded = await bench.reloader.reload("test")
        assert (reloaded.version, reloaded.summary) == (2, "files: alpha.csv")
        await bench.reloader.roll_back(1, "test")
        assert card.read_text() == old
        assert bench.reloader.current.digest == bench.reloader.versions.find(1).digest


async def test_a_bulk_file_is_read_anew_and_never_written(tmp_path: Path) -> None:
    """A change of it is a version; no copy of it is kept."""
    ported = tmp_path / "ported.csv"
    ported.write_text("msisdn,mccmnc\n447700900123,23415\n")
    lookup = '[routing.lookup]\ntype = "csv"\ncountries = ["GB"]\nfile = "ported.csv"\n'
    async with running(tmp_path, text_of(lookup)) as bench:
        lookups = bench.engine.lookups
        assert lookups.network("447700900123", "GB") == "23415"
        assert not (await bench.reloader.reload("test")).applied
        ported.write_text("msisdn,mccmnc\n447700900123,23410\n")
        reloaded = await bench.reloader.reload("test")
        assert reloaded.changes == ["~ file ported.csv"]
        assert lookups.network("447700900123", "GB") == "23410"
        texts = await bench.reloader.versions.texts_of(bench.reloader.current)
        assert "447700900123" not in texts["ported.csv"]
        before = ported.read_text()
        await bench.reloader.roll_back(1, "test")
        assert ported.read_text() == before
