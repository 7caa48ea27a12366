"""One spelling for texts that read alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import as_it_looks, folded, readings


@pytest.mark.parametrize(
    "written",
    [
        "Pay Pal",
        "PAY\u00a0 PAL",
        "ＰＡＹ ＰＡＬ",
        "pa\u200by p\u00adal",
        "\u202epay\ufeff pal",
        "pay\n\tpal",
        "p\u034fay\ufe0f pal",
        "𝐩𝐚𝐲 𝓅𝒶𝓁",
    ],
)
def test_spellings_of_one_text_fold_to_one(written: str) -> None:
    """Case, width, style, invisible characters and kinds of white space make no difference."""
    assert folded(written) == "pay pal"
    assert readings(written) == ("pay pal",)


@pytest.mark.parametrize("written", ["рaypal", "раураl", "paypäl", "PАYPАL", "pαypal", "ρaypal"])
def test_a_borrowed_letter_is_found_in_the_second_reading(written: str) -> None:
    """Letters of other scripts that look like Latin ones, and accents, are seen through."""
    first, second = readings(written)
    assert first == folded(written) != second
    assert second == "paypal"


def test_words_of_another_script_stay_in_the_first_reading() -> None:
    """A rule that is written in Russian finds Russian."""
    assert readings("Перевод денег")[0] == "перевод денег"


def test_accents_that_belong_to_a_word_are_kept_in_the_first_reading() -> None:
    """Composed and decomposed letters are one."""
    assert folded("Café") == folded("Cafe\u0301") == "café"


@given(st.text(max_size=80))
def test_folding_again_changes_nothing(text: str) -> None:
    """What is folded is folded, whatever the text."""
    for reading in readings(text):
        assert readings(reading)[0] == folded(folded(reading))
    assert folded(folded(text)) == folded(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_has_one_reading(text: str) -> None:
    """Most texts are looked through once."""
    assert len(readings(text)) == 1
    assert as_it_looks(folded(text)) == folded(text)


def test_folding_takes_linear_time() -> None:
    """J21: a text of combining marks alone, which are slow to put in order, is cut to what a letter can bear."""
    marks = "e" + "\u0301\u0316" * 16_000
    assert len(folded(marks)) < 40
    assert len(readings("a" * 30_000 + marks)[-1]) < 30_040


def test_a_long_text_does_not_grow_in_folding() -> None:
    """J21: no character becomes eighteen."""
    assert len(folded("\ufdfa" * 30_000 + "e")) < 30_000
    assert "\u0635" in folded("\ufdfa")
