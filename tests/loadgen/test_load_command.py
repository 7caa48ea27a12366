"""``smsagg load`` against ``smsagg simulate``, each in a process of its own: what the two journals say agrees."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from smsagg.cli import main

START = [sys.executable, "-c", "from smsagg.cli import main; main()"]


def lines(path: Path, event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in found if line["event"] == event]


def test_generator_and_simulator_agree(tmp_path: Path) -> None:
    """Every message that the generator journals was seen by the SMSC, under the same id, and each receipt was acked."""
    simulate = [*START, "simulate", "--port", "0", "--log", str(tmp_path / "smsc"), "--seed", "1"]
    simulate += ["--receipt-delay", "1ms", "--json", str(tmp_path / "stats")]
    with subprocess.Popen(simulate, stdout=subprocess.PIPE, text=True) as smsc:
        assert smsc.stdout is not None
        port = smsc.stdout.readline().rpartition(":")[2].strip()
        arguments = ["load", "--port", port, "--messages", "300", "--binds", "2", "--check"]
        arguments += ["--json", "-", "--journal", str(tmp_path / "load")]
        load = subprocess.run([*START, *arguments], capture_output=True, text=True, timeout=60, check=False)
        smsc.send_signal(signal.SIGTERM)
        told = smsc.stdout.read()
    assert load.returncode == 0, load.stderr
    assert smsc.returncode == 0
    assert "submits: 300" in told
    assert json.loads((tmp_path / "stats").read_text())["receipts_acknowledged"] == 300
    summary = json.loads(load.stdout)
    assert (summary["accepted"], summary["receipts"], summary["receipts_missing"]) == (300, 300, 0)
    text_by_number = {line["n"]: line["text"] for line in lines(tmp_path / "load", "submit")}
    id_by_text = {line["text"]: line["id"] for line in lines(tmp_path / "smsc", "submit")}
    for line in lines(tmp_path / "load", "response"):
        assert id_by_text[text_by_number[line["n"]]] == line["id"]
    received = {line["id"] for line in lines(tmp_path / "load", "receipt")}
    assert received == {line["id"] for line in lines(tmp_path / "smsc", "ack")} == set(id_by_text.values())


def test_a_failed_bind_is_one_line() -> None:
    """No traceback, exit status 1."""
    result = CliRunner().invoke(main, ["load", "--port", "1", "--messages", "1"])
    assert result.exit_code == 1
    assert result.output.startswith("cannot connect to 127.0.0.1:1")


def test_units_are_asked_for() -> None:
    """A duration without its unit is refused with the reason."""
    result = CliRunner().invoke(main, ["load", "--duration", "10"])
    assert result.exit_code == 2
    assert "must be a duration with its unit" in result.output
