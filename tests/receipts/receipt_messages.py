"""Messages for the tests of receipts."""

from typing import Any

from smsagg.model import Message

ACCEPTED_AT = 1_700_000_000_000
"""2023-11-14 22:13:20 UTC."""


def message(seq: int = 1, **values: Any) -> Message:
    fields: dict[str, Any] = {
        "seq": seq,
        "message_id": f"{seq:08x}0badcafe",
        "account": "acme",
        "message_class": "default",
        "service_type": "CMT",
        "source_addr_ton": 5,
        "source_addr_npi": 0,
        "source_addr": "ACME",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "447400123456",
        "esm_class": 0,
        "protocol_id": 0,
        "priority": 0,
        "registered_delivery": 1,
        "data_coding": 0,
        "sm_default_msg_id": 0,
        "body": b"Your code is 123456. Keep it.",
        "in_payload": False,
        "tlvs": b"",
        "country": "GB",
        "pool": "gb",
        "accepted_at": ACCEPTED_AT,
        "not_before": ACCEPTED_AT,
        "expires_at": ACCEPTED_AT + 86_400_000,
    }
    return Message(**(fields | values))
