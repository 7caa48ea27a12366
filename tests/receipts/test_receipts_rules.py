"""Receipts of carriers that write them in their own way, read by rules that are data."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.problems import Problems
from smsagg.config.structure import strict_converter
from smsagg.model import Cause, MessageState
from smsagg.receipts.dates import parse_date
from smsagg.receipts.parse import TAG_MESSAGE_STATE, ParsedReceipt, header_of, is_receipt_by_content, parse_receipt
from smsagg.receipts.rules import NAMES, STANDARD, TAG_RECEIPTED_MESSAGE_ID, ReceiptRules
from smsagg.receipts.settings import DialectSettings, IdSettings, known_dialect, make_rules, presets

COMMON = "id:42 sub:001 dlvrd:001 submit date:1807110659 done date:1807110700 stat:DELIVRD err:000 text:hello"
DONE_AT = parse_date("1807110700")
NO_IDS = IdSettings()


def settings(text: str) -> DialectSettings:
    converter = strict_converter(lambda _: DialectSettings)
    made: DialectSettings = converter.structure(tomllib.loads(text), DialectSettings)
    return made


def rules(text: str = "", dialect: str = "standard", **ids: Any) -> ReceiptRules:
    return make_rules(dialect, IdSettings(**ids), settings(text))


def read(body: str | bytes, by: ReceiptRules = STANDARD, tlvs: list[tuple[int, bytes]] | None = None) -> ParsedReceipt:
    receipt = parse_receipt(body.encode("latin-1") if isinstance(body, str) else body, tlvs or [], by)
    assert receipt is not None
    return receipt


def test_names_signs_and_words_of_a_carrier() -> None:
    """What fields are called, what stands between them, and what its states mean."""
    own = rules(
        """
        separators = ";"
        assignment = "="
        names = { id = ["MsgRef"], stat = ["state"], done_date = ["done"], err = ["reason code"], text = ["body"] }
        states = { ZUGESTELLT = "delivered", Abgelaufen = "expired" }
        dates = ["DD.MM.YYYY hh:mm"]
        zone = "+02:00"
        """
    )
    receipt = read("msgref=42;state=ZUGESTELLT;done=11.07.2018 09:00;reason_code=0;body=id=666;state=x", own)
    assert (receipt.carrier_message_id, receipt.state, receipt.done_at) == ("42", MessageState.DELIVERED, DONE_AT)
    assert read("MsgRef=1;state=abgelaufen", own).state is MessageState.EXPIRED
    assert parse_receipt(COMMON.encode(), [], own) is None


def test_own_names_beside_the_common_form() -> None:
    """A carrier that writes the common form now and then is read either way."""
    own = rules('names = { stat = ["stat", "status", "state"] }')
    assert read(COMMON, own) == read(COMMON)
    assert read("id:42 state:DELIVRD", own).state is MessageState.DELIVERED


@pytest.mark.parametrize(
    ("id_from", "with_both", "tlv_only", "text_only"),
    [
        ('["tlv", "text"]', "77", "77", "42"),
        ('["text", "tlv"]', "42", "77", "42"),
        ('["tlv"]', "77", "77", None),
        ('["text"]', "42", None, "42"),
    ],
)
def test_where_the_id_is(id_from: str, with_both: str, tlv_only: str | None, text_only: str | None) -> None:
    """In the order of the rules; a place that they do not name does not count."""
    own = rules(f"id_from = {id_from}\nid_tlv = 0x1401")
    tlv = [(0x1401, b"77\0"), (TAG_RECEIPTED_MESSAGE_ID, b"99\0")]
    no_id = COMMON.replace("id:42 ", "")

    def found(body: str, tlvs: list[tuple[int, bytes]]) -> str | None:
        receipt = parse_receipt(body.encode(), tlvs, own)
        return None if receipt is None else receipt.carrier_message_id

    assert found(COMMON, tlv) == with_both
    assert found(no_id, tlv) == tlv_only
    assert found(COMMON, []) == text_only


def test_causes() -> None:
    """By the carrier's code in any form of zeros and case, by the state where no table knows it, none for success."""
    own = rules('errors = { 6 = "absent_subscriber", 0A = "spam" }')
    causes = {err: read(f"id:1 stat:UNDELIV err:{err}", own).cause for err in ("6", "006", "a", "00A", "7", "")}
    assert causes == {
        "6": Cause.ABSENT_SUBSCRIBER,
        "006": Cause.ABSENT_SUBSCRIBER,
        "a": Cause.SPAM,
        "00A": Cause.SPAM,
        "7": Cause.UNSPECIFIED,
        "": Cause.UNSPECIFIED,
    }
    assert read("id:1 stat:EXPIRED err:7", own).cause is Cause.EXPIRED
    assert read("id:1 stat:DELIVRD err:6", own).cause is Cause.NONE
    assert read("id:1 stat:ENROUTE err:6", own).cause is Cause.NONE
    assert read("id:1 stat:UNDELIV", own, [(0x0423, b"\x03\x00\x06")]).cause is Cause.ABSENT_SUBSCRIBER


