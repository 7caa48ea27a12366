"""``smsagg money`` on a running server and on the store of a stopped one."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner, Result

from smsagg.cli import main
from smsagg.config.schema import StoreSettings
from smsagg.control import ControlServer
from smsagg.control.money import MoneyService
from smsagg.model import ChargeOn, MessageState
from smsagg.store.sqlite import open_sqlite_store
from smsagg.testing.gateway import account_settings, make_config, run_gateway

CONFIG = """
[store]
path = "{path}"
free_octets_min = 0
[money]
rates = {{ GBP = "1.16" }}
[accounts.acme]
system_id = "acme"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
price_list = "prices.csv"
billing = "postpaid"
credit_limit = "10"
[accounts.free]
system_id = "free"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
[carriers.alpha]
type = "simulated"
[pools.gb]
carriers = ["alpha"]
countries = ["GB"]
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


def run(config: Path, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["money", command, "--config", str(config), *arguments])


def output(config: Path, command: str, *arguments: str) -> str:
    result = run(config, command, *arguments)
    assert result.exit_code == 0, result.output + result.stderr
    return result.output


async def send_two(path: Path) -> None:
    """One message that is charged, and one that is under way."""
    config = make_config(accounts={"acme": account_settings("acme", billing="postpaid")})
    async with (
        open_sqlite_store(StoreSettings(path=str(path), free_octets_min=0)) as store,
        run_gateway(config, store) as gateway,
    ):
        gateway.carrier.accept_all()
        first, _ = await gateway.accept(2, price=23_500, charge_on=ChargeOn.SUBMITTED)
        await gateway.settle()
        gateway.carrier.receipts([(first.carrier_message_id, MessageState.DELIVERED)])
        await gateway.settle()


def test_a_stopped_server(config: Path, tmp_path: Path) -> None:
    """Money is posted once for a reference; the statement adds up; the ledger is right."""
    said = output(config, "topup", "acme", "5.5", "--note", "wire", "--reference", "INV-7")
    assert said == "entry 1: 5.50 EUR to acme, balance then 5.50\n"
    said = output(config, "topup", "acme", "5.5", "--note", "again", "--reference", "INV-7")
    assert said == "reference INV-7 was posted before: entry 1: 5.50 EUR to acme, balance then 5.50\n"
    assert "balance then 5.25" in output(config, "adjust", "acme", "-0.25")
    trio.run(send_two, tmp_path / "smsagg.db")
    assert output(config, "balance") == ("acme: 5.2265 EUR (postpaid), reserved 0.0235, available 15.203\n")
    lines = [json.loads(line) for line in output(config, "statement", "acme", "--json").splitlines()]
    assert [(line["row"], line.get("amount"), line["balance"]) for line in lines] == [
        ("before", None, "0.00"),
        ("entry", "5.50", "5.50"),
        ("entry", "-0.25", "5.25"),
        ("charges", "-0.0235", "5.2265"),
        ("now", None, "5.2265"),
    ]
    assert (lines[1]["note"], lines[1]["reference"]) == ("wire", "INV-7")
    assert len(output(config, "statement", "acme").splitlines()) == 5
    assert [
        json.loads(line)["row"]
        for line in output(config, "statement", "acme", "--since", "2999-01-01", "--json").splitlines()
    ] == ["before", "now"]
    assert output(config, "check", "--messages") == "1 ledgers, all of them right\n"


async def drop_history(path: Path) -> int:
    async with open_sqlite_store(StoreSettings(path=str(path), free_octets_min=0)) as store:
        return await store.drop_history(2**60, 100)


