"""A configuration and a store with some past, for the tests of the commands that look at it."""

import os
import time
from pathlib import Path
from typing import Any

from smsagg.model import Cause, Message, MessageState
from smsagg.protection import Cipher
from smsagg.protection.key import new_key
from smsagg.store.base import Changes, FinishedMessage
from smsagg.store.sqlite.connection import Seams, connect
from smsagg.store.sqlite.group import Group, Write
from smsagg.store.sqlite.recent_ids import RecentIds
from smsagg.store.sqlite.schema import load_migrations, migrate

CONFIG = """
[store]
path = "{path}"
free_octets_min = 0
[accounts.acme]
system_id = "acme"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
[accounts.bank]
system_id = "bank"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
[carriers.alpha]
type = "simulated"
[carriers.beta]
type = "simulated"
[pools.gb]
carriers = ["alpha", "beta"]
countries = ["GB", "VN"]
"""
MINUTE = 60_000


class Past:
    """Messages of the last hour, the latest accepted just now; their text is ``secret words``."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "smsagg.toml"
        self.config.write_text(CONFIG.format(path=folder / "smsagg.db"))
        self.path = folder / "smsagg.db"
        self.connection = connect(
            str(self.path), Seams(synchronous="OFF"), cipher=Cipher([new_key(os.urandom)], os.urandom)
        )
        migrate(self.connection, load_migrations())
        self.now = time.time_ns() // 1_000_000
        self._recent = RecentIds()

    def apply(self, changes: Changes) -> None:
        group = Group()
        group.add(Write(changes, None))
        with self.connection:
            group.apply(self.connection.cursor(), self._recent)

    def accept(self, seq: int, minutes_ago: float = 30, **values: Any) -> Message:
        """One message that waits."""
        at = int(self.now - minutes_ago * MINUTE)
        fields: dict[str, Any] = {
            "seq": seq,
            "message_id": f"{seq:08x}0badcafe",
            "account": "acme",
            "message_class": "default",
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
            "body": b"secret words",
            "in_payload": False,
            "tlvs": b"",
            "country": "GB",
            "pool": "gb",
            "accepted_at": at,
            "not_before": at,
            "expires_at": at + 86_400_000,
            "network": "23415",
            "route": "uk",
            "price": 40_000,
            "revenue": 50_000,
            "charge_on": 1,
        }
        message = Message(**(fields | values))
        self.apply(Changes(new_messages=[message]))
        return message

    def finish(self, message: Message, took_ms: int = 1_500, **values: Any) -> None:
        """Its end: delivered by alpha, unless said otherwise."""
        fields: dict[str, Any] = {
            "seq": message.seq,
            "state": MessageState.DELIVERED,
            "attempts": 1,
            "carrier": "alpha",
            "carrier_message_id": f"c{message.seq}",
            "error_code": 0,
            "done_at": message.accepted_at + took_ms,
            "cost": 20_000,
            "cause": Cause.NONE,
            "trail": "12|alpha/1|rank 0|accepted",
            "charged": message.price,
        }
        self.apply(Changes(finished=[FinishedMessage(**(fields | values))]))

    def fill(self) -> "Past":
        """Nine messages: five delivered, three failed in their ways, one that waits."""
        for seq in range(1, 6):
            self.finish(self.accept(seq, 40 - seq, account="acme" if seq < 4 else "bank"), seq * 1_000)
        failed = self.accept(6, 20, country="VN", destination_addr="84901234567")
        self.finish(failed, state=MessageState.UNDELIVERABLE, cause=Cause.ABSENT_SUBSCRIBER, carrier="beta", attempts=3)
        failed = self.accept(7, 19, country="VN", destination_addr="84901234568")
        self.finish(failed, state=MessageState.UNDELIVERABLE, cause=Cause.OPTED_OUT, carrier="beta")
        failed = self.accept(8, 18, country="VN", destination_addr="84901234569")
        trail = "5|beta/1|rank 0|ESME_RINVDSTADR permanent"
        self.finish(
            failed, state=MessageState.REJECTED, carrier="beta", carrier_message_id="", cost=0, charged=0, trail=trail
        )
        self.accept(9, 1)
        return self

    def close(self) -> None:
        self.connection.close()
