"""API keys and OAuth clients that are made at run time, kept in the register.

Keys of the configuration file are not here; a name that one of them has is not free, so that it means one key.
"""

from collections.abc import Callable

from attrs import evolve

from smsagg.clock import Clock
from smsagg.directory.audit import Actor
from smsagg.directory.key import Key, Secret, key_of
from smsagg.directory.secrets import digest_of, new_secret
from smsagg.engine.directory.register import ABSENT, Register, tag_of
from smsagg.errors import RegisterFull

KEYS_MAX = 200
"""Of an account, and of the operator's own."""


class Keyring:
    """Those of one kind: ``key`` or ``client``."""

    def __init__(
        self, kind: str, prefix: str, register: Register, clock: Clock, entropy: Callable[[int], bytes]
    ) -> None:
        """``prefix``: what its secrets begin with."""
        self.kind = kind
        self._prefix = prefix
        self._register = register
        self._clock = clock
        self._entropy = entropy

    def find(self, account: str, name: str) -> Key | None:
        """``None``: there is none."""
        document = self._register.get(self.kind, f"{account}/{name}")
        return None if document is None else key_of(f"{account}/{name}", document)

    def all(self, account: str) -> list[Key]:
        """By name."""
        return [key_of(path, document) for path, document in self._register.all(self.kind, f"{account}/").items()]

    async def create(self, by: Actor, key: Key) -> tuple[Key, str]:
        """Keep ``key`` with a fresh secret, which is told here only; returns after the commit.

        Raises StoreError, StaleValue (the name is taken) and RegisterFull.
        """
        secret = new_secret(self._prefix, self._entropy)
        key = evolve(key, secrets=(Secret(digest_of(secret)),), created_at=self._clock.now_ms(), created_by=by.name)
        if len(self.all(key.account)) >= KEYS_MAX:
            raise RegisterFull(f"there are {KEYS_MAX} already")
        await self._register.put(by, self.kind, key.path, key.document(), tag=ABSENT, action=f"{self.kind}.create")
        return key, secret

    async def rotate(self, by: Actor, account: str, name: str, overlap_ms: int) -> tuple[Key, str] | None:
        """Give a key a fresh secret, which is told here only; the present one is good for ``overlap_ms`` more.
        ``None``: there is no such key. Raises StoreError, and StaleValue when it has changed meanwhile."""
        path = f"{account}/{name}"
        document = self._register.get(self.kind, path)
        if document is None:
            return None
        secret = new_secret(self._prefix, self._entropy)
        key = key_of(path, document).rotated(digest_of(secret), self._clock.now_ms(), overlap_ms)
        action = f"{self.kind}.rotate"
        await self._register.put(by, self.kind, path, key.document(), tag=tag_of(document), action=action)
        return key, secret

    async def revoke(self, by: Actor, account: str, name: str) -> bool:
        """From the commit on it lets nobody in; False: there was no such key. Raises StoreError."""
        return await self._register.delete(by, self.kind, f"{account}/{name}", action=f"{self.kind}.revoke")
