"""The README's first steps, as a newcomer takes them, against the server that ``make run`` starts."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SMSAGG = [sys.executable, "-c", "from smsagg.cli import main; main()"]


class Server(NamedTuple):
    """Ports."""

    smpp: str
    http: str


@pytest.fixture
def receiver() -> Iterator[IO[str]]:
    """What the receiver of webhooks prints."""
    command = [sys.executable, ROOT / "tools" / "webhook_receiver.py", "--port", "0"]
    receiver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert receiver.stdout is not None
    try:
        yield receiver.stdout
    finally:
        receiver.kill()
        receiver.wait(20)
        receiver.stdout.close()


@pytest.fixture
def server(tmp_path: Path, receiver: IO[str]) -> Iterator[Server]:
    """A server on the developers' configuration, with free ports and a store of its own."""
    receives_at = receiver.readline().split()[-1]
    text = (ROOT / "configs" / "dev.toml").read_text()
    text = re.sub(r'(_listen = )".*"', r'\1"127.0.0.1:0"', text).replace("var/smsagg.db", f"{tmp_path}/smsagg.db")
    (tmp_path / "gateway.toml").write_text(text.replace("http://127.0.0.1:8099/", receives_at))
    for folder in ("cards", "prices"):  # paths in a configuration are relative to its own folder
        shutil.copytree(ROOT / "configs" / folder, tmp_path / folder)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*SMSAGG, "serve", "--config", "gateway.toml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    try:
        ports = map(re.compile(r"(?:SMPP|HTTP) .*127\.0\.0\.1:(\d+)").search, process.stdout)
        found = (match[1] for match in ports if match)
        yield Server(next(found), next(found))
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(20) == 0


def test_the_readmes_client_gets_three_receipts_for_three_messages(server: Server, tmp_path: Path) -> None:
    """Bind, submit to GB, VN and UZ, and read receipts until every accepted id has one."""
    (script,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "first.py").write_text(script.replace("2775", server.smpp))
    done = subprocess.run([sys.executable, tmp_path / "first.py"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    accepted = re.findall(r"^accepted (\w+)$", done.stdout, re.MULTILINE)
    receipts = re.findall(r"^receipt  id:(\w+) .* stat:(?:DELIVRD|UNDELIV) ", done.stdout, re.MULTILINE)
    assert len(accepted) == 3
    assert sorted(accepted) == sorted(receipts)


def test_the_readmes_five_commands_show_the_routing_brain(server: Server, tmp_path: Path) -> None:
    """Each does what the README shows: credit, the cheaper carrier, its charge and the report."""
    section = (ROOT / "README.md").read_text().split("## The routing brain in five commands")[1].split("\n## ")[0]
    commands = re.findall(r"^\$ smsagg (.*)$", section, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["money", "explain", "send", "message", "report"]
    (old_id,) = set(re.findall(r"\b0000[0-9a-f]{12}\b", section))
    message_id, said = "", []
    for command in commands:
        arguments = shlex.split(command.replace(old_id, message_id))
        arguments += ["--port", server.smpp] if arguments[0] == "send" else []
        env = os.environ | {"SMSAGG_CONFIG": "gateway.toml", "COLUMNS": "160"}
        done = subprocess.run([*SMSAGG, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stderr)
        said.append(done.stdout)
        message_id = "".join(re.findall(r"message id (\w+)", done.stdout)) or message_id
    money, explained, _, history, report = said
    assert "entry 1: 5.00 EUR to shop, balance then 5.00" in money
    assert re.search(r"thames +gb +0\.0235 EUR +0\.0115 .* taken", explained)
    assert re.search(r"albion +gb +0\.026 EUR +0\.009 .* could", explained)
    assert "thames/1 (least_cost 0.0235 EUR, 2 of 2 with room): accepted" in history
    assert "charged 0.035; cost 0.0235 EUR, margin 0.0115 EUR" in history
    assert re.search(r"GB +thames", report)


def test_the_readmes_curl_is_told_of_by_a_verified_webhook(server: Server, receiver: IO[str]) -> None:
    """The receiver prints that it was taken, sent and delivered, each signed by us."""
    section = (ROOT / "README.md").read_text().split("## HTTP in three commands")[1].split("\n## ")[0]
    run, receive, curl = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0].replace("\\\n", "").splitlines()
    assert (run, receive) == ("make run", ".venv/bin/python tools/webhook_receiver.py")
    asked = shlex.split(curl.replace(":8080", f":{server.http}"))
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    message = json.loads(done.stdout)
    said = [receiver.readline().split(maxsplit=1) for _ in range(3)]
    assert [word for word, _ in said] == ["verified"] * 3
    events = [json.loads(event) for _, event in said]
    assert [event["type"] for event in events] == ["message.queued", "message.sent", "message.delivered"]
    assert {(event["data"]["id"], event["data"]["reference"]) for event in events} == {(message["id"], "order-4711")}


def test_the_sandboxs_numbers_say_the_same_over_smpp(server: Server, tmp_path: Path) -> None:
    """The commands of docs/sandbox.md: a receipt from a simulated handset, and a refusal that is foretold and comes."""
    page = (ROOT / "docs" / "sandbox.md").read_text()
    send, explain = (shlex.split(found, comments=True) for found in re.findall(r"^smsagg (.*)$", page, re.MULTILINE))
    send += ["--port", server.smpp]
    explain[explain.index("configs/dev.toml")] = "gateway.toml"
    refused = [word.replace("447700900140", "447700900133") for word in send if word != "--wait"]
    env = os.environ | {"COLUMNS": "160"}
    sent, told, failed = (
        subprocess.run([*SMSAGG, *words], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        for words in (send, explain, refused)
    )
    assert "stat:DELIVRD" in sent.stdout
    assert "It would be refused (ESME_RSUBMITFAIL)" in told.stdout
    assert "ESME_RSUBMITFAIL" in failed.stdout + failed.stderr
    for option, is_counted in ((), False), (("--sandbox",), True):
        command = [*SMSAGG, "report", "--config", "gateway.toml", *option]
        report = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        assert bool(re.search(r"GB +1 ", report.stdout)) is is_counted, report.stdout + report.stderr
