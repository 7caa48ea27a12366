"""Senders: who may use which, what becomes of others, and what their TON and NPI are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import SenderSettings
from smsagg.config.senders import NAME_CHARACTERS, is_name, is_number, is_pattern
from smsagg.policy.sender_rules import Sender, SenderRules
from smsagg.text.gsm import GSM_DEFAULT

ALLOWED = ("ACME", "ACME-*", "4477009001*", "53849", "+15550100")


def rules(*allowed: str, **values: Any) -> SenderRules:
    return SenderRules(SenderSettings(allowed=allowed or ALLOWED, **values))


def becomes(address: str, ton: int = 5, npi: int = 0, **values: Any) -> Sender | None:
    return rules(**values).apply(ton, npi, address)


@pytest.mark.parametrize(
    "address", ["ACME", "ACME-", "ACME-Shop", "447700900123", "+447700900199", "53849", "15550100"]
)
def test_what_is_allowed_goes_as_it_is(address: str) -> None:
    """Address, TON and NPI as the submit has them."""
    assert becomes(address, 7, 8) == Sender(7, 8, address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "acme",
        "ACME ",
        " ACME",
        "ACMEX",
        "\u0410CME".encode().decode("latin-1"),
        "\xc0CME",
        "AC\0ME",
        "AC\x10ME",
        "A\u00adCME",
        "4477009002",
        "44770090012345678",
        "00447700900123",
        "\xb2\xb3\xb9",
        "538490",
        "5384",
        "ACME-2345678",
        "ACME-{x}",
    ],
)
def test_what_is_not_allowed_is_refused_or_replaced(address: str) -> None:
    """Another case, blanks, look-alikes from other alphabets, a character more or less, too long, empty, foreign."""
    assert becomes(address) is None
    assert becomes(address, when_not_allowed="replace", default="ACME") == Sender(5, 0, "ACME")
    assert becomes(address, when_not_allowed="replace", default="53849") == Sender(3, 0, "53849")


@pytest.mark.parametrize(("ton", "npi"), [(5, 0), (0, 0), (1, 1), (255, 255)])
def test_ton_does_not_make_a_sender_another_one(ton: int, npi: int) -> None:
    """A foreign number is none of ours because it calls itself a name, nor a brand because it calls itself a number."""
    assert becomes("447700900999", ton, npi) is None
    assert becomes("EVIL", ton, npi) is None
    assert becomes("ACME", ton, npi) == Sender(ton, npi, "ACME")


def test_a_beginning_of_digits_means_numbers_only() -> None:
    """``44*`` is no leave for a name that reads like a number."""
    assert rules("44*").apply(5, 0, "44 7700-9001") is None
    assert rules("44*").apply(5, 0, "447700900123") is not None
    assert rules("A*").apply(5, 0, "A1") is not None
    assert rules("*").apply(5, 0, "44 7700") == Sender(5, 0, "44 7700")


def test_no_sender_becomes_the_default() -> None:
    """Which may be used by name as well; without one it is not allowed, unless everything is."""
    assert becomes("", default="NOTICE") == Sender(5, 0, "NOTICE")
    assert becomes("NOTICE", default="NOTICE") == Sender(5, 0, "NOTICE")
    assert becomes("") is None
    assert SenderRules(SenderSettings()).apply(0, 0, "") == Sender(0, 0, "")


def test_an_empty_list_leaves_the_default_only() -> None:
    """So that all of an account goes out under one sender."""
    one = SenderRules(SenderSettings(allowed=(), default="53849", when_not_allowed="replace"))
    assert {one.apply(5, 0, address) for address in ("", "ACME", "447700900123")} == {Sender(3, 0, "53849")}
    assert one.apply(0, 0, "53849") == Sender(0, 0, "53849")


def test_without_a_list_the_form_decides() -> None:
    """Eleven characters of a name, fifteen digits of a number."""
    free = SenderRules(SenderSettings())
    assert free.apply(5, 0, "Elevenchars") is not None
    assert free.apply(5, 0, "Twelve chars") is None
    assert free.apply(1, 1, "1" * 15) is not None
    assert free.apply(1, 1, "1" * 16) is None


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("ACME", Sender(5, 0, "ACME")),
        ("53849", Sender(3, 0, "53849")),
        ("12345678", Sender(3, 0, "12345678")),
        ("123456789", Sender(1, 1, "123456789")),
        ("447700900123", Sender(1, 1, "447700900123")),
        ("+447700900123", Sender(1, 1, "447700900123")),
        ("+6834000", Sender(1, 1, "6834000")),
        ("07700900123", Sender(2, 1, "07700900123")),
    ],
)
def test_ton_and_npi_by_form(address: str, sender: Sender) -> None:
    """A name, a short code, a number; what begins with 0 says nothing of itself."""
    free = SenderRules(SenderSettings(set_ton_npi=True))
    assert free.apply(2, 1, address) == sender


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=20))
def test_a_list_is_kept_whatever_is_tried(address: str) -> None:
    """What goes through is in the list, letter by letter."""
    sender = rules().apply(5, 0, address)
    plain = address.removeprefix("+")
    is_listed = (
        address in ("ACME", "53849", "+53849")
        or plain == "15550100"
        or (plain.startswith("4477009001") and plain.isascii() and plain.isdigit() and len(plain) <= 15)
        or (address.startswith("ACME-") and is_name(address))
    )
    assert (sender is not None) == is_listed
    assert sender is None or sender.address == address


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=20))
def test_a_replaced_account_sends_from_nothing_else(address: str) -> None:
    """Every submit goes out under a sender of the list."""
    sender = rules(when_not_allowed="replace", default="ACME").apply(5, 0, address)
    assert sender is not None
    assert sender.address == address or sender == Sender(5, 0, "ACME")


def test_names_are_of_the_gsm_alphabet() -> None:
    """Each character is one septet of the default alphabet, and none of its ASCII is left out but the controls."""
    ascii_of_gsm = {chr(code) for code in range(32, 127) if chr(code) in GSM_DEFAULT} - GSM_DEFAULT.two_septets
    assert ascii_of_gsm == NAME_CHARACTERS


@pytest.mark.parametrize("pattern", ["*", "ACME", "ACME*", "ACME *", "+44*", "44*", "53849"])
def test_patterns(pattern: str) -> None:
    """A sender, its beginning, or everything."""
    assert is_pattern(pattern)


@pytest.mark.parametrize("pattern", ["", "**", "A*B", "*A", "+*", "Twelve chars", "[A-Z]+", "caf\xe9", " *", "1" * 16])
def test_no_patterns(pattern: str) -> None:
    """No stars elsewhere, no other alphabets, nothing that no sender can be."""
    assert not is_pattern(pattern)


def test_numbers_and_names_are_two_kinds() -> None:
    """Digits are never a name."""
    for address, kinds in {
        "+1": (True, False),
        "1A": (False, True),
        "": (False, False),
        "\u0661": (False, False),
    }.items():
        assert (is_number(address), is_name(address)) == kinds
