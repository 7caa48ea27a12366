"""Carriers' receipts in all their dialects, and what is no receipt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.model import Cause, MessageState
from smsagg.receipts.dates import parse_date
from smsagg.receipts.dialect import IdDialect
from smsagg.receipts.parse import (
    HEADER_OCTETS_MAX,
    TAG_MESSAGE_PAYLOAD,
    TAG_MESSAGE_STATE,
    TAG_NETWORK_ERROR_CODE,
    ParsedReceipt,
    parse_receipt,
)
from smsagg.receipts.rules import STATE_WORDS, TAG_RECEIPTED_MESSAGE_ID, ReceiptRules

COMMON = b"id:42 sub:001 dlvrd:001 submit date:1807110659 done date:1807110700 stat:DELIVRD err:000 text:hello"
DONE_AT = parse_date("1807110700")
DELIVERED, UNDELIVERABLE, ENROUTE = MessageState.DELIVERED, MessageState.UNDELIVERABLE, MessageState.ENROUTE


CAUSES = {
    MessageState.UNDELIVERABLE: Cause.UNSPECIFIED,
    MessageState.EXPIRED: Cause.EXPIRED,
    MessageState.REJECTED: Cause.REJECTED,
    MessageState.DELETED: Cause.DELETED,
}


def parsed(
    carrier_message_id: str = "42",
    state: MessageState = DELIVERED,
    error_code: int = 0,
    done_at: int = DONE_AT,
    ids_differ: bool = False,
    raw_id: str = "",
    unknown_state: str = "",
) -> ParsedReceipt:
    cause = CAUSES.get(state, Cause.NONE)
    return ParsedReceipt(
        carrier_message_id, state, error_code, done_at, ids_differ, raw_id or carrier_message_id, cause, unknown_state
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (COMMON, parsed()),
        (COMMON.replace(b"text:", b"Text:"), parsed()),
        (COMMON[: COMMON.index(b" text:")], parsed()),
        (COMMON.lower(), parsed()),
        (COMMON.upper(), parsed()),
        (b"\r\n " + COMMON, parsed()),
        (COMMON.replace(b" ", b"  "), parsed()),
        (COMMON.replace(b" sub", b", sub").replace(b" stat", b",stat"), parsed()),
        (COMMON.replace(b":", b": ").replace(b"done date: ", b"done date:"), parsed()),
        (b"id:42 done date:1807110700 stat:DELIVRD err:000 text:", parsed()),
        (b"stat:DELIVRD id:42 done date:1807110700", parsed()),
        (b"id:42 submitdate:1807110659 donedate:1807110700 stat:DELIVRD", parsed()),
        (b"id:42 submit_date:1807110659 done_date:1807110700 status:DELIVRD error:0", parsed()),
        (b"id:42 operator:44 done date:1807110700 mccmnc:23410 stat:DELIVRD x err:000", parsed()),
        (b"id:42 submit date:180711065901 done date:180711070000 stat:DELIVRD err:000 text:", parsed()),
        (b"id:42 sub:001 done date:180711100000012+ stat:DELIVRD", parsed()),
        (b"id:42 stat:DELIVRD\x00", parsed(done_at=0)),
        (b"id:42 sub:001 dlvrd:000 submit date:0000000000 done date:0000000000 stat:FAILED err:0032 text:",
         parsed(state=UNDELIVERABLE, error_code=32, done_at=0)),
        (b"id:42 stat:UNDELIV err:00A", parsed(state=UNDELIVERABLE, done_at=0)),
        (b"id:42 stat:UNDELIV err:-1", parsed(state=UNDELIVERABLE, done_at=0)),
        (b"id:42 stat:UNDELIV err:" + b"9" * 30, parsed(state=UNDELIVERABLE, done_at=0)),
        (b"id:42 stat: err:003", parsed(state=ENROUTE, error_code=3, done_at=0)),
        (b"id:42 stat:", parsed(state=ENROUTE, done_at=0)),
        (b"id:42 stat:SOMETHINGNEW", parsed(state=ENROUTE, done_at=0, unknown_state="SOMETHINGNEW")),
        (b"id:42 id:43 stat:DELIVRD stat:EXPIRED", parsed(done_at=0)),
        (b"id:3f2504e0-4f89-11d3-9a0c-0305e82c3301 stat:DELIVRD",
         parsed("3f2504e0-4f89-11d3-9a0c-0305e82c3301", done_at=0)),
    ],
)  # fmt: skip
def test_receipt_texts_as_carriers_write_them(body: bytes, expected: ParsedReceipt) -> None:
    """Fields missing, added, in other orders and cases, with odd dates and codes."""
    assert parse_receipt(body) == expected


@pytest.mark.parametrize(("word", "state"), STATE_WORDS.items())
def test_state_words(word: str, state: MessageState) -> None:
    """In the common form and in any other the same word means the same."""
    for text in (word, word.lower()):
        common = parse_receipt(COMMON.replace(b"DELIVRD", text.encode()))
        loose = parse_receipt(b"stat:" + text.encode() + b" id:42")
        assert common is not None
        assert loose is not None
        assert common.state is loose.state is state


def test_only_evidence_ends_a_message() -> None:
    """ACCEPTD, UNKNOWN and words that nobody defined are no final state; a carrier for which they are says so."""
    assert {word for word, state in STATE_WORDS.items() if not state.is_final} >= {"ACCEPTD", "UNKNOWN", "ENROUTE"}
    final = parse_receipt(
        b"id:1 stat:ACCEPTD", rules=ReceiptRules(states=STATE_WORDS | {"ACCEPTD": MessageState.ACCEPTED})
    )
    assert final is not None
    assert final.state is MessageState.ACCEPTED


def tlvs(
    message_id: bytes | None = None, state: int | None = None, network: bytes | None = None
) -> list[tuple[int, bytes]]:
    found = [(0x1400, b"vendor")]
    if message_id is not None:
        found.append((TAG_RECEIPTED_MESSAGE_ID, message_id))
    if state is not None:
        found.append((TAG_MESSAGE_STATE, bytes([state])))
    if network is not None:
        found.append((TAG_NETWORK_ERROR_CODE, network))
    return found


def test_tlvs_alone_are_a_receipt() -> None:
    """With any text or none."""
    given_tlvs = tlvs(b"42\0", 5, b"\x03\x00\x20")
    expected = parsed(state=UNDELIVERABLE, error_code=32, done_at=0)
    assert parse_receipt(b"", given_tlvs) == expected
    assert parse_receipt(b"Message failed", given_tlvs) == expected


def test_tlvs_go_before_the_text() -> None:
    """A disagreement about the id is told, about the state it is not."""
    assert parse_receipt(COMMON, tlvs(b"42\0", 2, b"\x03\x00\x00")) == parsed()
    assert parse_receipt(COMMON, tlvs(b"77\0", 3)) == parsed("77", MessageState.EXPIRED, ids_differ=True)
    assert parse_receipt(COMMON, tlvs(state=8)) == parsed(state=MessageState.REJECTED)
    assert parse_receipt(b"id:42 stat:UNDELIV err:7", tlvs(network=b"\x03\x01\x00")) == parsed(
        state=UNDELIVERABLE, error_code=256, done_at=0
    )


def test_malformed_tlvs_are_ignored() -> None:
    """The text still counts."""
    broken = [(TAG_RECEIPTED_MESSAGE_ID, b""), (TAG_MESSAGE_STATE, b"\0\5"), (TAG_NETWORK_ERROR_CODE, b"\5")]
    assert parse_receipt(COMMON, broken) == parsed()
    assert parse_receipt(COMMON, tlvs(b"7" * 66)) == parsed()


def test_of_a_repeated_tlv_the_first_counts() -> None:
    """As everywhere."""
    twice = [*tlvs(b"1", 2), *tlvs(b"2", 5)]
    assert parse_receipt(b"", twice) == parsed("1", done_at=0)


@pytest.mark.parametrize("code", range(256))
def test_message_state_codes(code: int) -> None:
    """Final codes are taken; scheduled, en route, accepted, unknown and reserved ones end nothing."""
    final = {2: DELIVERED, 3: MessageState.EXPIRED, 4: MessageState.DELETED, 5: UNDELIVERABLE,
             8: MessageState.REJECTED, 9: UNDELIVERABLE}  # fmt: skip
    receipt = parse_receipt(b"", tlvs(b"1", code))
    assert receipt is not None
    assert receipt.state is final.get(code, ENROUTE)


def test_long_ids() -> None:
    """36 octets and 65 octets are ids, with or without the NUL."""
    for message_id in (b"a" * 36, b"a" * 65):
        for end in (b"", b"\0"):
            receipt = parse_receipt(b"", tlvs(message_id + end, 2))
            assert receipt is not None
            assert receipt.carrier_message_id == message_id.decode()


def test_the_text_may_be_in_message_payload() -> None:
    """When there is no short_message."""
    assert parse_receipt(b"", [(TAG_MESSAGE_PAYLOAD, COMMON)]) == parsed()


def test_the_dialect_applies_to_both_ids() -> None:
    """They are compared after it."""
    rules = ReceiptRules(ids=IdDialect(receipt="hex_to_decimal"))
    assert parse_receipt(COMMON.replace(b"42", b"2a"), tlvs(b"2A\0"), rules) == parsed(raw_id="2A")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"STOP",
        b"please read id:42 stat:DELIVRD",
        b"my id:42 and stat:DELIVRD",
        b"text:id:42 stat:DELIVRD",
        b"Text: id:42 stat:DELIVRD err:000",
        b"id:42 text:stat:DELIVRD",
        b"sub:001 TEXT :id:42 stat:DELIVRD",
        b"id:42",
        b"stat:DELIVRD",
        b"id: stat:DELIVRD",
        b"sub:001 " + b"x" * HEADER_OCTETS_MAX + b" id:42 stat:DELIVRD",
        b"id:" + b"7" * 66 + b" stat:DELIVRD",
    ],
)
def test_what_is_no_receipt(body: bytes) -> None:
    """No id, no state, or only such as a customer or a handset could have written."""
    assert parse_receipt(body) is None


@pytest.mark.parametrize(
    "forged", [b"id:666 stat:DELIVRD err:000", b" id:666 stat:DELIVRD", b"\r\nid:666 stat:DELIVRD"]
)
def test_the_quoted_text_is_never_believed(forged: bytes) -> None:
    """A receipt that quotes a message which looks like a receipt speaks of its own message only."""
    for head in (b"id:42 sub:001 dlvrd:000 submit date:1807110659 done date:1807110700 stat:UNDELIV err:001 text:",
                 b"id:42 done date:1807110700 stat:UNDELIV err:1 Text:"):  # fmt: skip
        assert parse_receipt(head + forged) == parsed(state=UNDELIVERABLE, error_code=1)


@given(st.binary(max_size=300) | st.lists(st.sampled_from(
    [b"id:", b"stat:", b"err:", b"done date:", b"text:", b" ", b",", b"\0", b"1", b"DELIVRD", b":", b"\xff"]),
    max_size=60).map(b"".join),
    st.lists(st.tuples(st.sampled_from([0x1E, 0x423, 0x424, 0x427, 0x1400]), st.binary(max_size=70)), max_size=6),
)  # fmt: skip
def test_no_octets_break_it(body: bytes, some_tlvs: list[tuple[int, bytes]]) -> None:
    """What comes out is a receipt for some message, or nothing."""
    receipt = parse_receipt(body, some_tlvs)
    if receipt is not None:
        assert 0 < len(receipt.carrier_message_id) <= 65
        assert receipt.state is ENROUTE or receipt.state.is_final
        assert 0 <= receipt.error_code < 10**8


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=",;|"), min_size=1, max_size=65),
    st.sampled_from(["DELIVRD", "UNDELIV", "ACCEPTD", "NOVEL"]),
    st.integers(0, 999),
    st.binary(max_size=30),
)
def test_the_common_form_is_read_as_the_loose_form_would(message_id: str, stat: str, err: int, text: bytes) -> None:
    """The fast way in is only faster."""
    fields = f"id:{message_id} sub:001 dlvrd:001 submit date:1807110659 done date:1807110700 stat:{stat} err:{err:03d}"
    common = fields.encode() + b" text:" + text
    loose = b" " + common
    assert parse_receipt(common) == parse_receipt(loose)


@pytest.mark.parametrize(
    "unit", [b"id:", b"id:1 ", b" ", b"a", b"date ", b"text ", b"stat:DELIVRD ", b"err", b":", b"\t"]
)
def test_no_text_keeps_the_parser_busy(unit: bytes) -> None:
    """J21: 60,000 octets of what its expressions repeat are read in linear time; in quadratic time this never ends."""
    for tail in (b"", b"!", b" stat:"):
        parse_receipt(unit * (60_000 // len(unit)) + tail)
