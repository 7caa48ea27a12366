"""A store's file that a test writes as the server does, message by message."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from smsagg.model import Message, MessageState
from smsagg.protection import Cipher
from smsagg.protection.key import new_key
from smsagg.store.base import Changes, FinishedMessage
from smsagg.store.sqlite.connection import Seams, connect
from smsagg.store.sqlite.group import Group, Write
from smsagg.store.sqlite.recent_ids import RecentIds
from smsagg.store.sqlite.schema import load_migrations, migrate

NOW = 1_700_000_000_000


def message(seq: int, **values: Any) -> Message:
    """A queued message that was accepted ``seq`` seconds after NOW."""
    fields: dict[str, Any] = {
        "seq": seq,
        "message_id": f"{seq:08x}0badcafe",
        "account": "acme",
        "message_class": "otp",
        "service_type": "",
        "source_addr_ton": 5,
        "source_addr_npi": 0,
        "source_addr": "ACME",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": f"4477009{seq:05d}",
        "esm_class": 0,
        "protocol_id": 0,
        "priority": 1,
        "registered_delivery": 1,
        "data_coding": 0,
        "sm_default_msg_id": 0,
        "body": b"Your code is 123456",
        "in_payload": False,
        "tlvs": b"",
        "country": "GB",
        "pool": "gb",
        "accepted_at": NOW + seq * 1000,
        "not_before": NOW + seq * 1000,
        "expires_at": NOW + 86_400_000,
        "network": "23415",
        "route": "uk",
        "price": 40_000,
        "revenue": 50_000,
        "charge_on": 1,
    }
    return Message(**(fields | values))


def finished(seq: int, **values: Any) -> FinishedMessage:
    """Delivered half a second after it came."""
    fields: dict[str, Any] = {
        "seq": seq,
        "state": MessageState.DELIVERED,
        "attempts": 1,
        "carrier": "alpha",
        "carrier_message_id": f"c{seq}",
        "error_code": 0,
        "done_at": NOW + seq * 1000 + 500,
        "cost": 20_000,
        "trail": "12|alpha/1|cheapest|accepted",
    }
    return FinishedMessage(**(fields | values))


class WrittenStore:
    """The file at ``path``, made by the store's own statements."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "smsagg.db"
        self.connection: apsw.Connection = connect(
            str(self.path), Seams(synchronous="OFF"), cipher=Cipher([new_key(os.urandom)], os.urandom)
        )
        migrate(self.connection, load_migrations())
        self._recent = RecentIds()

    def apply(self, changes: Changes) -> None:
        """One transaction of the server."""
        group = Group()
        group.add(Write(changes, None))
        with self.connection:
            group.apply(self.connection.cursor(), self._recent)

    def accept(self, *messages: Message) -> None:
        self.apply(Changes(new_messages=list(messages)))

    def finish(self, *seqs: int, **values: Any) -> None:
        self.apply(Changes(finished=[finished(seq, **values) for seq in seqs]))

    def fill(self, seqs: Sequence[int]) -> None:
        """Messages that have come and gone."""
        self.accept(*(message(seq) for seq in seqs))
        self.finish(*seqs)

    def close(self) -> None:
        self.connection.close()
