"""What a peer means by data_coding 0."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import GSM_DEFAULT, DefaultCoding, from_peer, text_of, to_peer

GSM, PACKED, LATIN1, ASCII = DefaultCoding
HEADER = bytes.fromhex("050003010201")
TURKISH = bytes.fromhex("03250101")


def septets(text: str) -> bytes:
    return GSM_DEFAULT.encode(text)


@pytest.mark.parametrize(
    ("default", "text", "body", "data_coding"),
    [
        (GSM, "é@", b"\x05\0", 0),
        (PACKED, "hellohello", bytes.fromhex("e8329bfd4697d9ec37"), 0),
        (LATIN1, "é@[", b"\xe9@[", 0),
        (ASCII, "a@[", b"a@[", 0),
        (ASCII, "é", "é".encode("utf-16-be"), 8),
        (LATIN1, "€", "€".encode("utf-16-be"), 8),
        (LATIN1, "Δ€" + "a" * 100, b"D?" + b"a" * 100, 0),
        (ASCII, "éß" + "a" * 100, b"e?" + b"a" * 100, 0),
    ],
)
def test_to_a_peer(default: DefaultCoding, text: str, body: bytes, data_coding: int) -> None:
    """Text in the peer's alphabet, in UCS-2 where it fits, or as like as can be."""
    assert to_peer(septets(text), 0, False, default) == (body, data_coding)


@pytest.mark.parametrize(
    ("default", "body", "text", "data_coding"),
    [
        (GSM, b"\x05", "é", 0),
        (PACKED, bytes.fromhex("e8329bfd4697d9ec37"), "hellohello", 0),
        (LATIN1, b"\xe9@[", "é@[", 0),
        (LATIN1, b"\xe3", "ã", 8),
        (ASCII, b"`", "`", 8),
    ],
)
def test_from_a_peer(default: DefaultCoding, body: bytes, text: str, data_coding: int) -> None:
    """In our form, or in UCS-2 when GSM 03.38 lacks a character."""
    ours, coding = from_peer(body, 0, False, default)
    assert coding == data_coding
    assert text_of(ours, coding) == text


@pytest.mark.parametrize("default", DefaultCoding)
@pytest.mark.parametrize("data_coding", [3, 4, 8, 0xF5])
def test_other_alphabets_stay(default: DefaultCoding, data_coding: int) -> None:
    """Only what is GSM 03.38 changes its form."""
    assert to_peer(b"\0\xe9", data_coding, False, default) == (b"\0\xe9", data_coding)
    assert from_peer(b"\0\xe9", data_coding, False, default) == (b"\0\xe9", data_coding)


def test_flash_messages_are_packed_too() -> None:
    """They are GSM 03.38 by another data_coding; for Latin-1 only 0 is meant."""
    assert to_peer(b"hellohello", 0x10, False, PACKED) == (bytes.fromhex("e8329bfd4697d9ec37"), 0x10)
    assert to_peer(b"\x05", 0x10, False, LATIN1) == (b"\x05", 0x10)


def test_a_header_stays_before_the_text() -> None:
    """Septets begin at a multiple of seven bits after it."""
    body, _ = to_peer(HEADER + b"hi", 0, True, PACKED)
    assert body[:6] == HEADER
    assert text_of(body, 0, True, PACKED) == "hi"
    assert from_peer(body, 0, True, PACKED) == (HEADER + b"hi", 0)
    assert to_peer(HEADER + b"\x05", 0, True, LATIN1) == (HEADER + b"\xe9", 0)


def test_national_tables_are_not_for_other_alphabets() -> None:
    """They become UCS-2 where that fits, under a header that then means nothing; else they stay. Packing takes all."""
    assert to_peer(TURKISH + b"\x1c", 0, True, LATIN1) == (TURKISH + "Ş".encode("utf-16-be"), 8)
    assert to_peer(TURKISH + b"\x1c" * 69, 0, True, ASCII) == (TURKISH + b"\x1c" * 69, 0)
    assert from_peer(*to_peer(TURKISH + b"\x1c", 0, True, PACKED), True, PACKED) == (TURKISH + b"\x1c", 0)


def test_octets_that_are_no_septets() -> None:
    """A customer's mistake spoils its own characters only."""
    body, _ = to_peer(b"a\xe9b", 0, False, PACKED)
    assert text_of(body, 0, default=PACKED) == "a?b"


@given(st.binary(max_size=200), st.integers(0, 255), st.booleans(), st.sampled_from(DefaultCoding))
def test_nothing_fails(body: bytes, data_coding: int, has_header: bool, default: DefaultCoding) -> None:
    """Whatever comes, in both directions."""
    to_peer(body, data_coding, has_header, default)
    from_peer(body, data_coding, has_header, default)


@given(st.text(st.sampled_from(GSM_DEFAULT.decode(bytes(range(27)) + bytes(range(28, 128))) + "€{|"), max_size=60))
def test_short_texts_keep_all_their_characters(text: str) -> None:
    """There and back, whatever the peer means, as long as UCS-2 is a way out."""
    for default in DefaultCoding:
        body, data_coding = to_peer(septets(text), 0, False, default)
        read = text_of(body, data_coding, default=default)
        assert read is not None
        assert read.removesuffix("\r") == text.removesuffix("\r")
