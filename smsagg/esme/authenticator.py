"""Decides whether a bind is let in: credentials, network, and the account being enabled.

A wrong password and an unknown system_id cost the same work (one argon2 hash) and get the same answer. Hashing runs in
threads, a few at a time, so that a thousand binds at once delay no traffic. A password that was right is remembered as
a keyed digest for as long as its hash stays the same: an ESME that binds again costs nothing. Binds with the same
credentials that come while these are being checked share that one check, so that an ESME that comes back with all
its sessions after a restart costs one hash, and so does one that comes back with all of them and a wrong password.
"""

import hashlib
import os
from collections.abc import Iterable

import argon2
import trio
from attrs import define, field

from smsagg.config.passwords import HASHER
from smsagg.engine.accounts import Account
from smsagg.esme.peer import Network, Peer, is_within, parse_network

HASHES_AT_ONCE = 2
REMEMBERED_MAX = 10_000


@define(eq=False)
class _Check:
    """A hash that is being computed; ``is_right`` stays ``None`` when whoever computed it was cancelled."""

    done: trio.Event = field(factory=trio.Event)
    is_right: bool | None = None


class Authenticator:
    """Checks binds against the configured accounts."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_system_id = {account.settings.system_id: account for account in accounts}
        self._networks: dict[str, tuple[Network, ...]] = {
            account.name: tuple(parse_network(network) for network in account.settings.networks)
            for account in self._by_system_id.values()
        }
        self._hasher = HASHER
        self._nobody_hash = self._hasher.hash(os.urandom(16).hex())
        self._limiter = trio.CapacityLimiter(HASHES_AT_ONCE)
        self._digest_key = os.urandom(32)
        self._remembered: dict[bytes, str] = {}
        self._checks: dict[tuple[bytes, str], _Check] = {}

    async def authenticate(self, system_id: str, password: str, peer: Peer) -> Account | None:
        """The account that these credentials and this peer belong to, or ``None``."""
        account = self._by_system_id.get(system_id)
        if account is not None and not self._is_allowed(account, peer):
            account = None
        password_hash = self._nobody_hash if account is None else account.settings.password_hash
        is_right = await self._verify(system_id, password, password_hash)
        return account if account is not None and is_right and account.settings.enabled else None

    def _is_allowed(self, account: Account, peer: Peer) -> bool:
        networks = self._networks[account.name]
        return not networks or is_within(peer.address, networks)

    async def _verify(self, system_id: str, password: str, password_hash: str) -> bool:
        secret = f"{system_id}\0{password}".encode()
        digest = hashlib.blake2b(secret, key=self._digest_key).digest()
        key = digest, password_hash
        while self._remembered.get(digest) != password_hash:
            check = self._checks.get(key)
            if check is None:
                return await self._check(key, password)
            await check.done.wait()
            if check.is_right is not None:
                return check.is_right
        return True

    async def _check(self, key: tuple[bytes, str], password: str) -> bool:
        """Hash, and remember a right password; who waits for the same check has its result, too."""
        check = self._checks[key] = _Check()
        digest, password_hash = key
        try:
            check.is_right = await trio.to_thread.run_sync(
                self._verify_in_thread, password_hash, password, limiter=self._limiter, abandon_on_cancel=True
            )
        finally:
            del self._checks[key]
            check.done.set()
        if check.is_right:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[digest] = password_hash
        return check.is_right

    def _verify_in_thread(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
