"""Reloads of a real process: by signal and by command, under load, and cut short by ``kill -9``."""

import contextlib
import getpass
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import smpplib.exceptions
from click.testing import CliRunner
from integration_processes import PATIENCE_S, Esme, Server, make_config, serving

from smsagg.cli import main

GB, VN = "447700900123", "84901234567"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "too slow"
        time.sleep(0.01)


def smsagg(*arguments: str) -> tuple[int, str, str]:
    """Exit status, output and errors of a command."""
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def variants(text: str) -> list[str]:
    """Three sound files and a wrong one."""
    return [
        text.replace('carriers = ["albion"]', 'carriers = ["hanoi", "albion"]\npolicy = "weighted"'),
        text.replace('[pools.gb]\ncountries = ["GB"]\ncarriers = ["albion"]\n', "").replace(
            'countries = ["VN"]', 'countries = ["VN", "GB"]'
        ),
        text.replace("password_hash = ", 'binds_max = "many"\npassword_hash = ', 1),
        text.replace("[carriers.tashkent]", "[carriers.tashkent]\nlinks = 2"),
    ]


def test_reloads_under_load_disturb_nobody(tmp_path: Path) -> None:
    """Pools and carriers come and go by SIGHUP while an ESME submits: each message is taken, and its receipt comes."""
    with serving(tmp_path) as server, Esme(server.smpp) as esme:
        config = tmp_path / "smsagg.toml"
        text = config.read_text()
        for variant in [*variants(text), text]:
            config.write_text(variant)
            before = server.metrics("smsagg_config_reloads_total")
            server.process.signal_reload()
            submitted = len(esme.accepted)
            for _ in range(40):
                esme.submit(GB)
            esme.read_until(lambda submitted=submitted: len(esme.accepted) == submitted + 40)  # type: ignore[misc]
            until(lambda before=before: server.metrics("smsagg_config_reloads_total") > before)  # type: ignore[misc]
        esme.read_until(lambda: len(esme.receipts) == len(esme.accepted))
        told = {receipt.short_message.decode().split()[0].removeprefix("id:") for receipt in esme.receipts}
        assert told == set(esme.accepted.values())
        assert server.metrics("smsagg_config_reloads_total", result="refused") == 1
        assert server.metrics("smsagg_config_version") == 5
        assert server.process.terminate() == 0
    log = (tmp_path / "serve.log").read_text()
    assert '"event":"config_refused"' in log
    assert "Traceback" not in log


def test_a_death_in_the_midst_of_a_reload_costs_nothing(tmp_path: Path) -> None:
    """kill -9 at any moment after SIGHUP: the next process has the file's configuration, and everything accepted."""
    config, log = tmp_path / "smsagg.toml", tmp_path / "serve.log"
    text = make_config(tmp_path)
    sound = [one for one in (text, *variants(text)) if "many" not in one]
    accepted: set[str] = set()
    config.write_text(text)
    for round_ in range(3):
        server = Server(config, log)
        try:
            with contextlib.suppress(OSError, smpplib.exceptions.ConnectionError), Esme(server.smpp) as esme:
                for _ in range(30):
                    esme.submit(GB)
                esme.read_until(lambda esme=esme: len(esme.accepted) >= 10)  # type: ignore[misc]
                accepted.update(esme.accepted.values())
                config.write_text(sound[round_ % len(sound)])
                server.process.signal_reload()
                time.sleep(0.005 * round_)
        finally:
            server.process.close()  # kill -9
    server = Server(config, log)
    try:
        assert smsagg("reload", "--check", "--config", str(config))[1].endswith("; a reload would change nothing\n")
        with Esme(server.smpp) as esme:
            states = {esme.query(message_id).message_state for message_id in accepted}
            assert states <= {1, 2}, "neither on its way nor delivered"
            esme.submit(GB)
            esme.read_until(lambda: any(b"stat:DELIVRD" in receipt.short_message for receipt in esme.receipts))
        assert server.process.terminate() == 0
    finally:
        server.process.close()
    assert len(accepted) >= 30
    assert "Traceback" not in log.read_text()


def test_the_commands(tmp_path: Path) -> None:
    """reload, its check, every problem at once; history, show, diff and rollback; check-config beside what runs."""
    with serving(tmp_path) as server:
        config = tmp_path / "smsagg.toml"
        text = config.read_text()
        where = ("--config", str(config))
        first = text.replace('system_id = "other"', 'system_id = "other"\nenabled = false')
        config.write_text(first)
        assert smsagg("reload", "--check", *where)[:2] == (
            0,
            "~ accounts.other: enabled\nversion 1 is in force; a reload would change: accounts: ~1\n",
        )
        status, out, _ = smsagg("check-config", "--running", str(config))
        assert status == 0
        assert "version 1 is in force" in out
        assert "~ accounts.other: enabled" in out
        assert smsagg("reload", *where)[:2] == (
            0,
            "~ accounts.other: enabled\nversion 2 is in force: accounts: ~1\n",
        )
        assert smsagg("reload", *where)[1] == "unchanged: version 2 is in force\n"
        config.write_text(first.replace("enabled = false", 'enabled = "no"\ncolour = 1'))
        status, _, err = smsagg("reload", *where)
        assert status == 1
        assert [line.split(": ")[1] for line in err.splitlines()] == [
            "accounts.other.colour",
            "accounts.other.enabled",
        ]
        assert smsagg("reload", "--check", *where)[0] == 1
        config.write_text(first)
        lines = smsagg("config", "history", *where)[1].splitlines()
        assert [line.split()[0] for line in lines] == ["1", "*"]
        assert lines[1].endswith(f"unix:{getpass.getuser()}: accounts: ~1")
        shown = json.loads(smsagg("config", "show", "1", "--json", *where)[1])
        assert "redacted:" in shown["texts"]["smsagg.toml"]
        assert "+enabled = false" in smsagg("config", "diff", "1", "2", *where)[1]
        assert smsagg("config", "rollback", "1", *where)[1].startswith("~ accounts.other: enabled\nversion 3")
        assert config.read_text() == text
        assert smsagg("config", "rollback", "9", *where)[2] == "version 9 is not kept; there are from 1 to 3\n"
        assert server.metrics("smsagg_config_version") == 3
        config.write_text("[")
        assert smsagg("reload", *where)[0] == 1


@pytest.mark.parametrize("command", [("reload",), ("config", "history")])
def test_without_a_server(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Said in a line."""
    config = tmp_path / "smsagg.toml"
    config.write_text(make_config(tmp_path))
    status, _, err = smsagg(*command, "--config", str(config))
    assert status == 1
    assert err.startswith("no server answers at ")
