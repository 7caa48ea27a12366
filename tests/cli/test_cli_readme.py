"""The README's first steps, as a newcomer takes them: its own client against the server that ``make run`` starts."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMSAGG = [sys.executable, "-c", "from smsagg.cli import main; main()"]


@pytest.fixture
def smpp_port(tmp_path: Path) -> Iterator[str]:
    """A server on the developers' configuration, with free ports and a store of its own."""
    text = (ROOT / "configs" / "dev.toml").read_text()
    text = re.sub(r'(_listen = )".*"', r'\1"127.0.0.1:0"', text).replace("var/smsagg.db", f"{tmp_path}/smsagg.db")
    (tmp_path / "gateway.toml").write_text(text)
    for folder in ("cards", "prices"):  # paths in a configuration are relative to its own folder
        shutil.copytree(ROOT / "configs" / folder, tmp_path / folder)
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*SMSAGG, "serve", "--config", "gateway.toml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert server.stdout is not None
    try:
        said = map(re.compile(r"SMPP\s+127\.0\.0\.1:(\d+)").search, server.stdout)
        yield next(match[1] for match in said if match)
    finally:
        server.terminate()
        server.stdout.close()
        assert server.wait(20) == 0


def test_the_readmes_client_gets_three_receipts_for_three_messages(smpp_port: str, tmp_path: Path) -> None:
    """Bind, submit to GB, VN and UZ, and read receipts until every accepted id has one."""
    (script,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "first.py").write_text(script.replace("2775", smpp_port))
    done = subprocess.run([sys.executable, tmp_path / "first.py"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    accepted = re.findall(r"^accepted (\w+)$", done.stdout, re.MULTILINE)
    receipts = re.findall(r"^receipt  id:(\w+) .* stat:(?:DELIVRD|UNDELIV) ", done.stdout, re.MULTILINE)
    assert len(accepted) == 3
    assert sorted(accepted) == sorted(receipts)


def test_the_readmes_five_commands_show_the_routing_brain(smpp_port: str, tmp_path: Path) -> None:
    """Each does what the README shows: credit, the cheaper carrier, its charge and the report."""
    section = (ROOT / "README.md").read_text().split("## The routing brain in five commands")[1].split("\n## ")[0]
    commands = re.findall(r"^\$ smsagg (.*)$", section, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["money", "explain", "send", "message", "report"]
    (old_id,) = set(re.findall(r"\b0000[0-9a-f]{12}\b", section))
    message_id, said = "", []
    for command in commands:
        arguments = shlex.split(command.replace(old_id, message_id))
        arguments += ["--port", smpp_port] if arguments[0] == "send" else []
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