def test_raw_ids_are_kept() -> None:
    """What was normalised away is there for whoever matches by another rule."""
    receipt = read("id:00AB stat:DELIVRD", rules(receipt_id="hex_to_decimal"))
    assert (receipt.carrier_message_id, receipt.raw_id) == ("171", "00AB")


@pytest.mark.parametrize(
    "written",
    [
        "2018-07-11 07:00:00", "2018-07-11T07:00", "2018/07/11 07:00:00.123", "2018-07-11T09:00:00+02:00",
        "20180711090000+0200", "180711090000 +02", "180711070000Z", "1807110700 GMT", "180711090000008+",
    ],
)  # fmt: skip
def test_dates_with_signs_and_zones(written: str) -> None:
    """Their signs separate nothing."""
    receipt = read(f"id:42 done date:{written} stat:DELIVRD err:001")
    assert (receipt.done_at, receipt.state, receipt.error_code) == (DONE_AT, MessageState.DELIVERED, 1)


def test_a_carriers_zone() -> None:
    """Of dates that name none, with its summer time; a date's own zone goes first."""
    own = rules('zone = "Europe/Berlin"')
    assert read(COMMON.replace("1807110700", "1807110900"), own).done_at == DONE_AT
    assert read("id:42 done date:180711070000Z stat:DELIVRD", own).done_at == DONE_AT
    winter = read(COMMON.replace("done date:1807110700", "done date:1801110800"), own).done_at
    assert winter == parse_date("1801110700")


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
def test_texts_in_ucs2(codec: str) -> None:
    """Are read like any other, what they quote included."""
    assert read(COMMON.encode(codec)) == read(COMMON)
    quoted = COMMON.replace("hello", "Привет id:666 stat:UNDELIV").encode(codec)
    assert read(quoted) == read(COMMON)
    assert parse_receipt("Привет id:42 stat:DELIVRD".encode(codec)) is None


def test_content_that_reads_as_a_receipt() -> None:
    """Id, state and date at the beginning of the text, or id and state in TLVs; words in between are none of it."""
    tlvs = [(TAG_RECEIPTED_MESSAGE_ID, b"1\0"), (TAG_MESSAGE_STATE, b"\2")]
    assert is_receipt_by_content(COMMON.encode(), [], STANDARD)
    assert is_receipt_by_content(b"", tlvs, STANDARD)
    assert is_receipt_by_content(b"", [(0x0424, COMMON.encode())], STANDARD)
    for body in ("id:1 stat:DELIVRD", f"hello {COMMON}", "stat:DELIVRD done date:1807110700", ""):
        assert not is_receipt_by_content(body.encode(), tlvs[:1], STANDARD)


def test_what_is_kept_of_a_text() -> None:
    """Its fields; not the words that it quotes."""
    assert header_of(COMMON.encode()).endswith(b"err:000 text:")
    assert header_of(b"id:1 stat:X") == b"id:1 stat:X"
    assert header_of(COMMON.encode("utf-16-be")).endswith(b"text:")


def test_every_preset_makes_rules() -> None:
    """Each says what it is for, and the bare standard is what is read without any."""
    assert {"standard", "gsm-map", "hex-resp", "decimal-resp", "8x8"} == set(presets())
    for name, preset in presets().items():
        assert preset.description
        make_rules(name, NO_IDS, DialectSettings())
    standard = make_rules("standard", NO_IDS, DialectSettings())
    assert standard == STANDARD
    assert make_rules("learn", NO_IDS, DialectSettings()) == STANDARD


