"""The receipts that we write."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receipt_messages import ACCEPTED_AT, message

from smsagg.model import FINAL_STATES, DeliveryKind, MessageState
from smsagg.receipts.format import make_receipt
from smsagg.receipts.parse import parse_receipt
from smsagg.receipts.rules import STATE_WORDS, ReceiptRules

APPENDIX_B = re.compile(
    rb"id:\S+ sub:001 dlvrd:00[01] submit date:\d{10} done date:\d{10} stat:[A-Z]{7} err:\d{3} text:(.{0,20})",
    re.DOTALL,
)


def test_the_text_is_that_of_appendix_b() -> None:
    """Octet by octet."""
    delivery = make_receipt(message(), MessageState.DELIVERED, 0, ACCEPTED_AT + 65_000, 7, 99)
    assert delivery.body == (
        b"id:000000010badcafe sub:001 dlvrd:001 submit date:2311142213 done date:2311142214 stat:DELIVRD err:000 "
        b"text:Your code is 123456."
    )


def test_the_rest_of_the_delivery() -> None:
    """Addresses are swapped, esm_class says receipt, and the account, id and state are the message's."""
    delivery = make_receipt(message(), MessageState.UNDELIVERABLE, 0x0B, ACCEPTED_AT + 5, 7, 99)
    assert (delivery.source_addr_ton, delivery.source_addr_npi, delivery.source_addr) == (1, 1, "447400123456")
    assert (delivery.dest_addr_ton, delivery.dest_addr_npi, delivery.destination_addr) == (5, 0, "ACME")
    assert (delivery.kind, delivery.esm_class, delivery.data_coding) == (DeliveryKind.RECEIPT, 0x04, 0)
    assert (delivery.delivery_id, delivery.account, delivery.expires_at) == (7, "acme", 99)
    assert (delivery.message_id, delivery.message_state, delivery.error_code) == ("000000010badcafe", 5, 0x0B)
    assert (delivery.created_at, delivery.accepted_at, delivery.country) == (ACCEPTED_AT + 5, ACCEPTED_AT, "GB")
    assert b"dlvrd:000" in delivery.body
    assert b"stat:UNDELIV err:011 " in delivery.body


def test_an_intermediate_notification() -> None:
    """Says ENROUTE, and esm_class 0x20."""
    delivery = make_receipt(message(), MessageState.ENROUTE, 0, ACCEPTED_AT, 1, 2, intermediate=True)
    assert (delivery.kind, delivery.esm_class, delivery.message_state) == (DeliveryKind.INTERMEDIATE, 0x20, 1)
    assert b"stat:ENROUTE" in delivery.body


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"body": b""}, b""),
        ({"body": b"short"}, b"short"),
        ({"body": bytes(range(40))}, bytes(range(20))),
        ({"body": b"\x05\x00\x03\x01\x02\x01part one of two parts", "esm_class": 0x40}, b"part one of two part"),
        ({"body": b"\xff", "esm_class": 0x40}, b""),
        ({"body": "Xin chào bạn, đây là mã".encode("utf-16-be"), "data_coding": 8}, b"Xin ch?o b?n, ??y l?"),
        ({"body": b"\xd8\x3d\x00", "data_coding": 8}, b"?"),
        ({"body": b"\x01\x02", "data_coding": 4}, b""),
        ({"body": b"caf\xe9", "data_coding": 3}, b"caf\xe9"),
        ({"body": b"x" * 19 + b"\x1be"}, b"x" * 19),
        ({"body": "flash".encode("utf-16-be"), "data_coding": 0x18}, b"flash"),
        ({"body": b"\x01\x02", "data_coding": 0xF5}, b""),
        ({"body": b"flash", "data_coding": 0x10}, b"flash"),
    ],
)
def test_the_text_field(values: dict[str, Any], text: bytes) -> None:
    """The beginning of the body, without its header, legible whatever its coding."""
    body = make_receipt(message(**values), MessageState.DELIVERED, 0, ACCEPTED_AT, 1, 2).body
    assert body.partition(b" text:")[2] == text


@given(
    state=st.sampled_from(sorted(FINAL_STATES)),
    error_code=st.integers(0, 2**32 - 1),
    later_ms=st.integers(0, 10**10),
    body=st.binary(max_size=60),
    esm_class=st.integers(0, 255),
    data_coding=st.integers(0, 255),
)
def test_any_receipt_has_the_shape_and_can_be_read_back(
    state: MessageState, error_code: int, later_ms: int, body: bytes, esm_class: int, data_coding: int
) -> None:
    """Whatever the message says, the fields before the text keep their widths and tell the truth."""
    sent = message(body=body, esm_class=esm_class, data_coding=data_coding)
    done_at = ACCEPTED_AT + later_ms
    receipt = make_receipt(sent, state, error_code, done_at, 1, 2)
    assert APPENDIX_B.fullmatch(receipt.body)
    assert len(receipt.body) <= 255
    words = STATE_WORDS | {"ACCEPTD": MessageState.ACCEPTED, "UNKNOWN": MessageState.UNKNOWN}
    read = parse_receipt(receipt.body, rules=ReceiptRules(states=words))
    assert read is not None
    assert (read.carrier_message_id, read.state) == (sent.message_id, state)
    assert (read.error_code, read.done_at) == (min(error_code, 999), done_at // 60_000 * 60_000)
    assert receipt.message_state == state
