"""Records for the tests of stores."""

import os
import shutil
from pathlib import Path
from typing import Any

import apsw
from attrs import evolve

from smsagg.config.schema import StoreSettings
from smsagg.model import (
    CarrierMo,
    Cause,
    ChargeOn,
    Delivery,
    DeliveryKind,
    Message,
    MessageState,
    MoPart,
    PartGroup,
    PartReceipts,
)
from smsagg.protection import Cipher
from smsagg.protection.key import new_key
from smsagg.store.base import Changes, FinishedMessage, GroupUpdate, MessageUpdate
from smsagg.store.sqlite.schema import load_migrations, migrate
from smsagg.store.sqlite.sealing import give_functions

NOW = 1_700_000_000_000


def message(seq: int, **values: Any) -> Message:
    """A queued message whose every field differs from its default."""
    fields: dict[str, Any] = {
        "seq": seq,
        "message_id": f"{seq:08x}0badcafe",
        "account": "acme",
        "message_class": "otp",
        "service_type": "CMT",
        "source_addr_ton": 5,
        "source_addr_npi": 1,
        "source_addr": "ACME\xe9",
        "dest_addr_ton": 1,
        "dest_addr_npi": 2,
        "destination_addr": f"4479{seq:08d}",
        "esm_class": 3,
        "protocol_id": 4,
        "priority": 1,
        "registered_delivery": 1,
        "data_coding": 8,
        "sm_default_msg_id": 6,
        "body": b"Your code is 123456. \x00\xff",
        "in_payload": True,
        "tlvs": b"\x02\x04\x00\x02\x00\x01",
        "country": "GB",
        "pool": "gb",
        "accepted_at": NOW,
        "not_before": NOW + 1,
        "expires_at": NOW + 86_400_000,
        "next_attempt_at": NOW + 2,
        "network": "23415",
        "route": "otp-gb",
        "tag": "summer",
        "price": 31_000,
        "revenue": 36_500,
        "charge_on": ChargeOn.DELIVERED,
        "cost": 20_000,
        "cause": Cause.BARRED,
        "trail": "12|alpha/1|rank 0",
        "accounted": 3,
        "charged": 1,
        "origin": "http",
        "reference": "order 7",
    }
    return Message(**(fields | values))


def delivery(delivery_id: int, **values: Any) -> Delivery:
    fields: dict[str, Any] = {
        "delivery_id": delivery_id,
        "account": "acme",
        "kind": DeliveryKind.RECEIPT,
        "service_type": "CMT",
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "source_addr": "447900000001",
        "dest_addr_ton": 5,
        "dest_addr_npi": 2,
        "destination_addr": "ACME",
        "esm_class": 4,
        "protocol_id": 3,
        "data_coding": 1,
        "body": b"id:000000010badcafe sub:001 dlvrd:001 stat:DELIVRD err:000 text:",
        "tlvs": b"\x00",
        "message_id": "000000010badcafe",
        "message_state": 2,
        "error_code": 9,
        "created_at": NOW,
        "expires_at": NOW + 259_200_000,
        "country": "GB",
        "accepted_at": NOW - 5,
        "attempts": 7,
        "next_attempt_at": NOW + 1,
    }
    return Delivery(**(fields | values))


def update(seq: int, **values: Any) -> MessageUpdate:
    """The update of a message that a carrier has taken."""
    fields: dict[str, Any] = {
        "seq": seq,
        "state": MessageState.ENROUTE,
        "attempts": 1,
        "next_attempt_at": 0,
        "parked": False,
        "pool": "gb",
        "carrier": "alpha",
        "carrier_message_id": f"c{seq}",
        "error_code": 0,
        "cost": 21_000,
        "trail": "12|alpha/1|rank 0|accepted",
    }
    return MessageUpdate(**(fields | values))


def finished(seq: int, **values: Any) -> FinishedMessage:
    fields: dict[str, Any] = {
        "seq": seq,
        "state": MessageState.DELIVERED,
        "attempts": 1,
        "carrier": "alpha",
        "carrier_message_id": f"c{seq}",
        "error_code": 0,
        "done_at": NOW + 1_000,
        "cost": 22_000,
        "cause": Cause.ABSENT_SUBSCRIBER,
        "trail": "12|alpha/1|rank 0|accepted",
        "charged": 31_000,
    }
    return FinishedMessage(**(fields | values))


def group(group_seq: int, **values: Any) -> PartGroup:
    """The group of a message that came in three parts, of which one is there."""
    fields: dict[str, Any] = {
        "group_seq": group_seq,
        "message_id": f"{group_seq:08x}0badcafe",
        "account": "acme",
        "source_addr": "ACME\xe9",
        "destination_addr": "447900000001",
        "reference": 0x1234,
        "parts_total": 3,
        "is_split": False,
        "receipts": PartReceipts.WORST,
        "registered_delivery": 1,
        "excerpt": b"Your code\x00\xff",
        "accepted_at": NOW,
        "closes_at": NOW + 60_000,
        "received": 1,
        "numbers": 0b10,
    }
    return PartGroup(**(fields | values))


def group_update(group_seq: int, **values: Any) -> GroupUpdate:
    """The update of a group of which one part has ended."""
    fields: dict[str, Any] = {
        "group_seq": group_seq,
        "ended": 1,
        "state": MessageState.UNDELIVERABLE,
        "error_code": 7,
        "done_at": 0,
        "carrier": "alpha",
        "joined_id": "j1",
    }
    return GroupUpdate(**(fields | values))


def parts(group_seq: int, *seqs: int, **values: Any) -> Changes:
    """Some parts of a group, numbered by their place after the first."""
    messages = [message(seq, group_seq=group_seq, part_number=seq - group_seq + 1, **values) for seq in seqs]
    return Changes(new_messages=messages, new_parts=[group(group_seq, received=len(seqs))])


def new(*seqs: int, **values: Any) -> Changes:
    return Changes(new_messages=[message(seq, **values) for seq in seqs])


def mo_part(part_id: int, **values: Any) -> MoPart:
    fields: dict[str, Any] = {
        "part_id": part_id,
        "carrier": "alpha",
        "reference": 300,
        "is_wide": True,
        "total": 9,
        "number": 1 + part_id % 9,
        "received_at": NOW + part_id,
        "mo": CarrierMo(1, 2, "447900000001", 3, 4, "53849", "CMT", 0x40, 5, 8, b"\x06\x00\xff", b"\x14\x00\x00\x00"),
    }
    return MoPart(**(fields | values))


def _migrated() -> bytes:
    connection = apsw.Connection(":memory:")
    migrate(connection, load_migrations())
    return connection.serialize("main")


_EMPTY = _migrated()


def empty_database() -> apsw.Connection:
    """In memory, as the writer has it; made quickly, for tests of many examples."""
    connection = apsw.Connection(":memory:")
    connection.deserialize("main", _EMPTY)
    give_functions(connection, Cipher([new_key(os.urandom)], os.urandom))
    return connection


def copy_beside(settings: StoreSettings, folder: Path, *suffixes: str) -> StoreSettings:
    """The store of copies of these of its files, and of its keys."""
    for suffix in (*suffixes, ".key", ".seal"):
        if Path(f"{settings.path}{suffix}").exists():
            shutil.copy(f"{settings.path}{suffix}", folder / f"smsagg.db{suffix}")
    return evolve(settings, path=str(folder / "smsagg.db"))
