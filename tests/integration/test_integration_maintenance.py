"""``smsagg carrier`` against a running server, over a restart, with real binds."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from integration_processes import Esme, serving, simulating, smpp_carriers

from smsagg.cli import main

GB = "447700900123"


def smsagg(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--config", str(directory / "smsagg.toml")])


def status(directory: Path, name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(smsagg(directory, "carrier", "status", name, "--json").stdout)
    return record


def test_a_drain_with_real_binds_outlives_the_process(tmp_path: Path) -> None:
    """Unbound when the command returns, unbound after a restart; messages wait, and go when it is resumed."""
    with simulating(tmp_path) as (address, _):
        with serving(tmp_path, carriers=smpp_carriers(address)):
            drained = smsagg(tmp_path, "carrier", "drain", "albion", "--unbind", "--wait", "--reason", "upgrade")
            assert "no carrier is left for the pools gb" in drained.stderr
            assert "albion has nothing outstanding and is unbound" in drained.stdout
        with serving(tmp_path, carriers=smpp_carriers(address)) as server, Esme(server.smpp) as esme:
            esme.submit(GB)
            record = status(tmp_path, "albion")
            assert (record["state"], record["held"], record["taken"]) == ("drained", ["drained: upgrade"], 0)
            assert smsagg(tmp_path, "carrier", "resume", "albion").stdout == "albion is in service\n"
            esme.read_until(lambda: len(esme.receipts) == 1)
            assert status(tmp_path, "albion")["state"] == "ok"
