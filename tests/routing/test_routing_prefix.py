"""Country by leading digits, against phonenumbers; the table of prefixes in general against the obvious search."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from smsagg.routing.prefix import COUNTRIES, PrefixTable, country_of
from smsagg.routing.prefixes import PREFIXES

DIGITS = st.text("0123456789", max_size=9)


def longest_match(table: dict[str, str], digits: str) -> str:
    return next((table[digits[:n]] for n in range(len(digits), 0, -1) if digits[:n] in table), "")


def e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


@pytest.mark.parametrize("number_type", PhoneNumberType.values(), ids=PhoneNumberType.to_string)
def test_every_example_number_gets_the_region_that_phonenumbers_gives(number_type: int) -> None:
    """For each region's example numbers, mobile ones above all, both say the same."""
    checked = 0
    for region in phonenumbers.SUPPORTED_REGIONS:
        number = phonenumbers.example_number_for_type(region, number_type)
        if number is not None:
            checked += 1
            assert country_of(e164(number)) == phonenumbers.region_code_for_number(number), (region, e164(number))
    if number_type in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        assert checked > 230


def test_non_geographic_codes_are_region_001() -> None:
    """Satellite and other networks without a country have the region code of the world."""
    for calling_code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        assert country_of(f"{calling_code}12345678") == "001"


@given(st.sampled_from(sorted(PREFIXES)), DIGITS)
def test_no_valid_number_of_a_shared_calling_code_goes_astray(prefix: str, tail: str) -> None:
    """Whatever phonenumbers can place, not only its examples, is placed the same here."""
    try:
        number = phonenumbers.parse(f"+{prefix}{tail}")
    except phonenumbers.NumberParseException:
        return
    region = phonenumbers.region_code_for_number(number)
    if region is not None and e164(number) == prefix + tail:
        assert country_of(prefix + tail) == region


@pytest.mark.parametrize(
    ("digits", "country"),
    [
        ("447400123456", "GB"),
        ("447911123456", "GG"),
        ("447911712345", "GG"),
        ("447624123456", "IM"),
        ("447797712345", "JE"),
        ("79161234567", "RU"),
        ("77011234567", "KZ"),
        ("12125550123", "US"),
        ("14165550123", "CA"),
        ("18765550123", "JM"),
        ("393123456789", "IT"),
        ("390669812345", "VA"),
        ("84912345678", "VN"),
        ("998901234567", "UZ"),
        ("85251234567", "HK"),
        ("4779123456", "SJ"),
        ("358181234567", "AX"),
        ("870123456789", "001"),
        ("9990000000", ""),
        ("44", "GB"),
        ("", ""),
    ],
)
def test_known_numbers(digits: str, country: str) -> None:
    """The numbers that people will try first."""
    assert country_of(digits) == country


def test_the_table_is_small() -> None:
    """Some 370 prefixes cover the world: it is not a list of area codes."""
    assert 350 < len(COUNTRIES) < 400


@given(st.dictionaries(st.text("0123456789", min_size=1, max_size=7), st.text(max_size=3)), DIGITS)
def test_find_is_longest_match(table: dict[str, str], digits: str) -> None:
    """The grouping by three digits changes nothing about the answer."""
    assert PrefixTable(table, "").find(digits) == longest_match(table, digits)


@given(st.text(max_size=6))
@example("1:0")
@example("10:")
def test_find_takes_any_string(digits: str) -> None:
    """Digits have the country of their longest prefix; what is no number harms nothing."""
    country = country_of(digits)
    if digits.isascii() and digits.isdecimal():
        assert country == longest_match(PREFIXES, digits)
    else:
        assert country == "" or country in PREFIXES.values()


@pytest.mark.parametrize("prefix", ["", "4a", "+44", "٤٤"])
def test_a_prefix_is_made_of_ascii_digits(prefix: str) -> None:
    """A table with other keys could never match and is refused."""
    with pytest.raises(ValueError, match="digit prefix"):
        PrefixTable({prefix: "XX"}, "")
