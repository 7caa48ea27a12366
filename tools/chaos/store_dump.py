"""Reads the SQLite file of a run, with the standard library and read-only."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from tools.chaos.history import CarrierReceipt, CarrierSubmit, StoredMessage, StoreDump

_COLUMNS = "message_id, body, state, carrier, carrier_message_id, error_code, expires_at, done_at"


def dump(path: Path) -> StoreDump:
    """Everything in the store that a checker compares; the server must have been stopped."""
    with _open(path) as connection:
        messages = [
            _message(row, is_live=table == "messages")
            for table in ("messages", "history")
            for row in connection.execute(f"SELECT {_COLUMNS} FROM {table}")
        ]
        (deliveries,) = connection.execute("SELECT count(*) FROM deliveries").fetchone()
        parked = set(connection.execute("SELECT carrier, carrier_message_id FROM parked_receipts"))
    connection.close()
    return StoreDump(messages, deliveries, parked)


def _message(row: tuple[Any, ...], is_live: bool) -> StoredMessage:
    message_id, body, state, carrier, carrier_message_id, error_code, expires_at_ms, done_at_ms = row
    nonce = bytes(body).decode("latin-1")
    return StoredMessage(
        message_id, nonce, state, carrier, carrier_message_id, error_code, expires_at_ms, done_at_ms, is_live
    )


def live(path: Path) -> tuple[int, int]:
    """(messages that are not over, receipts still owed), also while the server runs."""
    with _open(path) as connection:
        row: tuple[int, int] = connection.execute(
            "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM deliveries)"
        ).fetchone()
    connection.close()
    return row


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)


def read_journal(path: Path, carrier: str) -> tuple[list[CarrierSubmit], list[CarrierReceipt]]:
    """A carrier's log from its journal; a last line cut short by a kill is nobody's promise."""
    submits: list[CarrierSubmit] = []
    receipts: list[CarrierReceipt] = []
    octets = path.read_bytes()
    for line in octets[: octets.rfind(b"\n") + 1].splitlines():
        event = json.loads(line)
        if event["e"] == "submit":
            submits.append(
                CarrierSubmit(event["t"], event["ms"], carrier, event["nonce"], event["id"], event["status"])
            )
        else:
            receipts.append(CarrierReceipt(event["t"], carrier, event["id"], event["state"], event.get("status")))
    return submits, receipts
