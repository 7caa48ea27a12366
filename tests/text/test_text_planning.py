"""The cheapest way to send a text."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import Alphabet, DoesNotFit, Language, Plan, Rules, Transliteration, gsm_alphabet, plan, text_of

FAMILY = "👨‍👩‍👧‍👦"
AS_WRITTEN = Rules()
LATIN = Rules(Transliteration.LATIN)
ALL = Rules(Transliteration.ALL)
LANGUAGES = st.lists(st.sampled_from(Language), max_size=3, unique=True).map(tuple)
TEXTS = st.one_of(
    st.text(max_size=400),
    st.text("abc €{", max_size=700),
    st.text("abcŞşĞğ", max_size=500),
    st.text("नमस्ते ABC", max_size=400),
    st.lists(st.sampled_from([FAMILY, "e\u0301", "a", "字", "\r\n"]), max_size=100).map("".join),
)


def lengths(text: str, rules: Rules = AS_WRITTEN) -> tuple[Alphabet, int, list[int]]:
    planned = plan(text, rules)
    return planned.alphabet, planned.segment_units, [len(segment) for segment in planned.segments]


@pytest.mark.parametrize(
    ("text", "size", "segments"),
    [
        ("a" * 160, 160, [160]),
        ("a" * 161, 153, [153, 8]),
        ("€" * 80, 160, [80]),
        ("€" * 81, 153, [76, 5]),
        ("", 160, [0]),
    ],
)
def test_gsm(text: str, size: int, segments: list[int]) -> None:
    """160 septets, or 153 in several segments; an escape is never cut."""
    assert lengths(text) == (Alphabet.GSM, size, segments)


@pytest.mark.parametrize(
    ("text", "size", "segments"),
    [
        ("字" * 70, 70, [70]),
        ("字" * 71, 67, [67, 4]),
        ("😀" * 35, 70, [35]),
        ("😀" * 36, 67, [33, 3]),
        (FAMILY * 7, 67, [42, 7]),
        ("Tiếng Việt có dấu " * 5, 67, [67, 23]),
    ],
)
def test_ucs2(text: str, size: int, segments: list[int]) -> None:
    """70 units of 16 bits, or 67; neither pairs nor families are cut."""
    assert lengths(text) == (Alphabet.UCS2, size, segments)


@pytest.mark.parametrize(
    ("text", "language", "size", "pair"),
    [
        ("Şş" * 38, Language.TURKISH, 155, (None, Language.TURKISH)),
        ("Şş" * 70, Language.TURKISH, 155, (Language.TURKISH, None)),
        ("Şş" * 100, Language.TURKISH, 149, (Language.TURKISH, None)),
        ("नमस्ते A" * 16, Language.HINDI, 152, (Language.HINDI, Language.HINDI)),
        ("नमस्ते A" * 30, Language.HINDI, 146, (Language.HINDI, Language.HINDI)),
        ("Coração á" * 10, Language.PORTUGUESE, 155, (None, Language.PORTUGUESE)),
    ],
)
def test_national_tables(
    text: str, language: Language, size: int, pair: tuple[Language | None, Language | None]
) -> None:
    """Each table that the header has to name costs septets: 155 and 149 with one, 152 and 146 with two."""
    planned = plan(text, Rules(languages=(language,)))
    assert (planned.alphabet, planned.segment_units, (planned.locking, planned.single)) == (Alphabet.GSM, size, pair)


def test_national_tables_are_used_only_when_cheaper() -> None:
    """Handsets without them show nonsense, so UCS-2 wins a tie."""
    assert plan("Şişli", Rules(languages=(Language.TURKISH,))).alphabet is Alphabet.UCS2
    assert plan("Sisli" * 30, Rules(languages=(Language.TURKISH,))).elements == b""


def test_elements_name_the_tables() -> None:
    """Single shift 0x24, locking shift 0x25."""
    assert plan("नमस्ते A" * 16, Rules(languages=(Language.HINDI,))).elements == bytes.fromhex("240106 250106")


@pytest.mark.parametrize(
    ("text", "rules", "sent"),
    [
        ("“It’s – fine…”", Rules(Transliteration.TYPOGRAPHIC), '"It\'s - fine..."'),
        ("Tiếng Việt", LATIN, "Tieng Viet"),
        ("cafe\u0301", AS_WRITTEN, "café"),
        ("Привет", LATIN, "Привет"),
        ("Привет", ALL, "Privet"),
        ("Tiếng Việt 😀", LATIN, "Tiếng Việt 😀"),
    ],
)
def test_transliteration(text: str, rules: Rules, sent: str) -> None:
    """All of the text fits GSM 03.38 afterwards, or it stays as it was written."""
    assert plan(text, rules).text == sent


def test_transliteration_that_costs_more_is_left() -> None:
    """Seventy Chinese characters are one segment; their sounds would be two."""
    assert plan("你好" * 35, ALL).alphabet is Alphabet.UCS2
    assert plan("你好" * 35, Rules(Transliteration.ALL, alphabet=Alphabet.GSM)).alphabet is Alphabet.GSM


def test_national_tables_before_transliteration() -> None:
    """What can be said exactly for the same price is said exactly."""
    planned = plan("Şş" * 70, Rules(Transliteration.LATIN, (Language.TURKISH,)))
    assert (planned.text, planned.locking) == ("Şş" * 70, Language.TURKISH)
    planned = plan("Şş" * 80, Rules(Transliteration.LATIN, (Language.TURKISH,)))
    assert (planned.text, planned.locking) == ("Ss" * 80, None)


def test_one_alphabet_only() -> None:
    """UCS-2 can say everything; GSM refuses by name what it lacks."""
    assert plan("a", Rules(alphabet=Alphabet.UCS2)).alphabet is Alphabet.UCS2
    with pytest.raises(DoesNotFit) as caught:
        plan("a字b字", Rules(alphabet=Alphabet.GSM))
    assert caught.value.missing == "字"


def test_what_forced_the_alphabet() -> None:
    """The characters that GSM 03.38 lacks, each once."""
    assert plan("a’b’字", AS_WRITTEN).forced_by == "’字"
    assert plan("abc", AS_WRITTEN).forced_by == ""


def test_remaining_units() -> None:
    """What still fits the last segment."""
    assert plan("a" * 100, AS_WRITTEN).remaining_units == 60
    assert plan("字" * 70, AS_WRITTEN).remaining_units == 0
    assert plan("字" * 71, AS_WRITTEN).remaining_units == 63


def decode(planned: Plan) -> list[str | None]:
    """What a handset reads."""
    if planned.alphabet is Alphabet.GSM:
        alphabet = gsm_alphabet(planned.locking, planned.single)
        return [alphabet.decode(body) for body in planned.bodies]
    return [text_of(body, 8) for body in planned.bodies]


@given(TEXTS, LANGUAGES, st.sampled_from(Transliteration))
def test_segments_are_the_text(text: str, languages: tuple[Language, ...], level: Transliteration) -> None:
    """They join to the text, decode to themselves, fit, and end between clusters."""
    planned = plan(text, Rules(level, languages))
    assert "".join(planned.segments) == planned.text
    readable = tuple(segment.encode("utf-16", "replace").decode("utf-16") for segment in planned.segments)
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert tuple(decode(planned)) == readable
    unit = 1 if planned.alphabet is Alphabet.GSM else 2
    assert all(len(body) <= planned.segment_units * unit for body in planned.bodies)
    clusters = regex.findall(r"\X", planned.text)
    if max(map(len, clusters), default=0) < 60:
        ends = {0}
        for cluster in clusters:
            ends.add(max(ends) + len(cluster))
        assert {sum(map(len, planned.segments[:i])) for i in range(len(planned.segments) + 1)} <= ends


@given(TEXTS, LANGUAGES, st.sampled_from(Transliteration))
def test_no_rule_makes_a_text_dearer(text: str, languages: tuple[Language, ...], level: Transliteration) -> None:
    """More freedom never means more segments."""
    assert len(plan(text, Rules(level, languages)).segments) <= len(plan(text, AS_WRITTEN).segments)


def test_what_transliterates_to_nothing_stays() -> None:
    """A combining mark alone is sent as it is, rather than as an empty text."""
    planned = plan("\u0301", Rules(Transliteration.ALL))
    assert planned.alphabet is Alphabet.UCS2
    assert planned.segments == ("\u0301",)
