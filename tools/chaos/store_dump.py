"""Reads the SQLite file and the carriers' journals of a run, with the standard library and read-only."""

import json
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

from attrs import define, field

from tools.chaos.endpoints import GONE
from tools.chaos.history import Breach, CarrierMo, CarrierReceipt, CarrierSubmit, StoredMessage, StoreDump
from tools.chaos.wire import Content, nonce_of

_COLUMNS = (
    "message_id, body, state, carrier, carrier_message_id, error_code, expires_at, done_at, "
    "account, source_addr, destination_addr, max(not_before, next_attempt_at), price, charge_on, accounted, charged"
)
_BALANCES = """
    SELECT account, charged, reserved,
        (SELECT coalesce(sum(messages), 0) FROM charges WHERE charges.account = balances.account)
    FROM balances
"""
_OWED_EVENTS = f"""
    SELECT endpoint, message_id FROM event_deliveries JOIN events USING (event_id) WHERE endpoint NOT LIKE '%/{GONE}'
"""
_KIND_MO = 2
_ESME_RSYSERR = 0x08
_DELETED = 4


def dump(path: Path) -> StoreDump:
    """Everything in the store that a checker compares; the server must have been stopped."""
    with _open(path) as connection:
        messages = [
            _message(row, is_live=table == "messages")
            for table in ("messages", "history")
            for row in connection.execute(f"SELECT {_COLUMNS} FROM {table}")
        ]
        (deliveries,) = connection.execute("SELECT count(*) FROM deliveries").fetchone()
        parked = list(connection.execute("SELECT carrier, carrier_message_id, parked_at FROM parked_receipts"))
        mo = [
            bytes(body).decode("latin-1")
            for (body,) in connection.execute("SELECT body FROM deliveries WHERE kind = ?", (_KIND_MO,))
        ]
        owed_events = {(endpoint, message_id) for endpoint, message_id in connection.execute(_OWED_EVENTS)}
        balances = {account: (*amounts,) for account, *amounts in connection.execute(_BALANCES)}
    connection.close()
    return StoreDump(
        messages,
        deliveries,
        {(carrier, carrier_message_id) for carrier, carrier_message_id, _ in parked},
        mo,
        time.time_ns() // 1_000_000,
        [parked_at for _, _, parked_at in parked],
        balances,
        owed_events,
    )


def _message(row: tuple[Any, ...], is_live: bool) -> StoredMessage:
    message_id, body, state, carrier, carrier_message_id, error_code, expires_at_ms, done_at_ms, *rest = row
    account, source, destination, due_at_ms, price, charge_on, accounted, charged = rest
    return StoredMessage(
        message_id,
        nonce_of(bytes(body)),
        state,
        carrier,
        carrier_message_id,
        error_code,
        expires_at_ms,
        done_at_ms,
        is_live,
        account=account,
        source=source,
        destination=destination,
        due_at_ms=due_at_ms,
        price=price,
        charge_on=charge_on,
        accounted=accounted,
        charged=charged,
    )


def over(path: Path) -> tuple[Counter[tuple[str, int]], int]:
    """(messages that are over by account and state, messages in all), without those that were refused and unwound."""
    with _open(path) as connection:
        kept = f"NOT (state = {_DELETED} AND error_code = {_ESME_RSYSERR})"
        rows = connection.execute(f"SELECT account, state, count(*) FROM history WHERE {kept} GROUP BY 1, 2")
        history = Counter({(account, state): number for account, state, number in rows})
        (live_now,) = connection.execute("SELECT count(*) FROM messages").fetchone()
    connection.close()
    return history, history.total() + live_now


def live(path: Path) -> tuple[int, int]:
    """(messages that are not over, receipts and events still owed), also while the server runs."""
    with _open(path) as connection:
        row: tuple[int, int] = connection.execute(
            "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM deliveries)"
            f" + (SELECT count(*) FROM ({_OWED_EVENTS}))"
        ).fetchone()
    connection.close()
    return row


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)


@define(eq=False)
class CarrierLog:
    """What one carrier wrote down."""

    submits: list[CarrierSubmit] = field(factory=list)
    receipts: list[CarrierReceipt] = field(factory=list)
    mo: list[CarrierMo] = field(factory=list)
    breaches: list[Breach] = field(factory=list)


def read_journal(path: Path, carrier: str) -> CarrierLog:
    """A carrier's log from its journal; a last line cut short by a kill is nobody's promise."""
    log = CarrierLog()
    octets = path.read_bytes()
    for line in octets[: octets.rfind(b"\n") + 1].splitlines():
        event = json.loads(line)
        at = event["t"]
        match event["e"]:
            case "submit":
                submit = CarrierSubmit(at, event["ms"], carrier, event["nonce"], event["id"], event["status"])
                submit.unanswered, submit.content = event["un"], _content(event["c"])
                log.submits.append(submit)
            case "receipt" | "ack":
                log.receipts.append(CarrierReceipt(at, carrier, event["id"], event["state"], event.get("status")))
            case "mo" | "mo_ack":
                log.mo.append(CarrierMo(at, carrier, event["id"], event["from"], event["to"], event.get("status")))
            case "breach":
                log.breaches.append(Breach(at, carrier, event["text"]))
    return log


def _content(fields: list[Any]) -> Content:
    values = [*fields[:-2], bytes.fromhex(fields[-2]), tuple((tag, bytes.fromhex(value)) for tag, value in fields[-1])]
    return Content(*values)
