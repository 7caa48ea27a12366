"""Texts with parameters: reading, values, languages, versions."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.templates import (
    BadStep,
    BadValues,
    BadWording,
    Parameter,
    Step,
    Template,
    Version,
    VersionState,
    check_version,
    is_locale,
    preview,
    template_from_record,
    template_record,
)
from smsagg.templates.parameters import WRITTEN
from smsagg.templates.template import STEPS, TEXTS_CHARACTERS_MAX, VERSIONS_MAX
from smsagg.templates.wording import read_wording
from smsagg.text import Rules

PARAMETERS = {
    "name": Parameter("text", max_length=20),
    "count": Parameter("integer"),
    "total": Parameter("decimal"),
    "code": Parameter("code"),
    "day": Parameter("date"),
    "hour": Parameter("time"),
    "at": Parameter("datetime"),
    "link": Parameter("url", hosts=("shop.example",)),
    "size": Parameter("choice", choices=("small", "large")),
}
VALUES: Mapping[str, Any] = {
    "name": "Zoë",
    "count": 12,
    "total": "1234.5",
    "code": "A-1b",
    "day": "2027-01-31",
    "hour": "15:30",
    "at": "2027-01-31T15:30:00+01:00",
    "link": "https://shop.example/o/1",
    "size": "large",
}


def version(texts: Mapping[str, str], parameters: Mapping[str, Parameter], **fields: Any) -> Version:
    default_locale = fields.pop("default_locale", next(iter(texts)))
    values: dict[str, Any] = {"number": 1, "message_type": None, "created_at": 0, "state": VersionState.PENDING}
    return Version(texts=texts, default_locale=default_locale, parameters=parameters, **(values | fields))


def written(type_: str, value: object, locale: str = "en", **settings: Any) -> str:
    return Parameter(type_, **settings).write(value, locale)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("name", "Zoë"), ("count", "12"), ("total", "1.234,50"), ("code", "A-1b"), ("day", "31.01.2027"),
        ("hour", "15:30"), ("at", "31.01.2027 15:30"), ("link", "https://shop.example/o/1"), ("size", "large"),
    ],
)  # fmt: skip
def test_each_type_is_written_as_its_language_does(name: str, text: str) -> None:
    """A value of each type in a German text."""
    assert PARAMETERS[name].write(VALUES[name], "de") == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""), ("name", " "), ("name", "x" * 21), ("name", "a\nb"), ("name", "a\x1bb"), ("name", "a\u202eb"),
        ("name", 5),
        ("count", 1.5), ("count", True), ("count", "1e3"), ("count", "١٢"), ("count", "9" * 19),
        ("total", "1,5"), ("total", "NaN"), ("total", float("inf")), ("total", True),
        ("code", "a b"), ("code", "1" * 21), ("code", 123456),
        ("day", "2027-02-30"), ("day", "31.01.2027"), ("day", "20270131"),
        ("hour", "25:00"), ("hour", "3 pm"), ("at", "2027-01-31T15:30:00"), ("at", "2027-01-31"),
        ("link", "javascript:alert(1)"), ("link", "https://evil.example/"), ("link", "https://shop.example@evil.example/"),
        ("link", "https://shop.example/\n"), ("link", "https://[/"), ("size", "medium"), ("size", None),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    """What a parameter does not take is named, and nothing is written."""
    message = version({"en": f"{{{name}}}"}, {name: PARAMETERS[name]})
    with pytest.raises(BadValues) as caught:
        message.write({name: value}, "en")
    assert list(caught.value.reasons) == [name]


def test_times_hold_no_spaces_that_gsm_lacks() -> None:
    """The narrow space before PM would cost a message half of its length."""
    assert written("time", "15:30", "en-US") == "3:30 PM"
    assert written("decimal", 12345.6, "fr") == "12 345,60"


def test_unknown_and_missing_values_are_all_named() -> None:
    """One answer tells everything that is wrong."""
    message = version({"en": "{name} {count}"}, {name: PARAMETERS[name] for name in ("name", "count")})
    with pytest.raises(BadValues) as caught:
        message.write({"count": "x", "other": 1}, "")
    assert caught.value.reasons.keys() == {"name", "count", "other"}


def test_what_would_be_too_long_is_refused() -> None:
    """Forty texts of five hundred characters are no message."""
    message = version({"en": "{name}" * 40}, {"name": Parameter("text", max_length=500)})
    with pytest.raises(BadValues, match="more than 4000"):
        message.write({"name": "x" * 500}, "")


@given(st.text(min_size=1, max_size=100))
def test_a_value_is_inserted_literally(value: str) -> None:
    """Whatever it says: braces in it make no places, and names in it are no parameters."""
    message = version({"en": "<{name}|{code}>"}, {"name": Parameter("text"), "code": Parameter("code")})
    try:
        text = message.write({"name": value, "code": "1234"}, "")
    except BadValues:
        return
    assert text == f"<{value}|1234>"


@given(st.text(max_size=200))
def test_every_text_is_read_or_refused(text: str) -> None:
    """Nothing else happens, and a text without braces is itself."""
    try:
        wording = read_wording(text)
    except BadWording:
        assert "{" in text or "}" in text
        return
    values = dict.fromkeys(wording.names, "")
    if not wording.names and "{" not in text and "}" not in text:
        assert wording.filled(values) == text


@given(st.text(max_size=200))
def test_braces_written_twice_are_braces(text: str) -> None:
    """Any text can be said."""
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert read_wording(doubled).filled({}) == text


@given(st.sampled_from(sorted(WRITTEN)), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_a_value_of_any_kind_is_written_or_refused(type_: str, value: object) -> None:
    """No value is a crash, and none brings a control character."""
    try:
        text = written(type_, value, "de-AT", choices=("a",))
    except ValueError:
        return
    assert text.isprintable() or "\u200c" in text or "\u200d" in text or " " in text


@pytest.mark.parametrize(
    ("wanted", "found"), [("de-AT", "de-AT"), ("de-CH", "de"), ("fr", "en"), ("", "en"), ("de-Latn-AT", "de")]
)
def test_languages_fall_back(wanted: str, found: str) -> None:
    """From the country to the language, to the default."""
    message = version({"en": "hello", "de": "hallo", "de-AT": "servus"}, {})
    assert message.locale_for(wanted) == found


@pytest.mark.parametrize(("name", "is_one"), [("de", True), ("zh-Hant-HK", True), ("DE", False), ("de_AT", False)])
def test_locales_are_written_in_one_way(name: str, is_one: bool) -> None:
    """So that none is there twice."""
    assert is_locale(name) is is_one


@pytest.mark.parametrize(
    ("texts", "default_locale", "reason"),
    [
        ({"de": "x"}, "en", "no text for en"),
        ({"en": "{name}{other}"}, "en", "none of the parameters"),
        ({"en": "{name}", "de": "x"}, "en", "de: the parameter name has no place"),
        ({"en": "{name} {"}, "en", "single"),
        ({"en": "{na me}"}, "en", "names no parameter"),
        ({"en": "{name.__class__}"}, "en", "names no parameter"),
    ],
)
def test_texts_and_parameters_must_fit(texts: Mapping[str, str], default_locale: str, reason: str) -> None:
    """A version that could not be written is none."""
    with pytest.raises(BadWording, match=reason):
        check_version(texts, default_locale, {"name": Parameter("text")})


def test_the_preview_counts_as_the_text_goes_out() -> None:
    """Septets and segments of one language, units of another."""
    message = version({"en": "Your code: {code}", "vi": "Mã của bạn: {code}"}, {"code": Parameter("code")})
    english, vietnamese = preview(message, {"code": "123456"}, Rules())
    assert (english.alphabet, english.segments, english.length, english.remaining) == ("gsm7", 1, 17, 143)
    assert (vietnamese.alphabet, vietnamese.forced_by, vietnamese.remaining) == ("ucs2", "ãủạ", 52)
    assert [one.locale for one in preview(message, {"code": "1"}, Rules(), "vi-VN")] == ["vi"]


def test_a_version_comes_back_from_its_record() -> None:
    """Everything of it, through JSON."""
    one = version({"en": "".join(f"{{{name}}}" for name in PARAMETERS)}, PARAMETERS, message_type="otp")
    template = Template("order", (one, version({"en": "x"}, {}, number=2, state=VersionState.REJECTED, reason="why")))
    assert template_from_record("order", orjson.loads(orjson.dumps(template_record(template)))) == template


@given(st.lists(st.sampled_from(sorted(Step)), max_size=6))
def test_a_version_goes_through_its_table(steps: list[Step]) -> None:
    """A step that is not in the table is refused and changes nothing; nothing leaves the end states."""
    one = version({"en": "x"}, {}, state=VersionState.DRAFT)
    for step in steps:
        successor = STEPS.get((one.state, step))
        if successor is None:
            with pytest.raises(BadStep):
                one.stepped(step)
        else:
            one = one.stepped(step)
            assert one.state is successor
    assert not any(state in (VersionState.REJECTED, VersionState.RETIRED) for state, _ in STEPS)


def test_the_latest_that_may_be_used_is_in_force() -> None:
    """Where approval is needed only an approved version is; retiring one goes back to the one before."""
    states = [VersionState.APPROVED, VersionState.APPROVED, VersionState.PENDING, VersionState.DRAFT]
    versions = (version({"en": "x"}, {}, number=number, state=state) for number, state in enumerate(states, 1))
    template = Template("t", tuple(versions))

    def numbers() -> list[int | None]:
        found = [template.in_force(needs_approval) for needs_approval in (True, False)]
        return [one and one.number for one in found]

    assert numbers() == [2, 3]
    template = template.stepped(3, Step.REJECT, "no")
    assert numbers() == [2, 2]
    template = template.stepped(2, Step.RETIRE)
    assert numbers() == [1, 1]
    template = template.stepped(1, Step.RETIRE)
    assert numbers() == [None, None]


def test_versions_are_bounded() -> None:
    """One more forgets the oldest that is over; when none is, it is refused."""
    template = Template("t", (version({"en": "x"}, {}, state=VersionState.APPROVED),))
    for number in range(2, VERSIONS_MAX + 1):
        template = template.with_version(version({"en": "x"}, {}, number=number))
    one_more = version({"en": "x"}, {}, number=VERSIONS_MAX + 1)
    with pytest.raises(BadStep):
        template.with_version(one_more)
    template = template.stepped(7, Step.RETIRE).with_version(one_more)
    assert len(template.versions) == VERSIONS_MAX
    assert template.version(7) is None


def test_the_texts_of_a_template_are_bounded() -> None:
    """Many languages, many versions: as with versions, what is over makes room."""
    long = dict.fromkeys([f"a{chr(i)}" for i in range(97, 122)], "x" * 2000)
    template = Template("t", (version(long, {}),))
    for number in range(2, 5):
        template = template.with_version(version(long, {}, number=number))
    assert template.characters == TEXTS_CHARACTERS_MAX
    one_more = version({"en": "x"}, {}, number=5)
    with pytest.raises(BadStep):
        template.with_version(one_more)
    template = template.stepped(2, Step.RETIRE).with_version(one_more)
    assert [kept.number for kept in template.versions] == [1, 3, 4, 5]
    assert template.characters == 150_001
