"""Money and ``kill -9``: what a real server reserved and charged is what its store holds of its messages."""

import socket
from pathlib import Path

from click.testing import CliRunner
from integration_processes import PASSWORD, RawEsme, Server, make_config

from smsagg.cli import main
from smsagg.history import open_history
from smsagg.smpp.pdu import BindTransmitter, SubmitSm, SubmitSmResp
from smsagg.smpp.status import ESME_ROK, ESME_RSUBMITFAIL

CREDIT = 40
"""So many messages can be paid, at 1 each."""
LIVES = 3
_MESSAGES = "SELECT message_id FROM messages UNION ALL SELECT message_id FROM history"


def money(config: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["money", *arguments, "--config", str(config)])
    assert result.exit_code == 0, result.output + result.stderr
    return result.output


def configure(directory: Path) -> Path:
    """A server whose account pays before it sends."""
    (directory / "prices.csv").write_text("country,price,charge\nGB,1,submit\nVN,1,delivery\n")
    text = make_config(directory).replace(
        'system_id = "demo"\n', 'system_id = "demo"\nbilling = "prepaid"\nprice_list = "prices.csv"\n'
    )
    config = directory / "smsagg.toml"
    config.write_text(text)
    return config


def submit(server: Server, count: int) -> tuple[list[str], int]:
    """Ids of what was taken, and the status of the first that was refused."""
    esme = RawEsme(socket.create_connection(server.smpp))
    try:
        esme.ask(BindTransmitter("demo", PASSWORD, interface_version=0x34, sequence_number=1))
        accepted: list[str] = []
        for number in range(count):
            to = ("447700900123", "84901234567")[number % 2]
            response = esme.ask(SubmitSm("", 5, 0, "ACME", 1, 1, to, short_message=b"hi", sequence_number=2 + number))
            assert isinstance(response, SubmitSmResp)
            if response.command_status != ESME_ROK:
                return accepted, response.command_status
            accepted.append(response.message_id)
        return accepted, ESME_ROK
    finally:
        esme.close()


def test_kills_leave_the_ledger_right(tmp_path: Path) -> None:
    """Killed while messages are on their way, again and again: exactly what was paid for is accepted, each acknowledged
    message is there, and every sum of the ledger is that of its messages."""
    config = configure(tmp_path)
    Server(config, tmp_path / "serve.log").process.close()  # whose first start makes the store
    assert "balance then 40.00" in money(config, "topup", "demo", str(CREDIT), "--reference", "A")
    acknowledged: list[str] = []
    status = ESME_ROK
    for life in range(LIVES):
        server = Server(config, tmp_path / "serve.log")
        try:
            accepted, status = submit(server, CREDIT if life == LIVES - 1 else 13)
        finally:
            server.process.close()  # kill -9
        acknowledged += accepted
        assert "all of them right" in money(config, "check", "--messages")
    assert status == ESME_RSUBMITFAIL
    with open_history(tmp_path / "smsagg.db") as history, history.snapshot() as ask:
        stored = [message_id for (message_id,) in ask(_MESSAGES, ())]
    assert sorted(stored) == sorted(acknowledged)
    assert len(stored) == CREDIT
    again = money(config, "topup", "demo", str(CREDIT), "--reference", "A")
    assert again.startswith("reference A was posted before")
    assert "available 0.00" in money(config, "balance", "demo")
