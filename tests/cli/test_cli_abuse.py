"""``smsagg abuse``, ``held`` and ``account`` on a terminal."""

from typing import Any

import pytest
from click.testing import CliRunner

from smsagg.cli import abuse as abuse_module
from smsagg.cli import account as account_module
from smsagg.cli import held as held_module

AT = 1_800_000_000_000
ALARM = {
    "is": "alarm", "kind": "sequence", "account": "acme", "subject": "2637710", "detail": "50 neighbouring numbers",
    "action": "block", "first_at": AT, "last_at": AT, "count": 3,
}  # fmt: skip
PREFIX = {"is": "prefix", "account": "acme", "prefix": "2637710", "kind": "sequence", "action": "block"}
STATUS = [
    ALARM,
    PREFIX | {"since": AT, "until": AT},
    {"is": "account", "account": "acme", "frozen": True, "remembered": {"sequences": 7}, "usage": {"usual": 12}},
]
HELD = {
    "id": "a1", "part": 0, "account": "acme", "rule": "phishing", "from": "ACME", "to": "447700900123",
    "country": "GB", "accepted_at": AT, "expires_at": AT, "text": "[bold]verify",
}  # fmt: skip
FROZEN = {"account": "acme", "since": AT, "reason": "a call", "by": "uid 0"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Requests that reached the server, which answers what fits."""
    requests: list[dict[str, Any]] = []

    def ask_server(_path: Any, _socket: str, request: dict[str, Any]) -> list[dict[str, Any]]:
        requests.append(request)
        answers: dict[tuple[str, str], list[dict[str, Any]]] = {
            ("abuse", "status"): STATUS,
            ("abuse", "clear"): [{"prefixes": 1}],
            ("held", "list"): [HELD],
            ("held", "release"): [{"messages": 2}],
            ("held", "reject"): [{"messages": 1}],
            ("account", "list"): [FROZEN],
            ("account", "freeze"): [{"account": "acme", "changed": True}],
            ("account", "unfreeze"): [{"account": "acme", "changed": False}],
        }
        return answers[request["command"], request["do"]]

    for module in (abuse_module, held_module, account_module):
        monkeypatch.setattr(module, "ask_server", ask_server)
    monkeypatch.setenv("COLUMNS", "180")
    return requests


def run(command: Any, *arguments: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(command, [*arguments, "--config", "x"])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_status_and_clear(asked: list[dict[str, Any]]) -> None:
    """Three tables, or lines of JSON; what is cleared is what was named."""
    text = run(abuse_module.abuse, "status")
    for words in ("50 neighbouring numbers", "2637710", "2027-01-15 08:00:00", "sequences: 7", "alarms: 1"):
        assert words in text
    assert run(abuse_module.abuse, "status", "--json").count("\n") == 3
    assert "let go on: 1" in run(abuse_module.abuse, "clear", "--account", "acme", "--prefix", "2637710")
    assert asked[-1] == {"command": "abuse", "do": "clear", "account": "acme", "prefix": "2637710"}


def test_held(asked: list[dict[str, Any]]) -> None:
    """Listed with their texts as they are; released and rejected by ids, or by what they have in common."""
    text = run(held_module.held, "list", "--rule", "phishing")
    assert "[bold]verify" in text
    assert "1 held" in text
    assert run(held_module.held, "list", "--json").startswith('{"id": "a1"')
    assert "4 released" in run(held_module.held, "release", "a1", "a2")
    assert [request.get("id") for request in asked[-2:]] == ["a1", "a2"]
    assert "1 rejected" in run(held_module.held, "reject", "--all")
    assert asked[-1]["all"] is True


@pytest.mark.parametrize("arguments", [["release"], ["reject", "a1", "--all"], ["release", "a1", "--rule", "x"]])
def test_which_held_messages_must_be_said_in_one_way(asked: list[dict[str, Any]], arguments: list[str]) -> None:
    """Nothing is released by an empty word."""
    assert CliRunner().invoke(held_module.held, [*arguments, "--config", "x"]).exit_code != 0
    assert asked == []


def test_account(asked: list[dict[str, Any]]) -> None:
    """Frozen with a reason, let go, listed."""
    assert run(account_module.account, "freeze", "acme", "--reason", "a call") == "acme is frozen\n"
    assert asked[-1]["reason"] == "a call"
    assert run(account_module.account, "unfreeze", "acme") == "acme is not frozen\n"
    assert "2027-01-15 08:00:00 UTC by uid 0: a call" in run(account_module.account, "frozen")
    assert run(account_module.account, "frozen", "--json").startswith('{"account": "acme"')


def test_what_is_needed_to_release_a_message_is_whole_on_a_narrow_terminal(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id; and no text of a peer drives the terminal."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setitem(HELD, "id", "00000008aeab5061")
    monkeypatch.setitem(HELD, "text", "one\ntwo\x1b[2J")
    text = run(held_module.held, "list")
    assert "00000008aeab5061  acme  phishing\n" in text
    assert "one two\\x1b[2J" in text


def test_an_account_that_was_frozen_without_a_reason_has_none(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor the colon before one."""
    monkeypatch.setitem(FROZEN, "reason", "")
    assert run(account_module.account, "frozen").endswith("UTC by uid 0\n")
