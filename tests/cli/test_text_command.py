"""``smsagg text``: what it says of a text."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from smsagg.cli import main

FAMILY = "👨‍👩‍👧‍👦"


def text(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(main, ["text", *arguments], env={"COLUMNS": "200"}, **options)


def as_json(*arguments: str) -> dict[str, Any]:
    result = text(*arguments, "--json")
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = json.loads(result.output)
    return facts


def test_a_plain_text() -> None:
    """One segment of septets, nothing odd."""
    result = text("hello {world}")
    assert result.exit_code == 0
    for words in ("GSM 03.38 (data_coding 0)", "15, 160 fit a segment", "145 septets in the last segment"):
        assert words in result.output
    assert "sent as" not in result.output


def test_what_forced_the_alphabet_is_named() -> None:
    """The characters, by their names."""
    result = text("it’s 😀")
    assert "UCS-2 (data_coding 8)" in result.output
    assert "’ (U+2019 RIGHT SINGLE QUOTATION MARK)" in result.output
    assert "(U+1F600 GRINNING FACE)" in result.output


def test_transliteration_shows_what_is_sent() -> None:
    """And what it replaced."""
    result = text("it’s đẹp", "--encoding", "smart")
    assert "GSM 03.38 (data_coding 0)" in result.output
    assert "it's dep" in result.output
    assert "U+2019" in result.output


def test_json() -> None:
    """All facts, and the octets of each segment."""
    facts = as_json("Şş" * 80, "--language", "turkish")
    assert facts["alphabet"] == "gsm"
    assert (facts["locking_shift"], facts["single_shift"]) == ("turkish", None)
    assert (facts["units"], facts["units_per_segment"], facts["remaining_units"]) == (160, 149, 138)
    assert [segment["units"] for segment in facts["segments"]] == [149, 11]
    assert facts["segments"][0]["body"] == "1c1d" * 74 + "1c"
    assert facts["forced_by"][0] == {
        "character": "Ş",
        "code_point": "U+015E",
        "name": "LATIN CAPITAL LETTER S WITH CEDILLA",
        "count": 80,
    }


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ((), "“Việt”"),
        (("--encoding", "as_is"), "“Việt”"),
        (("--encoding", "smart"), '"Viet"'),
        (("--transliterate",), '"Viet"'),
        (("--encoding", "smart", "--transliterate", "none"), "“Việt”"),
        (("--language", "hindi"), "“Việt”"),
    ],
)
def test_how_far_it_goes(options: tuple[str, ...], sent: str) -> None:
    """Nothing is replaced unasked."""
    assert as_json("“Việt”", *options)["text"] == sent


def test_standard_input() -> None:
    """ "-" reads it; the last line end is not part of the text."""
    assert json.loads(text("-", "--json", input=f"{FAMILY}\nx\n").output)["text"] == f"{FAMILY}\nx"


def test_what_cannot_be() -> None:
    """GSM 03.38 demanded in vain, and options that contradict each other."""
    result = text("a字", "--coding", "gsm")
    assert (result.exit_code, "字 (U+5B57" in result.output) == (2, True)
    assert text("a", "--encoding", "as_is", "--transliterate", "all").exit_code == 2
    assert text("a", "--language", "klingon").exit_code == 2


def test_markup_and_control_characters_are_shown_as_they_are() -> None:
    """A text is not rich markup, nor does it drive the terminal."""
    result = text("[bold]x[/bold]\x07\x1b[2J")
    assert result.exit_code == 0
    assert "[bold]x[/bold]\\x07\\x1b[2J" in result.output
    assert "\x1b[2J" not in result.output
