"""Parts and the one message that stands for them."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.engine.queues.joining import joined
from smsagg.model import Message, PartGroup, PartReceipts
from smsagg.smpp.concatenation import UDHI, Concatenation, sar_tlvs, write_user_data
from smsagg.smpp.tlv import encode_tlvs
from smsagg.testing.gateway import make_message

PORTS = b"\x05\x04\x0b\x84\x23\xf0"


def make_parts(texts: list[bytes], elements: bytes = b"", form: str = "udh") -> list[Message]:
    group = PartGroup(1, "", "acme", "", "", 7, len(texts), False, PartReceipts.ALL, 1, b"", 0, 0, 0)
    parts = []
    for number, text in enumerate(texts, 1):
        said = Concatenation(7, len(texts), number)
        body = write_user_data(said if form == "udh" else None, elements, text)
        tlvs = encode_tlvs(sar_tlvs(said)) if form == "sar" else b""
        esm_class = UDHI if form == "udh" or elements else 0
        part = make_message(0, seq=number, body=body, esm_class=esm_class, tlvs=tlvs, ttl_s=10 * number)
        part.group, part.group_seq, part.part_number = group, 1, number
        parts.append(part)
    return parts


@given(
    st.lists(st.binary(min_size=1, max_size=130), min_size=2, max_size=20),
    st.sampled_from([b"", PORTS]),
    st.sampled_from(["udh", "sar", "cut"]),
)
def test_the_whole_has_all_text_and_every_element_once(texts: list[bytes], elements: bytes, form: str) -> None:
    """And stands for its parts, which stay as they are."""
    parts = make_parts(texts, elements, form)
    bodies = [part.body for part in parts]
    whole = joined(parts)
    assert whole is not None
    assert whole.body == write_user_data(None, elements, b"".join(texts))
    assert whole.esm_class == (UDHI if elements else 0)
    assert whole.in_payload
    assert whole.tlvs == b""
    assert whole.joins == tuple(parts)
    assert whole.group is None
    assert whole.expires_at == parts[0].expires_at
    assert [part.body for part in parts] == bodies


def test_a_message_that_misses_a_part_is_not_joined() -> None:
    """Nor one with a part twice, nor what is longer than a payload may be."""
    parts = make_parts([b"a", b"b", b"c"])
    assert joined(parts[:2]) is None
    assert joined([parts[0], parts[2]]) is None
    assert joined([parts[0], parts[1], parts[1]]) is None
    assert joined(make_parts([b"x" * 40_000, b"y" * 40_000], form="sar")) is None


def test_parts_that_differ_are_not_joined() -> None:
    """In alphabet, class, protocol or TLVs."""
    for name, value in (("data_coding", 8), ("esm_class", UDHI | 3), ("protocol_id", 1), ("tlvs", b"\2\4\0\2\0\1")):
        parts = make_parts([b"a", b"b"])
        setattr(parts[1], name, value)
        assert joined(parts) is None
