"""What the cipher promises: what is sealed opens with its key and context, and with nothing else."""

import os
from random import Random

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from smsagg.errors import SealError
from smsagg.protection import KEY_OCTETS, Cipher, Key, parse_keys
from smsagg.protection.key import format_keys, new_key

OLD, NEW = Key(bytes(range(32))), Key(bytes(range(1, 33)))


def cipher(*keys: Key) -> Cipher:
    return Cipher(keys or (NEW,), Random(7).randbytes)


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_what_is_sealed_opens_again(data: bytes, context: bytes) -> None:
    """And is not the data itself; twice sealed it is not the same twice."""
    subject = cipher()
    sealed = subject.seal(data, context)
    assert subject.open(sealed, context) == data
    assert len(sealed) == len(data) + 32
    assert subject.seal(data, context) != sealed


@given(st.binary(min_size=1, max_size=40), st.binary(min_size=1, max_size=40))
def test_equal_data_is_sealed_alike(data: bytes, other: bytes) -> None:
    """By which it is found again, whichever key sealed it; other data is not."""
    before, now = cipher(OLD), cipher(NEW, OLD)
    for sealed in (before.seal_same(data, b"number"), now.seal_same(data, b"number")):
        assert now.open_same(sealed, b"number") == data
        assert sealed in now.forms(data, b"number")
        assert (sealed in now.forms(other, b"number")) == (data == other)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_changed_octet_is_noticed(data: bytes, draw: st.DataObject) -> None:
    """Wherever it is."""
    subject = cipher()
    for sealed, opened in (
        (subject.seal(data, b"body"), subject.open),
        (subject.seal_same(data, b"body"), subject.open_same),
    ):
        place = draw.draw(st.integers(0, len(sealed) - 1))
        changed = bytearray(sealed)
        changed[place] ^= draw.draw(st.integers(1, 255))
        with pytest.raises(SealError):
            opened(bytes(changed), b"body")


@given(st.binary(max_size=60))
def test_what_was_never_sealed_is_refused(data: bytes) -> None:
    """Whatever it is, also when it is too short to be anything."""
    for opened in (cipher().open, cipher().open_same):
        with pytest.raises(SealError):
            opened(data, b"body")
        with pytest.raises(SealError):
            opened(NEW.key_id + data, b"body")


def test_another_context_does_not_open() -> None:
    """A text moved to where a number stands stays shut."""
    subject = cipher()
    with pytest.raises(SealError):
        subject.open(subject.seal(b"text", b"body"), b"event")
    with pytest.raises(SealError):
        subject.open_same(subject.seal_same(b"text", b"body"), b"event")


def test_the_newest_key_seals_and_all_open() -> None:
    """What an unknown key sealed is refused with that key's name."""
    old, both, new = cipher(OLD), cipher(NEW, OLD), cipher(NEW)
    assert both.open(old.seal(b"text", b"body"), b"body") == b"text"
    assert new.open(both.seal(b"text", b"body"), b"body") == b"text"
    with pytest.raises(SealError, match=OLD.name):
        new.open(old.seal(b"text", b"body"), b"body")


def test_digests_are_compared_under_their_own_key() -> None:
    """Also after another key has come; other data and other contexts have other digests."""
    digest = cipher(OLD).digest(b"123456", b"code:7")
    both = cipher(NEW, OLD)
    assert both.is_digest_of(digest, b"123456", b"code:7")
    assert not both.is_digest_of(digest, b"123457", b"code:7")
    assert not both.is_digest_of(digest, b"123456", b"code:8")
    assert both.digest(b"7x", b"code:") != both.digest(b"x", b"code:7")
    with pytest.raises(SealError):
        cipher(NEW).is_digest_of(digest, b"123456", b"code:7")


@given(st.text(max_size=40))
def test_tokens_of_documents(text: str) -> None:
    """They say where they belong, and open there only."""
    subject = cipher()
    token = subject.seal_text(text, "webhook.secret")
    assert token.startswith("sealed:webhook.secret:")
    assert subject.open_text(token, "webhook.secret") == text
    with pytest.raises(SealError):
        subject.open_text(token, "totp")
    with pytest.raises(SealError):
        subject.open_text(token.replace("webhook.secret", "totp"), "totp")


@pytest.mark.parametrize("token", ["", "sealed:totp:", "sealed:totp:!", "sealed:totp:AAAA", "whsec_x"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(SealError):
        cipher().open_text(token, "totp")


def test_keys_as_text() -> None:
    """One a line, with comments; what is wrong is told without quoting it."""
    assert parse_keys(f"# made today\n\n{format_keys([NEW, OLD])}") == [NEW, OLD]
    for text in ("", "# nothing", "c2VjcmV0", "not base64", NEW.to_line()[:-4]):
        with pytest.raises(ValueError, match="key") as told:
            parse_keys(text)
        assert text == "" or text not in str(told.value)


def test_keys_show_their_ids_only() -> None:
    """Neither in logs nor in tracebacks is there a key."""
    key = new_key(os.urandom)
    assert len(key.octets) == KEY_OCTETS
    assert repr(key.octets) not in repr(key)
    assert key.to_line() not in repr(key)


def test_derived_keys_are_those_of_rfc_5869() -> None:
    """HKDF-SHA-256, against the library's."""
    for octets in (4, 32, 64):
        assert OLD.derive(b"seal", octets) == HKDF(SHA256(), octets, b"smsagg", b"seal").derive(OLD.octets)