def test_presets_and_overrides() -> None:
    """A key of the carrier's own goes before the preset's; tables are joined."""
    own = rules('errors = { 13 = "opted_out" }', "gsm-map", id_case="lower")
    assert own.causes["13"] is Cause.OPTED_OUT
    assert own.causes["27"] is Cause.ABSENT_SUBSCRIBER
    assert own.ids.letter_case == "lower"
    hexadecimal = make_rules("hex-resp", NO_IDS, DialectSettings())
    assert hexadecimal.ids.of_submit_sm_resp("010C8F40D") == hexadecimal.ids.of_receipt("281605133")
    assert make_rules("hex-resp", IdSettings(resp_id="as_is"), DialectSettings()).ids.submit_sm_resp == "as_is"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('id_from = ["tag"]', "id_from", 'must be ["tlv", "text"]'),
        ('id_from = ["tlv", "tlv"]', "id_from", 'must be ["tlv", "text"]'),
        ("id_tlv = 0", "id_tlv", "must be from 1 to 65535"),
        ('names = { state = ["x"] }', "names", 'must be one of "id", "sub"'),
        ('names = { id = [" "] }', "names", "must hold names in printable ASCII"),
        ('separators = "a"', "separators", "must be signs of ASCII"),
        ('assignment = ""', "assignment", "must be signs of ASCII"),
        ('dates = ["DD.MM"]', "dates", "must name year, month, day, hour and minute"),
        ('dates = ["YYMMDDhhmmhh"]', "dates", "must be made of YYYY"),
        ('zone = "Mars/Olympus"', "zone", 'must be "UTC", an offset such as "+02:00"'),
        ('states = { X = "gone" }', "states", 'must be one of "enroute", "delivered"'),
        ('errors = { 1 = "bad luck" }', "errors", 'must be one of "unspecified", "unknown_subscriber"'),
        ("unmarked = 1", "unmarked", "must be true or false"),
        ("unknown = 1", "unknown", "is unknown"),
    ],
)
def test_what_is_wrong_in_a_dialect_is_named(text: str, key: str, reason: str) -> None:
    """With its key and what may stand there."""
    with pytest.raises(Problems) as caught:
        settings(text)
    (problem,) = caught.value.problems
    assert problem.path[0] == key
    assert problem.reason.startswith(reason)


def test_an_unknown_dialect_is_named() -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match="must be one of 8x8, decimal-resp, gsm-map, hex-resp, learn, standard"):
        known_dialect(None, None, "logica")


signs = st.sampled_from([" ", ";", ",", "|", ";,", " ,"])


@given(
    signs,
    st.sampled_from([":", "=", "->"]),
    st.fixed_dictionaries({name: st.text("abcdXYZ", min_size=2, max_size=6) for name in NAMES}).filter(
        lambda names: len({name.lower() for name in names.values()}) == len(names)
    ),
    st.permutations(["id", "stat", "err"]),
    st.text("0123456789abcdef-", min_size=1, max_size=36),
)
def test_any_names_and_signs(
    separators: str, assignment: str, names: dict[str, str], order: list[str], id_: str
) -> None:
    """Whatever a carrier calls things, its receipts are read."""
    own = ReceiptRules(
        separators=separators, assignment=assignment, names={means: (name,) for means, name in names.items()}
    )
    values = {"id": id_, "stat": "UNDELIV", "err": "7"}
    body = separators.join(f"{names[field]}{assignment}{values[field]}" for field in order)
    receipt = parse_receipt(body.encode(), [], own)
    assert receipt is not None
    assert (receipt.carrier_message_id, receipt.state, receipt.error_code) == (id_, MessageState.UNDELIVERABLE, 7)


@given(st.binary(max_size=200), signs, st.sampled_from([":", "="]), st.booleans())
def test_no_octets_break_any_rules(body: bytes, separators: str, assignment: str, wide: bool) -> None:
    """Neither of a receipt nor of what is not one."""
    own = ReceiptRules(separators=separators, assignment=assignment, id_from=("text",), unmarked=True)
    body = b"id" + assignment.encode() + body
    if wide:
        body = body.decode("latin-1").encode("utf-16-be")
    parse_receipt(body, [], own)
    is_receipt_by_content(body, [], own)
    header_of(body)
