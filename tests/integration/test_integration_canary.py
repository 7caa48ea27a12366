"""Nothing private that goes through a server comes out where it does not belong: texts, passwords, keys, secrets."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary_world import (
    CARRIER_PASSWORD,
    CLOSED,
    FROM,
    KEY,
    NUMBER,
    OWNERS_KEY,
    PASSWORD,
    READERS_KEY,
    REFUSED_NUMBER,
    REPLY,
    SECRET,
    SHORT_CODE,
    STRANGE_KEY,
    TEXT,
    TO,
    WRONG_PASSWORD,
    World,
    ask,
    spellings,
    submit,
    until,
    world,
)
from click.testing import CliRunner
from integration_processes import RawEsme

from smsagg.cli import main
from smsagg.smpp import pdu
from smsagg.smpp.codec import encode
from smsagg.smpp.tlv import Tag

UDH = bytes((5, 0, 3, 7, 2, 1))
MAY_TELL = {
    ("smpp", REPLY), ("webhooks", REPLY), ("GET /v1/events", REPLY),  # to the account that it was written to
    ("smpp", TEXT),  # receipts quote how it began, to who sent it
    ("smsagg held list", TEXT), ("smsagg held list --json", TEXT),  # to who decides about it
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_nothing_private_comes_out(tmp_path: Path, log_format: str) -> None:
    """Every way in, good and bad, by SMPP, HTTP and from carriers; every way out: answers, events, webhooks, metrics,
    the OpenAPI document, commands, traces, refused configurations, and a log at level debug."""
    with world(tmp_path, log_format) as the:
        with traced(the):
            by_smpp(the)
            message_id = by_http(the)
            by_template(the)
            until(lambda: sum(b"message.inbound" in heard for heard in the.hooks.heard) > 0)
            until(lambda: sum(b"message.delivered" in heard for heard in the.hooks.heard) > 3)
        pages(the, message_id)
        commands(the, message_id)
        refused_configurations(the)
        in_files(the, tmp_path)
        the.server.process.signal_end()
        the.server.process.wait()
        the.keep("webhooks", b"".join(the.hooks.heard))
        the.keep("log", the.server.log.read_bytes())
        assert b"message.inbound" in the.outputs["webhooks"]
        assert b"short_message" in the.outputs["trace"]
        assert len(the.outputs["log"]) > 1_000
        found = hits(the)
        assert not found, "\n".join(found)


def in_files(the: World, folder: Path) -> None:
    """The sealed store, its WAL and all beside it, in the midst of the run; and there is something in it."""
    files = {path.name: path.read_bytes() for path in folder.rglob("*.db*") if path.is_file()}
    assert sum(map(len, files.values())) > 100_000
    for name, octets in files.items():
        assert NUMBER.encode() not in octets, name
        the.keep(f"file {name}", octets)


def hits(the: World) -> list[str]:
    """What came out where."""
    private = [TEXT, REPLY, PASSWORD, WRONG_PASSWORD, CARRIER_PASSWORD, KEY, STRANGE_KEY, READERS_KEY, SECRET[6:]]
    found = [
        f"{name}: {word} ({how})"
        for name, octets in the.outputs.items()
        for word in private
        for how, spelling in spellings(word).items()
        if spelling in octets and (name, word) not in MAY_TELL
    ]
    return found + [f"{name}: {NUMBER}" for name in ("log", "metrics") if NUMBER.encode() in the.outputs[name]]


@contextlib.contextmanager
def traced(the: World) -> Iterator[None]:
    """``smsagg trace`` of all that the account does, to read and for programs."""
    arguments = [sys.executable, "-m", "smsagg", "trace", "--account", "canary", "--config", str(the.config)]
    with contextlib.ExitStack() as stack:
        for options in ((), ("--json",)):
            path = the.directory / f"trace{len(options)}"
            output = stack.enter_context(path.open("wb"))
            process = stack.enter_context(subprocess.Popen([*arguments, *options], stdout=output, stderr=output))
            stack.callback(process.kill)
            until(lambda path=path: path.stat().st_size > 0)  # type: ignore[misc]
        yield
    the.keep("trace", b"".join((the.directory / f"trace{number}").read_bytes() for number in (0, 1)))


def by_smpp(the: World) -> None:
    """Submits of every kind, taken and refused; what is asked about them; what cannot be read."""
    for password in (WRONG_PASSWORD, PASSWORD):
        esme = RawEsme(socket.create_connection(the.server.smpp))
        ask(the, esme, pdu.BindTransceiver(system_id="canary", password=password))
    text = TEXT.encode()
    payload = ((int(Tag.MESSAGE_PAYLOAD), text * 20),)
    for one in (
        submit(short_message=text),
        submit(short_message=b"", tlvs=payload),
        submit(short_message=TEXT.encode("utf-16-be"), data_coding=8),
        submit(short_message=UDH + text, esm_class=0x40),
        submit(short_message=b"HOLDTHIS " + text),
        submit(short_message=text, schedule_delivery_time="000000010000000R"),
        submit(short_message=text, destination_addr=REFUSED_NUMBER),
        submit(short_message=text, destination_addr="0" + NUMBER),
        submit(short_message=text, esm_class=0x3C),
        submit(short_message=text, service_type="CNRY", validity_period="999999999999999R"),
        pdu.SubmitMulti(dest_addresses=(pdu.SmeAddress(1, 1, NUMBER), pdu.SmeAddress(1, 1, "1")), **FROM,
                        short_message=text),
        pdu.DataSm(**FROM, **TO, tlvs=payload),
    ):  # fmt: skip
        answer = ask(the, esme, one)
        message_id = getattr(answer, "message_id", "")
        if message_id:
            ask(the, esme, pdu.ReplaceSm(message_id=message_id, **FROM, short_message=text))
            ask(the, esme, pdu.QuerySm(message_id=message_id, **FROM))
            ask(the, esme, pdu.CancelSm(message_id=message_id, **FROM, **TO))
    for octets in (encode(submit(short_message=text))[:60] + b"\xff" * 20, text * 4, KEY.encode()):
        with contextlib.suppress(*CLOSED), socket.create_connection(the.server.smpp) as stranger:
            stranger.sendall(octets)
            stranger.settimeout(1.0)
            the.keep("smpp", stranger.recv(1_000))


def by_http(the: World) -> str:
    """Messages by HTTP, and everything that can be wrong with them; the id of one."""
    one = {"to": f"+{NUMBER}", "from": "ACME", "text": TEXT}
    first = the.call("POST", "/v1/messages", one)
    for key in (READERS_KEY, STRANGE_KEY):
        the.call("POST", "/v1/messages", one, key=key)
    for body in ({**one, "text": f"{TEXT} else"}, one, one):
        the.call("POST", "/v1/messages", body, **{"Idempotency-Key": TEXT})
    the.call("POST", "/v1/messages", {**one, "text": f"HOLDTHIS {TEXT}"})
    the.call(
        "POST", "/v1/messages/batch", {"messages": [one, {**one, "to": TEXT}, {**one, "to": f"+{REFUSED_NUMBER}"}]}
    )
    for member in ("to", "from", "ttl", "region", "send_at", "message_type", "priority", "reference", "text"):
        the.call("POST", "/v1/messages", {**one, member: TEXT * 400})
    for broken in (b"{" + TEXT.encode(), TEXT.encode(), b"\xff" + TEXT.encode(), b"[" * 100_000 + TEXT.encode()):
        the.call("POST", "/v1/messages", broken)
        the.call("POST", "/v1/messages/batch", broken)
    later = the.call("POST", "/v1/messages", {**one, "send_at": "2099-01-15T08:00:00Z"})
    the.call("POST", f"/v1/messages/{later.get('id', 'unknown')}/cancel")
    the.call("DELETE", "/v1/messages")
    return str(first["id"])


def by_template(the: World) -> None:
    """Values of parameters, good and bad; what a preview shows is for who asks."""
    place = {"type": "text", "max_length": 40}
    template = {"texts": {"en": "Dear {who}"}, "default_locale": "en", "parameters": {"who": place}}
    the.call("PUT", "/v1/templates/greeting", template, OWNERS_KEY)
    the.call("PUT", "/v1/templates/number", {**template, "parameters": {"who": {"type": "integer"}}}, OWNERS_KEY)
    shown = the.call("POST", "/v1/templates/greeting/preview", {"params": {"who": TEXT}}, OWNERS_KEY, is_kept=False)
    assert TEXT in str(shown)
    good = {"to": f"+{NUMBER}", "from": "ACME", "template": "greeting", "params": {"who": TEXT}}
    assert "id" in the.call("POST", "/v1/messages", good)
    too_long = {"who": TEXT * 9}
    for wrong in ({"template": "number"}, {"template": TEXT}, {"params": too_long}, {"text": TEXT}, {"locale": TEXT}):
        the.call("POST", "/v1/messages", {**good, **wrong})
        the.call("POST", "/v1/messages/batch", {"messages": [good, {**good, **wrong}]})
    the.call("POST", "/v1/templates/number/preview", {"params": {"who": TEXT}}, OWNERS_KEY)
    the.call("GET", "/v1/templates", key=OWNERS_KEY)


def pages(the: World, message_id: str) -> None:
    """Everything that can be read over HTTP, also with what is private in the question."""
    quoted = TEXT.replace(" ", "%20")
    one = f"messages/{message_id}"
    for target in ("messages", one, f"{one}/events", f"messages/{quoted}", "events", "openapi.json", quoted):
        for query in ("", f"?cursor={quoted}", f"?since={quoted}&type={quoted}&limit={quoted}&state={quoted}"):
            the.call("GET", f"/v1/{target}{query}")
    for target in ("/metrics", "/healthz", "/readyz", f"/{quoted}"):
        the.call("GET", target)
        the.keep("metrics", the.outputs[f"GET {target}"])


def commands(the: World, message_id: str) -> None:
    """What operators can ask, but for what shows texts because they say so (``--bodies``)."""
    for line in (
        f"message {message_id}", f"message {message_id} --json", "held list", "held list --json", "receipts unmatched",
        "receipts dialects", "receipts rematch --help", "account frozen", "abuse status", "carrier status",
        "config history", "config show 1", "money balance", "report", "report --by carrier --format json",
        "export", "numbers list", "check-config", "reload --check", "reload", "held reject --all",
        f"held release {message_id}", "account freeze canary --reason CNRY", "account unfreeze canary",
    ):  # fmt: skip
        run(the, line, *line.split(), "--config", str(the.config))
    asked = ("explain", "--account", "canary", "--to", NUMBER, "--text", TEXT, "--config", str(the.config))
    for arguments in (asked, (*asked, "--json"), (*asked, "--offline")):
        run(the, "explain", *arguments)
    host, port = the.server.smpp
    for password in (PASSWORD, WRONG_PASSWORD):
        sending = ("send", "--host", host, "--port", str(port), "--system-id", "canary", "--password", password)
        run(the, "send", *sending, "--to", NUMBER, "--from", "ACME", "--text", TEXT)


def run(the: World, name: str, *arguments: str) -> None:
    done = CliRunner().invoke(main, list(arguments))
    the.keep(f"smsagg {name}", done.stdout + done.stderr)


def refused_configurations(the: World) -> None:
    """Files that are wrong beside what is secret in them, and where the secret itself is."""
    sound = the.config.read_text()
    for wrong in (
        sound.replace(f'password = "{CARRIER_PASSWORD}"', f'password = ["{CARRIER_PASSWORD}"]', 1),
        sound.replace(
            f'password = "{CARRIER_PASSWORD}"', f'password = "{CARRIER_PASSWORD}"\npasword = "{PASSWORD}"', 1
        ),
        sound.replace(f'password = "{CARRIER_PASSWORD}"', f'password = "{CARRIER_PASSWORD}" x', 1),
        sound.replace(SECRET, f"{SECRET}!"),
        sound.replace('app = { hash = "sha256:', f'app = {{ hash = "{KEY}'),
        sound.replace(f'mo_numbers = ["{SHORT_CODE}"]', f'password_hash = "{PASSWORD}"'),
        sound.replace('system_id = "canary"', f'system_id = "canary"\npassword = "{PASSWORD}"'),
    ):
        assert wrong != sound
        the.config.write_text(wrong)
        run(the, "reload", "reload", "--config", str(the.config))
        run(the, "check-config", "check-config", str(the.config))
        before = len(the.server.log.read_bytes())
        the.server.process.signal_reload()
        until(lambda before=before: len(the.server.log.read_bytes()) > before)  # type: ignore[misc]
    the.config.write_text(sound)
