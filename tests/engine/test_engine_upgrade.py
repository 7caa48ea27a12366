"""A store that an older program left in the midst of its work, under an engine of today with all that is new in use."""

from pathlib import Path
from typing import Any

import apsw
from attrs import evolve
from structlog.testing import capture_logs
from trio.testing import MockClock

from smsagg.config.schema import MessageClassSettings, StoreSettings
from smsagg.model import Delivery, DeliveryKind, Message, MessageState
from smsagg.store.sqlite import open_sqlite_store
from smsagg.store.sqlite.rows import DELIVERY_COLUMNS, MESSAGE_COLUMNS, delivery_row, message_row
from smsagg.store.sqlite.schema import load_migrations, migrate
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import account_settings, make_config, make_message, run_gateway

BEFORE_ROUTING = 7
"""The schema before prices, front doors, held messages and events."""


def insert(connection: apsw.Connection, table: str, columns: Any, row: Any) -> None:
    """The columns of ``row`` that the older schema has."""
    known = {column[1] for column in connection.execute(f"PRAGMA table_info({table})")}
    values = {name: value for name, value in zip(columns, row, strict=True) if name in known}
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


def old_message(seq: int, now: int, **fields: Any) -> Message:
    return make_message(now - 1_000, seq=seq, message_id=f"{seq:08x}0badcafe", **fields)


async def test_what_an_older_program_left_goes_on_and_costs_nobody_anything(
    tmp_path: Path, mock_clock: MockClock
) -> None:
    """Ready, parked, scheduled, with a carrier, in doubt, over and owed: each has the end that it was to have."""
    clock = FakeClock()
    now = clock.now_ms()
    settings = StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)
    taken = {"state": MessageState.ENROUTE, "carrier": "alpha", "attempts": 1}
    rows = [
        old_message(1, now),
        old_message(2, now, parked=True, next_attempt_at=now - 500),
        old_message(3, now, parked=True, next_attempt_at=now + 3_600_000, delay_s=3_601),
        old_message(4, now, carrier_message_id="old4", **taken),
        old_message(5, now, carrier="alpha", state=MessageState.SENDING, message_class="once", attempts=0),
    ]
    over = old_message(6, now, state=MessageState.DELIVERED, done_at=now - 100, carrier="alpha")
    receipt = Delivery(
        1, "acme", DeliveryKind.RECEIPT, "", 1, 1, "447700900123", 5, 0, "ACME", 4, 0, 0, b"id:6", b"",
        over.message_id, 2, 0, now - 100, now + 86_400_000,
    )  # fmt: skip
    connection = apsw.Connection(settings.path)
    migrate(connection, load_migrations()[:BEFORE_ROUTING])
    for message in rows:
        insert(connection, "messages", MESSAGE_COLUMNS, message_row(message))
    insert(connection, "history", MESSAGE_COLUMNS, message_row(over))
    insert(connection, "deliveries", DELIVERY_COLUMNS, delivery_row(receipt))
    connection.execute("UPDATE counters SET last_seq = 6, last_delivery_id = 1")
    connection.close()

    classes = {"default": MessageClassSettings(), "once": MessageClassSettings(in_doubt="fail")}
    acme = account_settings("acme", billing="prepaid", events=True)
    config = make_config(accounts={"acme": acme}, message_classes=classes)
    with capture_logs() as logs:
        async with open_sqlite_store(settings) as store, run_gateway(config, store, clock) as gateway:
            sink = gateway.attach()
            await gateway.settle()
            assert sorted(gateway.sent) == [1, 2]
            gateway.carrier.receipt(*gateway.carrier.accept(), "old4")
            await gateway.settle()
            assert await gateway.engine.control.cancel("acme", rows[2].message_id, lambda _message: True)
            await gateway.settle()
            told = {delivery.message_id: delivery.message_state for delivery in sink.received}
            ends = {m.seq: m.state for m in await store.find_messages(1, 10)}
            delivered = MessageState.DELIVERED
            assert ends == {
                1: delivered, 2: delivered, 3: MessageState.DELETED, 4: delivered, 5: MessageState.UNKNOWN,
                6: delivered,
            }  # fmt: skip
            assert told == {f"{seq:08x}0badcafe": state for seq, state in ends.items()}
            kinds = [(event.kind, event.message_id) for event in await store.find_events("acme", 0, 100)]
            assert len(kinds) == len(set(kinds)) == 7  # two sent, five over; what was taken in before is not told of
            assert await store.load_balances() == []
            assert await store.find_held(2**62, 10) == []
            gateway.assert_nothing_is_held()
            new = evolve(config, accounts={"acme": account_settings("acme")})
            gateway.reconfigure(new)
            message = await gateway.accept_one()
            assert message.seq == 7
    assert not [entry for entry in logs if entry["log_level"] in ("error", "critical")]
