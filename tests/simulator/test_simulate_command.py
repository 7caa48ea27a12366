"""``smsagg simulate``: its options and its configuration file."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from smsagg.cli import main
from smsagg.errors import ConfigError
from smsagg.simulator.settings import load_settings


def test_options_override_the_file(tmp_path: Path) -> None:
    """Tables merge; what the command line says wins."""
    file = tmp_path / "smsc.toml"
    file.write_text('response_lost = 0.1\n[receipts]\nearly = 0.5\nmissing = 0.2\n[errors]\n"0x400" = 0.1\n')
    settings = load_settings(file, {"receipts": {"missing": 0.3}})
    assert settings.response_lost == 0.1
    assert (settings.receipts.early, settings.receipts.missing) == (0.5, 0.3)
    assert settings.errors == {0x400: 0.1}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--latency", "20"], "latency.value: must be a duration"),
        (["--id-form", "roman"], "ids.form: must be one of"),
        (["--error", "ESME_RSYSERR"], "must be NAME=NUMBER"),
        (["--error", "NONSENSE=0.5"], "errors.NONSENSE: must be a command_status"),
        (["--throttle-above", "many"], "throttle_above: must be a rate"),
        (["--config", "/no/such/file"], "/no/such/file"),
    ],
)
def test_impossible_options_are_told(options: list[str], reason: str) -> None:
    """One line with the key and the reason, exit status 1."""
    result = CliRunner().invoke(main, ["simulate", "--port", "0", *options])
    assert result.exit_code == 1
    assert reason in result.output


def test_unknown_keys_are_refused(tmp_path: Path) -> None:
    """A misspelt key is an error with the nearest known one."""
    file = tmp_path / "smsc.toml"
    file.write_text("respons_lost = 0.1\n")
    with pytest.raises(ConfigError, match=r"respons_lost.*response_lost"):
        load_settings(file, {})


def test_a_port_in_use_is_told() -> None:
    """Listening fails with the address and the reason."""
    result = CliRunner().invoke(main, ["simulate", "--host", "192.0.2.1", "--port", "1"])
    assert result.exit_code == 1
    assert "cannot listen on 192.0.2.1:1" in result.output
