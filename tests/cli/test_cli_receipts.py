"""``smsagg receipts`` on a running server and on the store of a stopped one."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner, Result

from smsagg.cli import main
from smsagg.config.schema import StoreSettings
from smsagg.control import ControlServer
from smsagg.control.receipts import ReceiptsService
from smsagg.model import CarrierReceipt, Cause, MessageState
from smsagg.store.sqlite import open_sqlite_store
from smsagg.testing.gateway import FakeGateway, run_gateway

CONFIG = """
[store]
path = "{path}"
free_octets_min = 0
[accounts.acme]
system_id = "acme"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
[carriers.alpha]
type = "simulated"
[pools.gb]
carriers = ["alpha"]
countries = ["GB"]
"""
RULE = ("--carrier", "alpha", "--resp-id", "hex_to_decimal")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "smsagg.toml"
    file.write_text(CONFIG.format(path=tmp_path / "smsagg.db"))
    return file


def run(command: str, config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["receipts", command, "--config", str(config), *arguments])


async def fill(gateway: FakeGateway) -> None:
    """A message that waits under AB, and two receipts that match nothing."""
    await gateway.accept_one()
    await gateway.settle()
    gateway.carrier.link.accept(ids=["AB"])
    for raw_id in ("171", "9"):
        text = f"id:{raw_id} stat:UNDELIV err:006 text:".encode()
        gateway.carrier.report(
            CarrierReceipt(raw_id, MessageState.UNDELIVERABLE, 6, 0, None, Cause.MEMORY_FULL, raw_id, text, "4477")
        )
    await gateway.settle()


async def fill_store(path: Path) -> None:
    async with (
        open_sqlite_store(StoreSettings(path=str(path), free_octets_min=0)) as store,
        run_gateway(None, store) as gateway,
    ):
        await fill(gateway)


def test_a_stopped_server(config: Path, tmp_path: Path) -> None:
    """The list as a table and as JSON; a rematch that only says, one that is noted, and one that has nothing to do."""
    trio.run(fill_store, tmp_path / "smsagg.db")
    listed = run("unmatched", config)
    assert listed.exit_code == 0
    assert (
        "UTC alpha: 171: UNDELIVERABLE (memory_full) for 4477\n    id:171 stat:UNDELIV err:006 text:\n" in listed.output
    )
    assert listed.output.endswith("2 receipts\n")
    records = [
        json.loads(line) for line in run("unmatched", config, "--carrier", "alpha", "--json").output.splitlines()
    ]
    assert sorted((record["raw_id"], record["cause"], record["msisdn"]) for record in records) == [
        ("171", "memory_full", "4477"),
        ("9", "memory_full", "4477"),
    ]
    assert run("rematch", config, *RULE, "--dry-run").output.startswith("1 matched; nothing was changed")
    assert run("rematch", config, *RULE).output.startswith("1 matched; they take effect when the server starts")
    after = [json.loads(line) for line in run("unmatched", config, "--json").output.splitlines()]
    assert {record["raw_id"]: record["matched_as"] for record in after} == {"171": "AB", "9": ""}
    summary = json.loads(run("rematch", config, *RULE, "--json").output)
    assert summary == {"matched": {"171": "AB"}, "ambiguous": [], "unmatched": ["9"], "takes_effect": "start"}


async def test_a_running_server(config: Path, tmp_path: Path) -> None:
    """Asked by its control socket: what matches takes effect at once; rules that showed are told."""
    async with run_gateway() as gateway, trio.open_nursery() as nursery:
        sink = gateway.attach()
        await fill(gateway)
        service = ReceiptsService(gateway.engine, gateway.store)
        server = ControlServer({"receipts": service.serve})
        await nursery.start(server.run, str(tmp_path / "smsagg.db.control"))

        async def command(name: str, *arguments: str) -> Any:
            return (await trio.to_thread.run_sync(lambda: run(name, config, *arguments))).output

        assert (await command("unmatched")).endswith("2 receipts\n")
        assert await command("dialects") == ("no carrier's receipts have shown another rule than the configured one\n")
        assert (await command("rematch", *RULE)).endswith("1 matched\n0 ambiguous, 1 still match nothing\n")
        assert [delivery.error_code for delivery in sink.received] == [6]
        assert (await command("unmatched")).endswith("1 receipts\n")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("command", "arguments", "reason"),
    [
        ("unmatched", [], "there is no store at"),
        ("unmatched", ["--carrier", "beta"], "has no carrier beta; there are alpha"),
        ("dialects", [], "no server runs with this configuration"),
        ("rematch", ["--carrier", "alpha", "--resp-id", "octal"], "Invalid value for '--resp-id'"),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, command: str, arguments: list[str], reason: str) -> None:
    """Without a traceback."""
    result = run(command, config, *arguments)
    assert result.exit_code != 0
    assert reason in result.output + result.stderr
