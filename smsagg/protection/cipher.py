"""Seals octets under a key and opens them again, or says that they are not what was sealed.

Theory of operation. What is sealed begins with the id of its key, so several keys open while only the newest seals.
It is bound to a *context*, a constant of the place where it is kept: what was sealed as a body opens as nothing else.

===========  ==================================  ===================================================================
form         octets                              for
===========  ==================================  ===================================================================
seal         id 4, nonce 12, data, tag 16        texts, secrets: AES-256-GCM-SIV (RFC 8452)
digest       id 4, HMAC-SHA-256 32               what is only ever compared: codes
===========  ==================================  ===================================================================

GCM-SIV, since plain GCM with random nonces is sound for 2³² values a key, 25 days at 2,000 messages a second; here a
nonce that comes twice tells at most that two values are equal.
"""

import base64
import hmac
import re
from collections.abc import Callable, Sequence

from attrs import define
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from smsagg.errors import SealError
from smsagg.protection.key import ID_OCTETS, Key

NONCE_OCTETS = 12
DIGEST_OCTETS = ID_OCTETS + 32
TOKEN_PREFIX = "sealed:"
_TOKEN = re.compile(rb"sealed:([A-Za-z0-9.-]+):((?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/=]{4})")


def key_ids_of_tokens(document: bytes) -> list[bytes]:
    """The keys of the tokens in ``document``, one for each."""
    return [Cipher.key_id_of(base64.b64decode(token[2])) for token in _TOKEN.finditer(document)]


@define(frozen=True)
class _Engines:
    """What one key does."""

    key_id: bytes
    random: AESGCMSIV
    digest_key: bytes


class Cipher:
    """See the module. ``keys`` are the newest first; ``entropy`` gives so many random octets."""

    def __init__(self, keys: Sequence[Key], entropy: Callable[[int], bytes]) -> None:
        assert keys
        self._entropy = entropy
        self._engines = {key.key_id: _engines(key) for key in keys}
        assert len(self._engines) == len(keys), "a key came twice"
        self._newest = self._engines[keys[0].key_id]
        self.key_ids = tuple(self._engines)
        """The newest first."""
        self.has_sealed = False
        """Whether the newest key has been used to seal or to digest: what it made may be kept somewhere."""

    @property
    def key_id(self) -> bytes:
        """Of the key that seals."""
        return self._newest.key_id

    @staticmethod
    def key_id_of(sealed: bytes) -> bytes:
        """Of the key with which something was sealed or digested."""
        return sealed[:ID_OCTETS]

    def seal(self, data: bytes, context: bytes) -> bytes:
        """``data`` for :meth:`open` with the same context; 32 octets longer, and different each time."""
        self.has_sealed = True
        nonce = self._entropy(NONCE_OCTETS)
        return self._newest.key_id + nonce + self._newest.random.encrypt(nonce, data, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed; raises :class:`SealError`."""
        engines = self._named(sealed)
        try:
            start = ID_OCTETS + NONCE_OCTETS
            return engines.random.decrypt(sealed[ID_OCTETS:start], sealed[start:], context)
        except (InvalidTag, ValueError) as error:
            raise SealError("what was sealed has been changed") from error

    def digest(self, data: bytes, context: bytes) -> bytes:
        """36 octets from which nobody without the key can guess ``data``, however few it could be."""
        self.has_sealed = True
        return _digest(self._newest, data, context)

    def is_digest_of(self, digest: bytes, data: bytes, context: bytes) -> bool:
        """Whether ``digest`` is that of ``data``, in constant time; raises :class:`SealError` for an unknown key."""
        return hmac.compare_digest(_digest(self._named(digest), data, context), digest)

    def seal_text(self, text: str, context: str) -> str:
        """A token for documents, ``sealed:CONTEXT:BASE64``, in which a change of keys finds it; ``context`` is of
        letters, digits, ``.`` and ``-``."""
        return f"{TOKEN_PREFIX}{context}:{base64.b64encode(self.seal(text.encode(), context.encode())).decode()}"

    def open_text(self, token: str, context: str) -> str:
        """The text again; raises :class:`SealError`."""
        prefix = f"{TOKEN_PREFIX}{context}:"
        if not token.startswith(prefix):
            raise SealError("this was not sealed here")
        try:
            sealed = base64.b64decode(token[len(prefix) :], validate=True)
        except ValueError as error:
            raise SealError("what was sealed has been changed") from error
        return self.open(sealed, context.encode()).decode()

    def reseal_tokens(self, document: bytes) -> bytes:
        """``document`` with each of its tokens sealed by the newest key; those that cannot be opened stay."""
        return _TOKEN.sub(self._resealed_token, document)

    def _resealed_token(self, token: re.Match[bytes]) -> bytes:
        context, sealed = token[1].decode(), base64.b64decode(token[2])
        if self.key_id_of(sealed) == self.key_id:
            return token[0]
        try:
            return self.seal_text(self.open_text(token[0].decode(), context), context).encode()
        except SealError:
            return token[0]

    def _named(self, sealed: bytes) -> _Engines:
        engines = self._engines.get(sealed[:ID_OCTETS])
        if engines is None:
            raise SealError(f"sealed with key {sealed[:ID_OCTETS].hex()}, which is not among the keys")
        return engines


def _engines(key: Key) -> _Engines:
    return _Engines(
        key.key_id,
        AESGCMSIV(key.derive(b"seal", 32)),
        key.derive(b"digest", 32),
    )


def _digest(engines: _Engines, data: bytes, context: bytes) -> bytes:
    framed = len(context).to_bytes(2, "big") + context + data
    return engines.key_id + hmac.digest(engines.digest_key, framed, "sha256")
