"""Keywords are heard however they are written, alone, and where they are spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.consent.keywords import Wish, fold_text
from smsagg.tables.keywords import our_keywords


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("STOP", "GB"),
        (" stop. ", "VN"),
        ("Stop!!", ""),
        ("ＳＴＯＰ", "JP"),
        ("opt-out", "US"),
        ("HUỶ", "VN"),
        ("hủy", "VN"),
        ("Huy", "VN"),
        ("TO'XTATISH", "UZ"),
        ("To‘xtatish", "UZ"),
        ("toʻxtatish", "UZ"),
        ("停止", "CN"),
        ("停止", "JP"),
        ("退订", "CN"),
        ("СТОП", "RU"),
        ("стоп", "UZ"),
        ("DETENER", "MX"),
        ("Parar", "BR"),
        ("ARRÊT", "FR"),
        ("arret", "FR"),
        ("İptal", "TR"),
        ("수신거부", "KR"),
        ("إيقاف", "SA"),
    ],
)
def test_a_stop_is_heard(text: str, country: str) -> None:
    """In the languages of the country, in any spelling."""
    heard = our_keywords().find(text, country)
    assert heard is not None
    assert heard.wish is Wish.STOP


@pytest.mark.parametrize(
    ("text", "country"),
    [("please stop", "GB"), ("stop sending", "GB"), ("HUỶ", "GB"), ("", "GB"), ("!", "GB"), ("stop" * 20, "GB")],
)
def test_anything_else_is_none(text: str, country: str) -> None:
    """More than the word, a word of elsewhere, no word."""
    assert our_keywords().find(text, country) is None


def test_the_language_of_the_word_answers() -> None:
    """Where the word is that of several languages, one of the country."""
    keywords = our_keywords()
    assert [one.language.name for one in (keywords.find("PARAR", c) for c in ("MX", "BR")) if one] == ["es", "pt"]
    stop, start = keywords.find("stop", "VN"), keywords.find("dang ky", "VN")
    assert stop is not None
    assert (stop.wish, stop.language.name) == (Wish.STOP, "en")
    assert start is not None
    assert (start.wish, start.language.name) == (Wish.START, "vi")


@given(st.text(max_size=60))
def test_folding_is_folded(text: str) -> None:
    """What was folded once stays, and case makes no difference to a keyword."""
    folded = fold_text(text)
    assert fold_text(folded) == folded
