"""The first word of a message from a handset, whatever its alphabet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.keyword import fold_keyword
from smsagg.mo.keyword import first_word

UDH = b"\x05\x00\x03\x07\x02\x01"


@pytest.mark.parametrize(
    ("body", "data_coding", "word"),
    [
        (b"STOP", 0, "stop"),
        (b"  Stop now", 0, "stop"),
        (b'"STOP!"', 0, "stop"),
        (b"\x13\x10", 0, "γδ"),  # ΓΔ in GSM 03.38
        (b"\x5bpfel", 0xF0, "äpfel"),
        ("ДА да".encode("utf-16-be"), 8, "да"),
        ("ΣΤΟΠ".encode("utf-16-be"), 8, "στοπ"),
        ("HỦY đăng ký".encode("utf-16-be"), 8, "hủy"),
        ("ＳＴＯＰ".encode("utf-16-be"), 8, "stop"),
        ("退订。".encode("utf-16-be"), 8, "退订"),
        ("वोट 1".encode("utf-16-be"), 8, "वोट"),
        (b"STRASSE", 1, "strasse"),
        ("Straße".encode("latin-1"), 3, "strasse"),
        ("Ня".encode("iso8859_5"), 6, "ня"),
        (b"STOP", 4, ""),
        (b"STOP", 0xF4, ""),
        (b"", 0, ""),
        (b" \n", 0, ""),
        (b"???", 0, "???"),
    ],
)
def test_first_words(body: bytes, data_coding: int, word: str) -> None:
    """Of any script, folded; of binary bodies there is none."""
    assert first_word(body, data_coding, 0) == word


def test_a_user_data_header_is_no_text() -> None:
    """It is left out, and a broken one leaves no text to be believed."""
    assert first_word(UDH + b"stop", 0, 0x40) == "stop"
    assert first_word(b"\xffstop", 0, 0x40) == ""


def test_composed_and_decomposed_letters_are_equal() -> None:
    """Handsets write either form."""
    assert fold_keyword("hủy") == fold_keyword("hu\u0309y")


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))
def test_no_octets_break_it(body: bytes, data_coding: int, esm_class: int) -> None:
    """Any body gives a folded word or none."""
    word = first_word(body, data_coding, esm_class)
    assert word.split() in ([word], [])


@given(st.text(min_size=1))
def test_folding_is_idempotent(word: str) -> None:
    """A folded keyword folds to itself, so that routes and words meet."""
    once = fold_keyword(word)
    assert fold_keyword(once) == once
