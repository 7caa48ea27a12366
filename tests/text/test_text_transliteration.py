"""Saying it in GSM 03.38."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import GSM_DEFAULT, Transliteration, transliterate
from smsagg.text.transliteration import _TYPOGRAPHIC, KEPT_MAX, _Replacements

NONE, TYPOGRAPHIC, LATIN, ALL = Transliteration


@pytest.mark.parametrize(
    ("text", "level", "plain"),
    [
        ("’", NONE, None),
        ("e\u0301", NONE, "é"),
        ("‘a’ “b” „c‟ «d»", TYPOGRAPHIC, '\'a\' "b" "c" "d"'),
        ("a–b—c−d\u2010", TYPOGRAPHIC, "a-b-c-d-"),
        ("wait…", TYPOGRAPHIC, "wait..."),
        ("a\u00a0b\u202fc\u3000d\te", TYPOGRAPHIC, "a b c d e"),
        ("a\u200bb\u200e\ufeff\u00adc", TYPOGRAPHIC, "abc"),
        ("ﬁne Ｆｕｌｌ ½ ™ ² №", TYPOGRAPHIC, "fine Full 1/2 TM 2 No"),
        ("`x`", TYPOGRAPHIC, "'x'"),
        ("ąćęłńśźż", TYPOGRAPHIC, None),
        ("Zażółć gęślą jaźń", LATIN, "Zazolc gesla jazn"),
        ("Tiếng Việt đẹp", LATIN, "Tieng Viet dep"),
        ("Größe, señor, façade", LATIN, "Größe, señor, facade"),
        ("q\u0301", LATIN, "q"),
        ("Привет", LATIN, None),
        ("Привет", ALL, "Privet"),
        ("Καλημέρα", ALL, "Kalimera"),
        ("{€}", ALL, "{€}"),
        ("\x07", ALL, None),
        ("a\U000f0000", ALL, None),
    ],
)
def test_levels(text: str, level: Transliteration, plain: str | None) -> None:
    """Each level replaces its own kind, leaves what GSM 03.38 has, and gives up on anything else."""
    assert transliterate(text, GSM_DEFAULT, level) == plain


def test_the_table_leads_into_the_alphabet() -> None:
    """No typographic replacement needs another one, and none is of a character that GSM 03.38 has."""
    for code_point, plain in _TYPOGRAPHIC.items():
        assert chr(code_point) not in GSM_DEFAULT
        assert GSM_DEFAULT.missing(plain) == ""


@given(st.text(), st.sampled_from(Transliteration))
def test_once_is_enough(text: str, level: Transliteration) -> None:
    """What comes out is sayable and does not change again; what was sayable stays."""
    plain = transliterate(text, GSM_DEFAULT, level)
    if not GSM_DEFAULT.missing(text):
        assert plain == text
    if plain is not None:
        assert GSM_DEFAULT.missing(plain) == ""
        assert transliterate(plain, GSM_DEFAULT, level) == plain


def test_a_heap_of_accents_is_given_up() -> None:
    """Sorting them by their classes would take long; nobody writes so."""
    assert transliterate("a" * 500 + "\u0316\u0301" * 15, GSM_DEFAULT, LATIN) is not None
    assert transliterate("a" * 500 + "\u0316\u0301" * 16, GSM_DEFAULT, LATIN) is None


def test_memory_is_bounded() -> None:
    """A text of all characters that there are does not stay in memory."""
    table = _Replacements(GSM_DEFAULT, ALL)
    sayable = [c for c in map(chr, range(0x20, 0x20000)) if transliterate(c, GSM_DEFAULT, ALL) is not None]
    assert len(sayable) > KEPT_MAX
    "".join(sayable).translate(table)
    assert len(table) == KEPT_MAX
