"""The versions of the configuration that were in force, kept in the store as entities.

| Kind | Key | Value |
|---|---|---|
| ``config_version`` | number, ten digits | a :class:`Version` in JSON |
| ``config_document`` | SHA-256 of the text | the text without secrets, compressed |
| ``config_key`` | ``marks`` | the key of the marks in place of secrets |

A text that does not change from version to version is kept once. The last :data:`KEPT` versions stay, with the texts
that they name. A number grows by one with each version and is never used again.
"""

import os
import zlib
from collections.abc import Mapping
from typing import Any

import orjson
from attrs import asdict, define, field

from smsagg.config.documents import DigestOf, Documents, digest_of_all, digest_of_text, digests_with, redacted
from smsagg.errors import ControlError
from smsagg.store.base import Changes, EntityUpdate, Store

KEPT = 100
KEY_OCTETS = 32

VERSION, DOCUMENT, KEY = "config_version", "config_document", "config_key"


@define(frozen=True)
class Version:
    """One configuration that was put in force."""

    number: int
    at: int
    """UTC milliseconds."""
    by: str
    """``start``, ``SIGHUP``, ``unix:ann``, ``rollback to 7 by unix:ann``."""
    digest: str
    """Of all documents, hexadecimal."""
    summary: str
    waiting: tuple[str, ...] = ()
    """Keys that differed from what was in force and need a restart."""
    main: str = ""
    """The name of the main file."""
    documents: Mapping[str, str] = field(factory=dict)
    """By name of the file the digest of its text."""


class Versions:
    """What the store has, the heads in memory: at most :data:`KEPT` of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[int, Version] = {}
        self._key = b""
        self._has_key = False

    @property
    def all(self) -> list[Version]:
        """The oldest first."""
        return [self._kept[number] for number in sorted(self._kept)]

    @property
    def latest(self) -> Version | None:
        """The one that was put in force last, by this process or one before."""
        return self._kept[max(self._kept)] if self._kept else None

    @property
    def next_number(self) -> int:
        """Of the version that comes next."""
        return max(self._kept, default=0) + 1

    @property
    def digest_of(self) -> DigestOf:
        """Makes the marks in place of secrets."""
        return digests_with(self._key)

    async def load(self) -> None:
        """Read what there is; once, first. Raises StoreError."""
        for _, value in await self._store.load_entities(VERSION):
            version = _read(value)
            self._kept[version.number] = version
        keys = await self._store.find_entities(KEY, ["marks"])
        self._has_key = "marks" in keys
        self._key = keys.get("marks") or os.urandom(KEY_OCTETS)

    def find(self, number: int) -> Version:
        """Raises ControlError when it is not kept."""
        version = self._kept.get(number)
        if version is None:
            known = f"from {min(self._kept)} to {max(self._kept)}" if self._kept else "none"
            raise ControlError(f"version {number} is not kept; there are {known}")
        return version

    async def texts_of(self, version: Version) -> dict[str, str]:
        """Its documents by name, the main file with marks in place of secrets. Raises StoreError, ControlError."""
        found = await self._store.find_entities(DOCUMENT, list(version.documents.values()))
        missing = [name for name, digest in version.documents.items() if digest not in found]
        if missing:
            raise ControlError(f"the store has lost documents of version {version.number}: {', '.join(missing)}")
        return {name: zlib.decompress(found[digest]).decode() for name, digest in version.documents.items()}

    def prepare(self, documents: Documents) -> "Prepared":
        """What is to be known of documents before a version is made of them; takes its time, from any thread."""
        safe = redacted(documents, self.digest_of)
        digests = {name: digest_of_text(text) for name, text in safe.texts.items()}
        known = {digest for version in list(self._kept.values()) for digest in version.documents.values()}
        packed = {
            digests[name]: zlib.compress(text.encode())
            for name, text in safe.texts.items()
            if digests[name] not in known
        }
        return Prepared(documents, digest_of_all(safe.texts), digests, packed)

    def add(
        self, prepared: "Prepared", by: str, summary: str, waiting: tuple[str, ...], now: int
    ) -> tuple[Version, Changes]:
        """The next version, and what makes it durable."""
        number = self.next_number
        version = Version(number, now, by, prepared.digest, summary, waiting, prepared.documents.main, prepared.digests)
        entities = [EntityUpdate(VERSION, _key_of(number), orjson.dumps(asdict(version)))]
        entities += [EntityUpdate(DOCUMENT, digest, packed) for digest, packed in prepared.packed.items()]
        if not self._has_key:
            entities.append(EntityUpdate(KEY, "marks", self._key))
            self._has_key = True
        self._kept[number] = version
        entities += self._drop_old()
        return version, Changes(entities=entities)

    def _drop_old(self) -> list[EntityUpdate]:
        dropped = [self._kept.pop(number) for number in sorted(self._kept)[:-KEPT]]
        named = {digest for version in self._kept.values() for digest in version.documents.values()}
        unnamed = {digest for version in dropped for digest in version.documents.values()} - named
        return [
            *(EntityUpdate(VERSION, _key_of(version.number), None) for version in dropped),
            *(EntityUpdate(DOCUMENT, digest, None) for digest in sorted(unnamed)),
        ]


@define(frozen=True)
class Prepared:
    """Documents of which a version can be made at once."""

    documents: Documents
    digest: str
    digests: dict[str, str]
    """Of each text without its secrets, by name."""
    packed: dict[str, bytes]
    """By digest, those that the store has not."""


def _key_of(number: int) -> str:
    return f"{number:010d}"


def _read(value: bytes) -> Version:
    record: dict[str, Any] = orjson.loads(value)
    return Version(**(record | {"waiting": tuple(record["waiting"])}))
