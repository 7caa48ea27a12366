"""Patterns of operators, by RE2."""

import pytest

from smsagg.text.patterns import PATTERN_CHARACTERS_MAX, Pattern, PatternSet


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a", "missing )"),
        ("(?=a)", "(?="),
        (r"(a)\1", r"\1"),
        ("a" * (PATTERN_CHARACTERS_MAX + 1), "at most"),
        ("(((a{100}){100}){100})", "repetition"),
    ],
)
def test_a_bad_pattern_says_what_is_wrong(pattern: str, reason: str) -> None:
    """Its error is for the operator who wrote it."""
    with pytest.raises(ValueError, match=r"must|is no pattern of RE2") as refused:
        Pattern(pattern)
    assert reason in str(refused.value)
    with pytest.raises(ValueError, match=r"must|is no pattern of RE2"):
        PatternSet(["a", pattern])


def test_a_set_tells_which_of_its_patterns_are_found() -> None:
    """All in one pass, by index."""
    patterns = PatternSet(["b+", "^x", "A", "z$"])
    assert patterns.find("xbbz") == [0, 1, 3]
    assert patterns.find("a") == []
    assert PatternSet(["A"], fold=True).find("a") == [0]
    assert PatternSet([]).find("a") == []


def test_a_dot_is_a_line_end_too() -> None:
    """A line end in a text is no hiding place."""
    assert Pattern("pay.now").is_in("pay\nnow")


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){20}$", "(x+x+)+y"])
def test_no_pattern_takes_more_than_linear_time(pattern: str) -> None:
    """J21: patterns and texts that would keep a backtracking engine busy for years are answered."""
    text = "a" * 30_000 + "x" * 30_000 + "!"
    assert not Pattern(pattern).is_in(text)
    assert PatternSet([pattern]).find(text) == []
