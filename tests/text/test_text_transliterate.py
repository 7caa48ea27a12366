"""Saying it in GSM 03.38."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import GSM_DEFAULT, Transliteration, transliterate
from smsagg.text.transliterate import _TYPOGRAPHIC, KEPT_MAX, _Replacements

NONE, TYPOGRAPHIC, LATIN, ALL = Transliteration


@pytest.mark.parametrize(
    ("text", "level", "plain"),
    [
        ("’", NONE, "’"),
        ("e\u0301", NONE, "é"),
        ("‘a’ “b” „c‟ «d»", TYPOGRAPHIC, '\'a\' "b" "c" "d"'),
        ("a–b—c−d\u2010", TYPOGRAPHIC, "a-b-c-d-"),
        ("wait…", TYPOGRAPHIC, "wait..."),
        ("a\u00a0b\u202fc\u3000d\te", TYPOGRAPHIC, "a b c d e"),
        ("a\u200bb\u200e\ufeff\u00adc", TYPOGRAPHIC, "abc"),
        ("ﬁne Ｆｕｌｌ ½ ™ ² №", TYPOGRAPHIC, "fine Full 1/2 TM 2 No"),
        ("`x`", TYPOGRAPHIC, "'x'"),
        ("ąćęłńśźż", TYPOGRAPHIC, "ąćęłńśźż"),
        ("Zażółć gęślą jaźń", LATIN, "Zazolc gesla jazn"),
        ("Tiếng Việt đẹp", LATIN, "Tieng Viet dep"),
        ("Größe, señor, façade", LATIN, "Größe, señor, facade"),
        ("q\u0301", LATIN, "q"),
        ("Привет", LATIN, "Привет"),
        ("Привет", ALL, "Privet"),
        ("Καλημέρα", ALL, "Kalimera"),
        ("{€}", ALL, "{€}"),
        ("\x07", ALL, "\x07"),
        ("\U000f0000", ALL, "\U000f0000"),
    ],
)
def test_levels(text: str, level: Transliteration, plain: str) -> None:
    """Each level replaces its own kind, and leaves what GSM 03.38 has."""
    assert transliterate(text, GSM_DEFAULT, level) == plain


def test_the_table_leads_into_the_alphabet() -> None:
    """No typographic replacement needs another one, and none is of a character that GSM 03.38 has."""
    for code_point, plain in _TYPOGRAPHIC.items():
        assert chr(code_point) not in GSM_DEFAULT
        assert GSM_DEFAULT.missing(plain) == ""


@given(st.text(), st.sampled_from(Transliteration))
def test_once_is_enough(text: str, level: Transliteration) -> None:
    """What came out does not change again; what was sayable stays."""
    plain = transliterate(text, GSM_DEFAULT, level)
    assert transliterate(plain, GSM_DEFAULT, level) == plain
    if not GSM_DEFAULT.missing(text):
        assert plain == text


def test_memory_is_bounded() -> None:
    """A text of all characters that there are does not stay in memory."""
    table = _Replacements(GSM_DEFAULT, TYPOGRAPHIC)
    "".join(map(chr, range(0x10000))).translate(table)
    assert len(table) <= KEPT_MAX