def test_the_ledger_stays_right_when_history_is_dropped(config: Path, tmp_path: Path) -> None:
    """What was charged for messages that are gone is still known."""
    trio.run(send_two, tmp_path / "smsagg.db")
    assert trio.run(drop_history, tmp_path / "smsagg.db") == 1
    assert output(config, "check", "--messages") == "1 ledgers, all of them right\n"


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE balances SET credited = credited + 1", "credited is 0.000001, and its entries add up to 0.00"),
        ("UPDATE balances SET reserved = 0", "reserved is 0.00, and its live messages add up to 0.0235"),
        ("DELETE FROM charges", "charged is 0.0235, and its days add up to 0.00"),
        ("DELETE FROM history", "charged is 0.0235, and its messages add up to 0.00"),
    ],
)
def test_a_wrong_sum_is_told(config: Path, tmp_path: Path, tampering: str, told: str) -> None:
    """With both amounts and exit status 1."""
    trio.run(send_two, tmp_path / "smsagg.db")
    with sqlite3.connect(tmp_path / "smsagg.db") as database:
        database.execute(tampering)
    result = run(config, "check", "--messages")
    assert result.exit_code == 1
    assert f"acme: {told}" in result.output


async def test_a_running_server(config: Path, tmp_path: Path) -> None:
    """What is posted may be spent at once."""
    prepaid = make_config(accounts={"acme": account_settings("acme", billing="prepaid")})
    async with run_gateway(prepaid) as gateway, trio.open_nursery() as nursery:
        server = ControlServer({"money": MoneyService(gateway.engine, gateway.store).serve})
        await nursery.start(server.run, str(tmp_path / "smsagg.db.control"))

        async def command(name: str, *arguments: str) -> Any:
            return (await trio.to_thread.run_sync(lambda: run(config, name, *arguments))).output

        assert gateway.submit(1, price=1_000_000).refused
        assert "balance then 1.00" in await command("topup", "acme", "1", "--reference", "A")
        await gateway.accept(1, price=1_000_000)
        assert gateway.submit(1, price=1).refused
        assert await command("balance", "acme") == "acme: 1.00 EUR (prepaid), reserved 1.00, available 0.00\n"
        assert len((await command("statement", "acme")).splitlines()) == 3
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("command", "arguments", "reason"),
    [
        ("topup", ["nobody", "1"], "there is no account 'nobody'; there are acme, free"),
        ("topup", ["acme", "1.2345678"], "the amount must be an amount such as"),
        ("topup", ["acme", "0"], "the amount must be above 0, not 0"),
        ("adjust", ["acme", "0"], "the amount must not be 0"),
        ("adjust", ["acme", "1", "--note", "x" * 201], "the note must be at most 200 printable characters"),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, command: str, arguments: list[str], reason: str) -> None:
    """Without a traceback."""
    result = run(config, command, *arguments)
    assert result.exit_code == 1
    assert reason in result.output + result.stderr


def test_a_reference_is_not_used_for_two_things(config: Path) -> None:
    """Another amount under it is an error, and changes nothing."""
    output(config, "topup", "acme", "1", "--reference", "A")
    result = run(config, "topup", "acme", "2", "--reference", "A")
    assert result.exit_code == 1
    assert "reference 'A' was used for another entry: topup 1.00 EUR" in result.output + result.stderr
    assert output(config, "balance", "acme").startswith("acme: 1.00 EUR")


def test_a_wrong_date_is_said(config: Path) -> None:
    """With what it should be."""
    output(config, "topup", "acme", "1")
    result = run(config, "statement", "acme", "--since", "tomorrow")
    assert 'since: must be a time ago such as "24h", a date such as' in result.output + result.stderr


def test_a_statement_may_begin_so_long_ago(config: Path) -> None:
    """In the words that reports take."""
    output(config, "topup", "acme", "1")
    for since in ("7d", "today", "yesterday", "2020-01-01"):
        assert "entry 1, topup" in output(config, "statement", "acme", "--since", since)


def test_a_negative_topup_is_told_what_it_is(config: Path) -> None:
    """And not that there is no such option."""
    result = run(config, "topup", "acme", "-5")
    assert result.exit_code == 1
    assert "amount" in result.output + result.stderr


@pytest.mark.parametrize("command", [("balance",), ("topup", "acme", "1"), ("statement", "acme"), ("check",)])
def test_no_ledger_is_begun_where_no_store_is(config: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    """Started in another folder, a command finds neither server nor store, and must not post into a new one."""
    for file in tmp_path.glob("smsagg.db*"):
        file.unlink()
    result = run(config, *command)
    assert result.exit_code == 1
    assert f"there is no store at {tmp_path}/smsagg.db" in result.output + result.stderr
    assert not (tmp_path / "smsagg.db").exists()
