"""Words that are something else to a database or a terminal are words here: in every field, in every filter."""

import socket
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from canary_world import NUMBER, PASSWORD, TO, World, ask, submit, until, world
from click.testing import CliRunner
from integration_processes import RawEsme

from smsagg.cli import main
from smsagg.config.protection_settings import EncryptionSettings
from smsagg.history import open_history
from smsagg.smpp import pdu

SQL = "x'; DROP TABLE messages; --"
HOSTILE = (
    SQL,
    "' OR '1'='1",
    '"; DELETE FROM history; --',
    "%",
    "_",
    "\\",
    "\x1b]0;owned\x07\x1b[2J",
    "a\r\nlevel=error b",
)
FITTING = [word for word in HOSTILE if len(word) <= 20]
MEMBERS = ("reference", "from", "text", "to", "region", "message_type", "send_at")
COMMANDS = (
    "message", "held release", "numbers show", "account freeze", "report --account", "money balance", "carrier drain",
)  # fmt: skip
FILTERS = ("to", "from", "state", "reference", "since", "until", "cursor", "limit", "type")


@pytest.mark.slow
def test_hostile_words_are_words(tmp_path: Path) -> None:
    """What is kept is what was said; nothing is lost, nothing more is found, and no answer is an error of ours."""
    with world(tmp_path, "json") as the:
        sent = by_http(the)
        by_smpp(the)
        until(lambda: sum(b"message.delivered" in heard for heard in the.hooks.heard) >= sent)
        assert {row[0] for row in rows(the)} >= {word for word in HOSTILE if word.isprintable()}
        assert filters(the) == 0
        commands(the)
        the.server.process.signal_end()
        assert the.server.process.wait() == 0
        assert len(rows(the)) >= sent
        assert_no_control_characters(the)


def rows(the: World) -> list[Any]:
    """References of all messages."""
    with (
        open_history(the.directory / "smsagg.db", EncryptionSettings(enabled=True)) as history,
        history.snapshot() as ask,
    ):
        return list(ask("SELECT reference FROM messages UNION ALL SELECT reference FROM history", ()))


def by_http(the: World) -> int:
    """Each word as each member; how many were taken."""
    taken = 0
    for word in HOSTILE:
        for member in MEMBERS:
            message = {"to": f"+{NUMBER}", "from": "ACME", "text": "hello", member: word}
            key = "".join(c for c in word if c.isprintable()) + member
            answer = the.call("POST", "/v1/messages", message, **{"Idempotency-Key": key})
            taken += "id" in answer
            assert "internal-error" not in str(answer)
    assert taken >= 2 * len(HOSTILE)
    return taken


def by_smpp(the: World) -> None:
    for word in FITTING:
        stranger = RawEsme(socket.create_connection(the.server.smpp))
        ask(the, stranger, pdu.BindTransceiver(system_id=word[:15], password=word[:8], system_type=word[:12]))
    esme = RawEsme(socket.create_connection(the.server.smpp))
    ask(the, esme, pdu.BindTransceiver(system_id="canary", password=PASSWORD))
    for word in FITTING:
        ask(the, esme, submit(short_message=word.encode(), source_addr=word, service_type=word[:5]))
        ask(the, esme, submit(short_message=word.encode(), destination_addr=word))
        ask(the, esme, submit(short_message=b"HOLDTHIS " + word.encode()))
        ask(the, esme, pdu.QuerySm(message_id=word, source_addr=word))
        ask(the, esme, pdu.CancelSm(message_id="", source_addr=word, service_type=word[:5], **TO))
        ask(the, esme, pdu.ReplaceSm(message_id=word, source_addr=word, short_message=b"x"))


def filters(the: World) -> int:
    """How many messages and events are found by words that are in none, or are patterns to a database."""
    found = 0
    for word in HOSTILE:
        quoted = urllib.parse.quote(word)
        for name in FILTERS:
            for path in ("messages", "events"):
                answer = the.call("GET", f"/v1/{path}?{name}={quoted}x")
                assert "internal-error" not in str(answer)
                if name in ("to", "reference"):
                    found += len(answer.get("messages", ()))
        if word.isprintable():
            assert len(the.call("GET", f"/v1/messages?reference={quoted}")["messages"]) == 1
        for path in (f"messages/{quoted}", f"messages/{quoted}/events"):
            assert the.call("GET", f"/v1/{path}").get("status") == 404
    return found


def commands(the: World) -> None:
    """Words in what is asked for; and what others wrote in what is shown."""
    for word in filter(str.isprintable, FITTING):
        for line in COMMANDS:
            done = CliRunner().invoke(main, [*line.split(), word, "--config", str(the.config)])
            assert done.exception is None or isinstance(done.exception, SystemExit), line
    done = CliRunner().invoke(main, ["held", "list", "--config", str(the.config)])
    the.keep("held", done.output)
    assert "owned" in done.output


def assert_no_control_characters(the: World) -> None:
    """A terminal that shows the log, or what a command said, obeys nobody's text."""
    log = the.server.log.read_bytes()
    assert b"\x1b" not in log + the.outputs["held"]
    assert not [line for line in log.splitlines() if line.startswith(b"level=error")]
