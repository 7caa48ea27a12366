"""Bodies as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import DefaultCoding, Language, gsm_alphabet, pack, text_of

HINDI = bytes.fromhex("06 24 01 06 25 01 06")


@pytest.mark.parametrize(
    ("body", "data_coding", "text"),
    [
        (b"a\x1be\0", 0, "a€@"),
        (b"a@\xe9", 1, "a@\ufffd"),
        (b"\1\2", 2, None),
        (b"caf\xe9", 3, "café"),
        (b"\1\2", 4, None),
        ("にほん".encode("shift_jis"), 5, "にほん"),
        ("Привет".encode("iso8859-5"), 6, "Привет"),
        ("שלום".encode("iso8859-8"), 7, "שלום"),
        ("Việt 你好 😀".encode("utf-16-be"), 8, "Việt 你好 😀"),
        ("에".encode("euc_kr"), 0x0E, "에"),
        (b"\1", 9, None),
        ("フラッシュ".encode("utf-16-be"), 0x18, "フラッシュ"),
        (b"\0", 0x10, "@"),
        (b"\0", 0xF0, "@"),
        (b"\0", 0xF5, None),
        (b"\0", 0xC8, "@"),
        (b"\0a", 0xE0, "a"),
        (b"\xd8\x00\x00a", 8, "\ufffda"),
        (b"\0a\0", 8, "a\ufffd"),
    ],
)
def test_by_data_coding(body: bytes, data_coding: int, text: str | None) -> None:
    """SMPP's own values, the groups of 3GPP TS 23.038, and broken bodies."""
    assert text_of(body, data_coding) == text


@pytest.mark.parametrize(
    ("default", "body"),
    [
        (DefaultCoding.GSM, b"\x05@"),
        (DefaultCoding.GSM_PACKED, pack(b"\x05@")),
        (DefaultCoding.LATIN1, "é¡".encode("latin-1")),
    ],
)
def test_data_coding_0(default: DefaultCoding, body: bytes) -> None:
    """It means what the peer says."""
    assert text_of(body, 0, default=default) == "é¡"


def test_other_data_codings_mean_the_same_to_all() -> None:
    """The default is the default of data_coding 0 only."""
    assert text_of(b"\xe9", 3, default=DefaultCoding.GSM_PACKED) == "é"


def test_a_header_is_not_text() -> None:
    """A part's text begins after its header, in the national tables that it names."""
    assert text_of(bytes.fromhex("050003070201") + b"hi", 0, True) == "hi"
    body = HINDI + gsm_alphabet(Language.HINDI, Language.HINDI).encode("नमस्ते A")
    assert text_of(body, 0, True) == "नमस्ते A"


def test_packed_text_after_a_header_has_fill_bits() -> None:
    """Five of them after nine octets."""
    header = bytes.fromhex("08 0003070201 240101")
    assert text_of(header + pack(b"\x1bS", 5), 0, True, DefaultCoding.GSM_PACKED) == "Ş"


def test_identifiers_that_nobody_knows() -> None:
    """The default tables are used (3GPP TS 23.040 §9.2.3.24.15)."""
    assert text_of(bytes.fromhex("06 24 01 63 25 01 02") + b"\x1be", 0, True) == "€"


@given(st.binary(max_size=100), st.integers(0, 255), st.booleans(), st.sampled_from(DefaultCoding))
def test_nothing_fails(body: bytes, data_coding: int, has_header: bool, default: DefaultCoding) -> None:
    """Whatever the octets are, there is a text or it is binary."""
    text_of(body, data_coding, has_header, default)
