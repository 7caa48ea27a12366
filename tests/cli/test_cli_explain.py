"""``smsagg explain`` by the files alone, and over a control socket."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner
from rich.console import Console

from smsagg.cli import main
from smsagg.cli.explain import show
from smsagg.control.explain import ExplainService, question_of
from smsagg.control.server import Caller
from smsagg.engine.admission.explaining import Question
from smsagg.errors import ControlError
from smsagg.testing.gateway import run_gateway

CONFIG = str(Path(__file__).parents[2] / "configs" / "example.toml")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["explain", "--config", CONFIG, *arguments])


def test_the_example_is_explained_without_a_server() -> None:
    """For people as tables, with the verdict in the last line."""
    arguments = ("--account", "acme", "--from", "ACME", "--to", "447400123456", "--text", "Your code is 1234")
    result = run(*arguments, "--class", "default", "--at", "2031-01-15T12:00:00", "--offline")
    assert result.exit_code == 0, result.output
    for said in ("codes", "continued", "quiet-hours", "it is wed 12:00 there", "local time", "Europe/London", "0.0"):
        assert said in result.output
    assert result.output.strip().endswith("It would go to pool gb, by its country")


def test_json_is_for_programs() -> None:
    """One object."""
    result = run("--account", "acme", "--from", "ACME", "--to", "8821612345678", "--json")
    record = json.loads(result.output)
    assert record["decision"] == {"blocked": "too dear", "rule": "no-satellites", "command_status": "ESME_RINVDSTADR"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--account", "nobody", "--to", "447400123456"), "there is no account nobody; there are acme"),
        (("--account", "acme", "--to", "447400123456", "--at", "noon"), "no date and time"),
        (("--account", "acme", "--to", "447400123456", "--socket", "/nowhere"), "no server answers at /nowhere"),
    ],
)
def test_what_cannot_be_explained_is_told(arguments: tuple[str, ...], said: str) -> None:
    """Without a traceback."""
    result = run(*arguments)
    assert result.exit_code != 0
    assert said in result.output
    assert "Traceback" not in result.output


async def test_a_running_server_answers_with_one_record() -> None:
    """As the files alone do, and with what it knows of the moment."""
    async with run_gateway() as gateway:
        answers: list[Any] = []

        async def send(record: Any) -> None:
            await trio.lowlevel.checkpoint()
            answers.append(record)

        request = {"command": "explain", "account": "acme", "number": "447700900123", "at": None}
        await ExplainService(gateway.engine).serve(request, send, Caller(1, 0))
        assert [(one["is_running"], one["decision"]["pool"]) for one in answers] == [(True, "gb")]
        shown = Console(width=160, record=True, file=StringIO())
        show(json.loads(json.dumps(answers[0])), shown)
        text = shown.export_text()
        assert "It would go to pool gb, by its country" in text
        assert "taken" in text


@pytest.mark.parametrize("wrong", [{"account": 1}, {"at": "now"}, {"at": -1}, {"text": None}])
def test_a_request_that_is_none_is_told(wrong: dict[str, Any]) -> None:
    """Whoever wrote it."""
    with pytest.raises(ControlError, match=next(iter(wrong))):
        question_of({"account": "acme", "number": "1"} | wrong)


def test_what_is_left_out_is_empty() -> None:
    """But for the account and the number, which must be there to make sense."""
    assert question_of({"account": "a", "number": "1", "at": 5}) == Question("a", "1", at=5)


def test_a_message_that_would_be_held_is_not_said_to_go() -> None:
    """Not before an operator has released it."""
    record = {
        "at": "2026-11-22T07:26:27+00:00",
        "is_running": False,
        "account": "acme",
        "number": "447700900123",
        "decision": {"pool": "gb", "by": "its country"},
        "steps": [{"step": "abuse", "says": "held", "command_status": "", "reason": "by content rule x"}],
    }
    shown = Console(width=160, record=True, file=StringIO())
    show(record, shown)
    assert "It would be held for an operator, and then go to pool gb, by its country" in shown.export_text()
