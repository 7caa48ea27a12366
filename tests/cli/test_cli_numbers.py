"""``smsagg numbers`` on a running server and on the store of a stopped one."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner, Result

from smsagg.cli import main
from smsagg.config.schema import StoreSettings
from smsagg.control import ControlServer
from smsagg.control.numbers import NumberService
from smsagg.store.sqlite import open_sqlite_store
from smsagg.testing.gateway import account_settings, make_config, run_gateway

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
FILE = """\
number,type,country,pool,monthly_cost,currency
447700900001,long,,otp,1.50,EUR
447700900002,long,,otp,1.50,EUR
60777,short,GB,otp,,
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "smsagg.toml"
    file.write_text(CONFIG.format(path=tmp_path / "smsagg.db"))
    trio.run(make_store, StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0))
    return file


async def make_store(settings: StoreSettings) -> None:
    """As a server leaves it that was started and stopped."""
    async with open_sqlite_store(settings):
        pass


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["numbers", *arguments, "--config", str(config)])


def records(config: Path, *arguments: str) -> list[dict[str, Any]]:
    result = run(config, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def use_all(config: Path, tmp_path: Path) -> None:
    """A life of some numbers by all commands."""
    file = tmp_path / "numbers.csv"
    file.write_text(FILE)
    assert records(config, "pool", "set", "otp", "--country", "GB", "--rotation", "sticky", "--quarantine", "1h")
    assert records(config, "import", str(file)) == [{"new": 3, "changed": 0, "unchanged": 0}]
    (added,) = records(config, "add", "ACME", "--type", "alphanumeric", "--country", "GB", "--tags", "brand")
    assert (added["name"], added["capabilities"], added["tags"]) == ("GB/ACME", ["mt"], ["brand"])
    assert [one["name"] for one in records(config, "list", "--pool", "otp", "--type", "long")] == [
        "447700900001",
        "447700900002",
    ]
    (assigned,) = records(config, "assign", "--pool", "otp", "--count", "1", "--account", "acme")
    assert (assigned["name"], assigned["status"], assigned["accounts"]) == ("447700900001", "assigned", ["acme"])
    (shared,) = records(config, "assign", "ACME", "--account", "acme", "--shared")
    assert shared["assignment"] == "shared"
    (leased,) = records(config, "lease", "60777", "--account", "acme", "--for", "1h")
    (renewed,) = records(config, "renew", "60777", "--for", "2h")
    assert renewed["leased_until"] > leased["leased_until"]
    assert [one["status"] for one in records(config, "release", "60777")] == ["quarantine"]
    assert [one["status"] for one in records(config, "suspend", "447700900001")] == ["suspended"]
    assert [one["status"] for one in records(config, "resume", "447700900001")] == ["assigned"]
    assert [one["status"] for one in records(config, "unassign", "447700900001")] == ["quarantine"]
    assert [one["status"] for one in records(config, "retire", "447700900001")] == ["retired"]
    assert [one["status"] for one in records(config, "restore", "447700900001")] == ["quarantine"]
    assert [one["pool"] for one in records(config, "move", "447700900002", "--pool", "")] == [""]
    assert [one["pool"] for one in records(config, "move", "447700900002", "--pool", "otp")] == ["otp"]
    span = ("--from", "2096-12-01", "--until", "2097-01-01")
    records(config, "allocate", "add", "xmas", "--pool", "otp", "--account", "acme", "--numbers", "1", *span)
    assert [one["name"] for one in records(config, "allocate", "list")] == ["xmas"]
    assert records(config, "allocate", "cancel", "xmas") == []
    assert [one["available"] for one in records(config, "pool", "list", "otp")] == [1]
    assert records(config, "conversations") == []
    assert "monthly_cost      1.50" in run(config, "show", "447700900002").output
    assert "4 found" in run(config, "list").output


def test_on_the_store_of_a_stopped_server(config: Path, tmp_path: Path) -> None:
    """Everything works without a server, and an export goes in again."""
    use_all(config, tmp_path)
    exported = run(config, "export")
    assert [row["number"] for row in csv.DictReader(exported.output.splitlines())] == [
        "447700900001",
        "447700900002",
        "60777",
        "ACME",
    ]
    again = tmp_path / "again.csv"
    again.write_text(exported.output)
    assert run(config, "import", str(again)).output == "0 new, 0 changed, 4 as they were\n"


async def test_on_a_running_server(config: Path, tmp_path: Path) -> None:
    """The same through its socket."""
    path = tmp_path / "smsagg.db"
    settings = make_config(accounts={"acme": account_settings("acme")})
    async with (
        open_sqlite_store(StoreSettings(path=str(path), free_octets_min=0)) as store,
        run_gateway(settings, store) as gateway,
        trio.open_nursery() as nursery,
    ):
        service = NumberService(gateway.engine.numbers, store, gateway.clock, lambda: gateway.engine.accounts)
        await nursery.start(ControlServer({"numbers": service.serve}).run, f"{path}.control")
        await trio.to_thread.run_sync(use_all, config, tmp_path)
        bad = tmp_path / "bad.csv"
        bad.write_text(FILE + "12,long,,otp,,\n447700900009,long,,nope,x,\n")
        result = await trio.to_thread.run_sync(run, config, "import", str(bad))
        nursery.cancel_scope.cancel()
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f'{bad}:5: number: must be an international number of 7 to 15 digits, not "12"',
        f"{bad}:6: monthly_cost: must be an amount such as "
        '"0.0125": digits, at most 9 before and 6 behind the point, not "x"',
        "2 problems; nothing was imported",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lease", "1", "--account", "acme"), "say until when, or for how long"),
        (("lease", "1", "--account", "acme", "--for", "soon"), "for: must be a duration"),
        (("assign", "--account", "acme"), "numbers: must name some"),
        (("assign", "--pool", "otp", "--account", "acme"), "count: must be 1 or more"),
        (("assign", "1", "--pool", "otp", "--count", "1", "--account", "acme"), "name numbers, or a pool"),
        (("assign", "447700900001", "--account", "acme"), "there is no number 447700900001"),
        (("assign", "1", "--account", "nobody"), "there is no account nobody"),
        (("pool", "set", "a b"), "name: a name is 1 to 64 letters"),
        (("pool", "set", "a", "--fallback", "b"), "there is no number pool b"),
        (("pool", "set", "a", "--country", "Britain"), "country: must be two capital letters"),
        (("pool", "remove", "x"), "there is no number pool x"),
        (("add", "ACME", "--type", "short"), "number: a short code has 3 to 8 digits"),
        (("allocate", "cancel", "x"), "there is no allocation x"),
    ],
)
def test_what_cannot_be_is_said(config: Path, arguments: tuple[str, ...], said: str) -> None:
    """With exit status 1 and the reason."""
    result = run(config, *arguments)
    assert result.exit_code == 1
    assert said in result.output


def test_no_inventory_is_begun_where_no_store_is(config: Path, tmp_path: Path) -> None:
    """As with money: the folder may be the wrong one."""
    for file in tmp_path.glob("smsagg.db*"):
        file.unlink()
    result = run(config, "pool", "set", "otp")
    assert result.exit_code == 1
    assert "there is no store at" in result.output
    assert not (tmp_path / "smsagg.db").exists()
