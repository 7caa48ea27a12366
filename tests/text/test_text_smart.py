"""Smart encoding of submitted bodies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import Encoded, Language, Rules, Transliteration, encode_smart, text_of
from smsagg.text.smart import SHORT_MESSAGE_OCTETS_MAX, SMART_OCTETS_MAX, gsm_coding_of, segment_count

EXACT = Rules()
LATIN = Rules(Transliteration.LATIN)
ALL = Rules(Transliteration.ALL)
UDHI = 0x40


def ucs2(text: str) -> bytes:
    return text.encode("utf-16-be")


@pytest.mark.parametrize(
    ("body", "data_coding", "rules", "encoded"),
    [
        (ucs2("plain"), 8, EXACT, Encoded(b"plain", 0, 0)),
        (ucs2("€@"), 8, EXACT, Encoded(b"\x1be\0", 0, 0)),
        (ucs2("it’s"), 8, LATIN, Encoded(b"it's", 0, 0)),
        (ucs2("\ufeffa"), 8, LATIN, Encoded(b"a", 0, 0)),
        (ucs2("Việt"), 8, LATIN, Encoded(b"Viet", 0, 0)),
        (ucs2("Да"), 8, ALL, Encoded(b"Da", 0, 0)),
        ("é".encode("latin-1"), 3, EXACT, Encoded(b"\x05", 0, 0)),
        (b"[a]", 1, EXACT, Encoded(b"\x1b\x3ca\x1b\x3e", 0, 0)),
        (ucs2("flash"), 0x18, EXACT, Encoded(b"flash", 0x10, 0)),
        (ucs2("mail"), 0xE8, EXACT, Encoded(b"mail", 0xD8, 0)),
    ],
)
def test_what_is_improved(body: bytes, data_coding: int, rules: Rules, encoded: Encoded) -> None:
    """Text that GSM 03.38 can say, exactly or as the rules allow."""
    assert encode_smart(body, data_coding, 0, rules) == encoded


@pytest.mark.parametrize(
    ("body", "data_coding", "esm_class", "rules"),
    [
        (ucs2("it’s"), 8, 0, EXACT),
        (ucs2("😀 ok"), 8, 0, LATIN),
        (ucs2("\u0301"), 8, 0, ALL),
        (ucs2("字"), 8, 0, LATIN),
        (bytes.fromhex("0500030102010061"), 8, UDHI, LATIN),
        (b"a\x1b", 0, 0, LATIN),
        (b"\0a", 4, 0, LATIN),
        (b"\0a\0", 8, 0, LATIN),
        (b"\xd8\x00\0a", 8, 0, LATIN),
        (b"\xe9", 1, 0, LATIN),
        (b"", 8, 0, LATIN),
        (ucs2("你好" * 35), 8, 0, ALL),
        (b"[" * 140, 3, 0, LATIN),
        (b"[" * 134 + b"a" * 60, 3, 0, LATIN),
        (ucs2("a" * (SMART_OCTETS_MAX // 2 + 1)), 8, 0, LATIN),
    ],
)
def test_what_is_left(body: bytes, data_coding: int, esm_class: int, rules: Rules) -> None:
    """Headers, binary, broken and dearer bodies, and text that does not fit."""
    assert encode_smart(body, data_coding, esm_class, rules) is None


def test_national_tables() -> None:
    """Two segments of UCS-2 become one, with a header that names the table; one stays as it is."""
    rules = Rules(languages=(Language.TURKISH,))
    encoded = encode_smart(ucs2("Şş" * 40), 8, 0x03, rules)
    assert encoded is not None
    assert (encoded.data_coding, encoded.esm_class, encoded.body[:4]) == (0, 0x43, bytes.fromhex("03250101"))
    assert text_of(encoded.body, 0, True) == "Şş" * 40
    assert encode_smart(ucs2("Şş"), 8, 0, rules) is None
    assert encode_smart(ucs2("Şş" * 100), 8, 0, rules) is None


@given(st.text(max_size=200), st.sampled_from([3, 8, 0x18]), st.sampled_from([EXACT, LATIN, ALL]))
def test_what_comes_out(text: str, data_coding: int, rules: Rules) -> None:
    """It says the same where nothing needed replacing, takes no more segments, and still fits its field."""
    body = text.encode("latin-1" if data_coding == 3 else "utf-16-be", "replace")
    encoded = encode_smart(body, data_coding, 0, rules)
    if encoded is None:
        return
    assert segment_count(len(encoded.body), encoded.data_coding) <= segment_count(len(body), data_coding)
    assert len(encoded.body) <= max(len(body), SHORT_MESSAGE_OCTETS_MAX)
    if rules is EXACT:
        assert text_of(encoded.body, encoded.data_coding) == text_of(body, data_coding)


@pytest.mark.parametrize(
    ("data_coding", "gsm"), [(3, 0), (8, 0), (0x19, 0x11), (0x48, 0x40), (0xE3, 0xD3)]
)  # fmt: skip
def test_data_coding(data_coding: int, gsm: int) -> None:
    """Class and indication stay."""
    assert gsm_coding_of(data_coding) == gsm
