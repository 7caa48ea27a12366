"""What the cipher promises: what is sealed opens with its key and context, and with nothing else."""

import json
import os
from random import Random

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from smsagg.errors import SealError
from smsagg.protection import KEY_OCTETS, Cipher, Key, parse_keys
from smsagg.protection.cipher import key_ids_of_tokens
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


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_changed_octet_is_noticed(data: bytes, draw: st.DataObject) -> None:
    """Wherever it is."""
    subject = cipher()
    changed = bytearray(subject.seal(data, b"body"))
    changed[draw.draw(st.integers(0, len(changed) - 1))] ^= draw.draw(st.integers(1, 255))
    with pytest.raises(SealError):
        subject.open(bytes(changed), b"body")


@given(st.binary(max_size=60))
def test_what_was_never_sealed_is_refused(data: bytes) -> None:
    """Whatever it is, also when it is too short to be anything."""
    for octets in (data, NEW.key_id + data):
        with pytest.raises(SealError):
            cipher().open(octets, b"body")


def test_another_context_does_not_open() -> None:
    """A text moved to where a number stands stays shut."""
    subject = cipher()
    with pytest.raises(SealError):
        subject.open(subject.seal(b"text", b"body"), b"event")


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


@given(st.lists(st.text(max_size=20), max_size=5))
def test_tokens_of_a_document_are_sealed_anew(texts: list[str]) -> None:
    """All of them, each where it stood; what no key opens stays, and so does all else."""
    old, both = cipher(OLD), cipher(NEW, OLD)
    strange = cipher(new_key(os.urandom)).seal_text("?", "totp")
    document = json.dumps(
        {"url": "https://sealed:443/", "of": [old.seal_text(text, "totp") for text in texts] + [strange]}
    )
    resealed = json.loads(both.reseal_tokens(document.encode()))
    assert resealed["url"] == "https://sealed:443/"
    assert [cipher(NEW).open_text(token, "totp") for token in resealed["of"][:-1]] == texts
    assert resealed["of"][-1] == strange
    assert both.reseal_tokens(json.dumps(resealed).encode()) == json.dumps(resealed).encode()
    assert key_ids_of_tokens(json.dumps(resealed).encode())[:-1] == [NEW.key_id] * len(texts)
