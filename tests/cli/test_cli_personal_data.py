"""``smsagg personal-data`` and ``smsagg backup``: the store of a stopped server, and what a running one is asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from past_store import Past

from smsagg.cli import main
from smsagg.cli import personal_data as module


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    past = Past(tmp_path).fill()
    yield past
    past.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


def test_what_is_held_is_told(past: Past) -> None:
    """As lines; a number that is none is refused."""
    message = past.accept(10, destination_addr="447700900321")
    result = run("personal-data", "export", "+44 7700 900321", "--config", str(past.config))
    found = [orjson.loads(line) for line in result.output.splitlines()]
    assert [record["kind"] for record in found] == ["message", "end"]
    assert found[0]["seq"] == message.seq
    refused = run("personal-data", "export", "12", "--config", str(past.config))
    assert (refused.exit_code, "no international number" in refused.output) == (1, True)


def test_an_erasure_is_asked_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it says is told."""
    requests: list[dict[str, Any]] = []

    def ask_server(_config: Path, _socket: str, request: dict[str, Any]) -> list[dict[str, Any]]:
        requests.append(request)
        return [{"id": "era_1", "state": "done", "pseudonym": "erased-0123456789ab", "changed": 1_234}]

    monkeypatch.setattr(module, "ask_server", ask_server)
    common = ("--config", "x", "--account", "acme")
    assert run("personal-data", "erase", "+447700900321", *common).output.startswith("era_1: erased-0123456789ab")
    assert run("personal-data", "status", "era_1", *common).output == "done; records changed: 1,234\n"
    assert [(one["do"], one["account"]) for one in requests] == [("erase", "acme"), ("status", "acme")]


def test_a_copy_of_the_store(past: Past, tmp_path: Path) -> None:
    """It is the store again; nothing is written over."""
    target = tmp_path / "copy" / "copy.db"
    target.parent.mkdir()
    result = run("backup", "--config", str(past.config), str(target))
    assert result.exit_code == 0, result.output
    assert "octets in" in result.output
    again = run("backup", "--config", str(past.config), str(target))
    assert (again.exit_code, "is there already" in again.output) == (1, True)
