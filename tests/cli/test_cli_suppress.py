"""``smsagg suppress`` on a terminal."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from smsagg.cli import suppress as suppress_module

RECORD = {
    "number": "447700900123", "sender": "acme", "at": 1_800_000_000_000, "how": "keyword", "evidence": "STOP",
}  # fmt: skip
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "add": [{"changed": 1}],
    "remove": [{"changed": 1}],
    "find": [RECORD],
    "import": [{"problem": "list.csv:3: no"}, {"read": 2, "changed": 1, "wrong": 1, "done": True}],
    "export": [{"csv": "number\n"}, {"csv": "447700900123\n"}],
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Requests that reached the server, which answers what fits."""
    requests: list[dict[str, Any]] = []

    def ask_server(
        _path: Any, _socket: str, request: dict[str, Any], body: bytes | None = None, told: Any = None
    ) -> Any:
        requests.append(request | ({} if body is None else {"body": body}))
        answers = ANSWERS[request["do"]]
        for answer in answers:
            if told is not None:
                told(answer)
        return answers

    monkeypatch.setattr(suppress_module, "ask_server", ask_server)
    return requests


def run(*arguments: str) -> Result:
    """What a command does."""
    return CliRunner().invoke(suppress_module.suppress, [*arguments, "--config", "x"])


def test_numbers_go_to_the_server_as_they_are(asked: list[dict[str, Any]]) -> None:
    """And what it says is told."""
    assert "suppressed: 1" in run("add", "+447700900123", "--account", "acme", "--sender", "ACME").output
    assert "removed: 1" in run("remove", "447700900123").output
    assert "447700900123 from acme since 2027-01-15" in run("find", "447700900123").output
    assert '"how": "keyword"' in run("find", "447700900123", "--json").output
    assert [one["do"] for one in asked] == ["add", "remove", "find", "find"]
    assert (asked[0]["account"], asked[0]["sender"], asked[1]["account"]) == ("acme", "ACME", "")


def test_lists_go_in_and_come_out(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    """A list with wrong rows is told of by the exit status."""
    file = tmp_path / "list.csv"
    file.write_text("number\n")
    result = run("import", str(file))
    assert result.exit_code == 1
    assert "2 rows, 1 new, 1 wrong" in result.output
    assert asked[0]["body"] == b"number\n"
    assert run("export").output == "number\n447700900123\n"
