"""GSM 03.38 and the national language tables: every cell, both ways, and what receivers must do with the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import GSM_DEFAULT, Language, gsm_alphabet
from smsagg.text.gsm import GsmAlphabet
from smsagg.text.gsm_tables import LOCKING_SHIFT, SINGLE_SHIFT

ESC = b"\x1b"
ALPHABETS = [
    gsm_alphabet(locking, single) for locking in (None, *LOCKING_SHIFT) for single in (None, *SINGLE_SHIFT)
]  # fmt: skip


@pytest.mark.parametrize("alphabet", ALPHABETS, ids=lambda a: f"{a.locking or 0:d}-{a.single or 0:d}")
def test_every_cell_round_trips(alphabet: GsmAlphabet) -> None:
    """What a septet, alone or after an escape, decodes to encodes to the same or to something shorter."""
    for octets in [bytes((i,)) for i in range(128) if i != 0x1B] + [ESC + bytes((i,)) for i in range(128)]:
        text = alphabet.decode(octets)
        assert len(text) == 1
        if text != "\ufffd":
            encoded = alphabet.encode(text)
            assert alphabet.decode(encoded) == text
            assert len(encoded) <= len(octets)


@pytest.mark.parametrize("alphabet", ALPHABETS, ids=lambda a: f"{a.locking or 0:d}-{a.single or 0:d}")
def test_every_character_of_the_tables_is_found(alphabet: GsmAlphabet) -> None:
    """Characters that need an escape have two septets, the others one."""
    for i in range(128):
        if i != 0x1B and (character := alphabet.decode(bytes((i,)))) != "\ufffd":
            assert character in alphabet
            assert character not in alphabet.two_septets
    for character in alphabet.two_septets:
        assert alphabet.encode(character)[:1] == ESC
        assert len(alphabet.encode(character)) == 2


def test_default_alphabet() -> None:
    """The 127 characters of 3GPP TS 23.038 §6.2.1, in order."""
    octets = bytes(i for i in range(128) if i != 0x1B)
    assert GSM_DEFAULT.decode(octets) == (
        "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
        "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
    )


def test_extension() -> None:
    """The ten characters of §6.2.1.1."""
    assert GSM_DEFAULT.two_septets == set("\f^{}\\[~]|€")
    assert GSM_DEFAULT.encode("{€}") == b"\x1b\x28\x1b\x65\x1b\x29"


@pytest.mark.parametrize(
    ("text", "locking", "single", "octets"),
    [
        ("ŞşĞğİı", None, Language.TURKISH, "1b53 1b73 1b47 1b67 1b49 1b69"),
        ("ŞşĞğİı€ç", Language.TURKISH, None, "1c 1d 0b 0c 40 07 04 60"),
        ("ÁÍÓÚáíóúç", None, Language.SPANISH, "1b41 1b49 1b4f 1b55 1b61 1b69 1b6f 1b75 1b09"),
        ("ãõçê€", None, Language.PORTUGUESE, "1b7b 1b7c 1b09 1b05 1b65"),
        ("ãõçêÃÕ€", Language.PORTUGUESE, None, "7b 7c 09 04 5b 5c 18"),
        ("নমস্কার", Language.BENGALI, None, "2f 42 4c 5f 15 50 44"),
        ("नमस्ते", Language.HINDI, None, "2f 42 4c 5f 27 59"),
        ("१२३।", None, Language.HINDI, "1b1d 1b1e 1b1f 1b19"),
        ("Hi", Language.HINDI, Language.HINDI, "1b48 69"),
        ("தமிழ்", Language.TAMIL, None, "27 42 51 48 5f"),
        ("ಟಠಡ", Language.KANNADA, None, "22 23 24"),
        ("௧௮௯", None, Language.TAMIL, "1b1d 1b24 1b25"),
        ("اردو", Language.URDU, None, "00 25 1a 53"),
        ("€", None, Language.TELUGU, "1b65"),
    ],
)
def test_known_vectors(text: str, locking: Language | None, single: Language | None, octets: str) -> None:
    """Words of the languages, by the codes of annex A."""
    alphabet = gsm_alphabet(locking, single)
    assert alphabet.encode(text) == bytes.fromhex(octets)
    assert alphabet.decode(bytes.fromhex(octets)) == text


def test_spanish_has_no_locking_shift() -> None:
    """§A.3.2 is void."""
    with pytest.raises(KeyError):
        gsm_alphabet(Language.SPANISH)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"\x1ba", "a"),  # §6.2.1.1: the character of the main table
        (b"\x1b\r", "\r"),
        (b"\x1b\x1b", " "),  # reserved for another extension table
        (b"a\x1b", "a "),
        (b"\x1b\x1be", " e"),
        (b"\x80\xff", "\ufffd\ufffd"),
        (b"\x1b\xe9x", "\ufffdx"),
        (b"", ""),
    ],
)
def test_what_is_not_defined(octets: bytes, text: str) -> None:
    """Unknown escapes read as the specification says; nothing fails."""
    assert GSM_DEFAULT.decode(octets) == text


def test_an_undefined_escape_of_a_locking_shift() -> None:
    """It is read from the locking shift table, not from the default alphabet."""
    assert gsm_alphabet(Language.TURKISH).decode(b"\x1b\x0b") == "Ğ"


@given(st.binary(max_size=300), st.sampled_from(ALPHABETS))
def test_decoding_never_fails(octets: bytes, alphabet: GsmAlphabet) -> None:
    """And gives one character an octet or escape."""
    assert len(octets) / 2 <= len(alphabet.decode(octets)) <= len(octets)


@given(st.data(), st.sampled_from(ALPHABETS))
def test_text_round_trips(data: st.DataObject, alphabet: GsmAlphabet) -> None:
    """What an alphabet has, it gives back."""
    characters = [c for i in range(128) if (c := alphabet.decode(bytes((i,)))) != "\ufffd"]
    text = data.draw(st.text(st.sampled_from([*characters, *sorted(alphabet.two_septets)])))
    assert alphabet.decode(alphabet.encode(text)) == text
    assert len(alphabet.encode(text)) == len(text) + sum(c in alphabet.two_septets for c in text)
    assert alphabet.missing(text) == ""


@given(st.text())
def test_missing_characters(text: str) -> None:
    """Encoding fails exactly when something is missing, and each is named once."""
    missing = GSM_DEFAULT.missing(text)
    assert len(set(missing)) == len(missing)
    assert set(missing) == {c for c in text if c not in GSM_DEFAULT}
    if missing:
        with pytest.raises(UnicodeEncodeError):
            GSM_DEFAULT.encode(text)
    else:
        GSM_DEFAULT.encode(text)
