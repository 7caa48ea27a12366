"""Numbers that the plans of their countries know, or do not."""

import phonenumbers
import pytest
from abuse_bench import Bench

from smsagg.abuse.validity import is_possible, lengths_of, rule_for
from smsagg.routing.prefix import country_of
from smsagg.smpp.status import ESME_RINVDSTADR


@pytest.mark.parametrize(
    ("numbers", "digits", "is_taken"),
    [
        ("off", "4477", True),
        ("possible", "447700900123", True),
        ("possible", "44770090012", True),
        ("possible", "4477009001234", False),
        ("possible", "4470", False),
        ("valid", "447911123456", True),
        ("valid", "442079460000", True),
        ("valid", "440000000000", False),
        ("mobile", "447911123456", True),
        ("mobile", "442079460000", False),
        ("mobile", "12015550123", True),
    ],
)
def test_each_setting_takes_its_numbers(numbers: str, digits: str, is_taken: bool) -> None:
    """By length, by range, by type; others get ESME_RINVDSTADR."""
    answer = Bench(numbers=numbers).send(digits, country=country_of(digits))
    assert (answer is None) == is_taken
    assert answer is None or answer == (ESME_RINVDSTADR, "number_not_valid", "")


def test_every_countrys_example_number_is_possible() -> None:
    """The table of lengths agrees with phonenumbers, for all regions and the codes of none."""
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        digits = f"{example.country_code}{phonenumbers.national_significant_number(example)}"
        assert is_possible(digits, region), region
    assert is_possible("870773111632", "001")


def test_a_country_that_is_not_known_has_all_lengths() -> None:
    """What we know nothing of is not refused for that."""
    assert lengths_of("") == frozenset()
    assert is_possible("9991234567", "")


def test_answers_are_remembered() -> None:
    """A second message to a number costs a look-up."""
    taken = rule_for("valid")
    assert taken is not None
    assert taken("447911123457", "GB")
    assert taken("447911123457", "GB")
