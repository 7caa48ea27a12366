"""Decides whether a bind is let in: credentials, where it comes from and how, and the account being enabled.

All refusals are alike to the peer. Every bind that is looked at costs one argon2 hash, be the system_id unknown, the
network a foreign one or the account disabled: then a decoy is hashed that costs what the account's own hash would
(an unknown system_id has the cost of some account). Binds that are banned (:mod:`smsagg.policy.bind_failures`) cost
none, but are answered at the instant at which a wrong password would be.

Hashing runs in threads, a few at a time, so that a thousand binds at once delay no traffic; accounts that name the
peer's network as their own, or were right from its address before, have a place in a lane of their own, which strangers
cannot fill. Who is banned while he waits for his turn is not hashed any more. A hash that has begun is finished and
counted though the peer be gone.

A password that was right is remembered as a keyed digest for as long as its hash stays the same: an ESME that binds
again costs nothing. Binds with the same credentials from one address that come while these are being checked share
that one check, so that an ESME that comes back with all its sessions after a restart costs one hash, and so does one
that comes back with all of them and a wrong password, which is one failure, too.

An account in rotation has two passwords, the new and the old one. Then every bind that is wrong costs two hashes,
whosever it is.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import argon2
import structlog
import trio
from attrs import define, field

from smsagg.config.passwords import HASHER
from smsagg.config.schema import AccountSettings, BindFailureSettings
from smsagg.engine.accounts import Account
from smsagg.esme.peer import Peer
from smsagg.observe.log import RateLimitedLog
from smsagg.policy.bind_failures import BindFailures
from smsagg.policy.networks import Network, is_within, parse_network, subscriber_of

HASHES_AT_ONCE = 2
REMEMBERED_MAX = 10_000

_Cost = tuple[Any, ...]
_CheckKey = tuple[bytes, tuple[str, ...], str]


class BindRefusal(StrEnum):
    """Why a bind was not let in: for the log and the metrics, never for the peer."""

    CREDENTIALS = "credentials"
    DISABLED = "disabled"
    NETWORK = "network"
    PLAINTEXT = "plaintext"
    CERTIFICATE = "certificate"
    BANNED = "banned"
    BINDS_MAX = "binds_max"


@define(eq=False)
class _Check:
    """A hash that is being computed. Whoever computes it may be cancelled while he waits for his turn; then it is
    not ``is_over`` when it is ``done``."""

    done: trio.Event = field(factory=trio.Event)
    is_over: bool = False
    refusal: BindRefusal | None = None


@define(frozen=True)
class _Attempt:
    """A bind request as it is judged."""

    system_id: str
    password: str
    password_hashes: tuple[str, ...]
    """One of them is to be the password's."""
    subscriber: str
    is_listed: bool
    """The account names the peer's network as its own."""


class Authenticator:
    """Checks binds against the configured accounts."""

    def __init__(self, accounts: Iterable[Account], failures: BindFailureSettings | None = None) -> None:
        self._by_system_id: dict[str, Account]
        self._networks: dict[str, tuple[Network, ...]]
        failures = failures or BindFailureSettings()
        self._failures = BindFailures(failures)
        self._hasher = HASHER
        self._decoys = _Decoys()
        self._lane = trio.CapacityLimiter(HASHES_AT_ONCE)
        self._tenants_lane = trio.CapacityLimiter(1)
        self._digest_key = os.urandom(32)
        self._remembered: dict[bytes, str] = {}
        self._checks: dict[_CheckKey, _Check] = {}
        self._log = RateLimitedLog(structlog.get_logger("smsagg.esme"))
        self.reconfigure(accounts, failures)

    def reconfigure(self, accounts: Iterable[Account], failures: BindFailureSettings) -> None:
        """Check against these accounts from now on. What failed before, and which passwords were right, is remembered.
        Takes its time for hashes of a new cost, unless :meth:`prepare` was called."""
        self._by_system_id = {account.settings.system_id: account for account in accounts}
        self._networks = {
            account.name: tuple(parse_network(network) for network in account.settings.networks)
            for account in self._by_system_id.values()
        }
        self._failures.set_limits(failures)
        self._decoys.reconfigure([account.settings for account in self._by_system_id.values()])

    def prepare(self, accounts: Iterable[AccountSettings]) -> None:
        """Compute in a thread what :meth:`reconfigure` will need for accounts with these settings."""
        self._decoys.prepare(accounts)

    async def authenticate(self, system_id: str, password: str, peer: Peer) -> Account | BindRefusal:
        """The account that these credentials and this peer belong to, or, after the delay it earned, why not."""
        began_at = trio.current_time()
        subscriber = subscriber_of(peer.address)
        account = self._by_system_id.get(system_id)
        barrier = BindRefusal.CREDENTIALS if account is None else self._barrier(account, peer)
        if account is None or barrier is not None:
            attempt = _Attempt(system_id, password, self._decoys.of(account, system_id), subscriber, False)
        else:
            is_listed = bool(self._networks[account.name])
            hashes = self._decoys.with_own(account.settings)
            attempt = _Attempt(system_id, password, hashes, subscriber, is_listed)
        refusal = await self._verify(attempt)
        if refusal is None and account is not None and barrier is None:
            barrier = self.objection(account, peer, system_id, self.proof(system_id, password))
            if barrier is None:
                self._failures.succeeded(subscriber, system_id)
                return account
        await trio.sleep_until(began_at + self._failures.delay_s(subscriber, system_id, trio.current_time()))
        return refusal if refusal is BindRefusal.BANNED else barrier or BindRefusal.CREDENTIALS

    def proof(self, system_id: str, password: str) -> str:
        """The hash by which these credentials were just found right; ``""``: not known."""
        return self._remembered.get(self._digest(system_id, password), "")

    def objection(self, account: Account, peer: Peer, system_id: str, proof: str) -> BindRefusal | None:
        """Why a session that was let in would not be any more; ``proof`` as :meth:`proof` told it then."""
        if self._by_system_id.get(system_id) is not account or proof not in _hashes_of(account.settings):
            return BindRefusal.CREDENTIALS
        return self._barrier(account, peer)

    def bans(self) -> dict[str, float]:
        """Bans in force now: ``bind`` (a system_id at an address) and ``address``."""
        return dict(self._failures.bans(trio.current_time()))

    def _barrier(self, account: Account, peer: Peer) -> BindRefusal | None:
        """What keeps this peer from binding to the account, whatever its password."""
        settings, networks = account.settings, self._networks[account.name]
        if not settings.enabled:
            return BindRefusal.DISABLED
        if networks and not is_within(peer.address, networks):
            return BindRefusal.NETWORK
        if settings.require_tls and not peer.is_encrypted:
            return BindRefusal.PLAINTEXT
        names = settings.certificate_names
        if names and not any(name.lower() in peer.certificate_names for name in names):
            return BindRefusal.CERTIFICATE
        return None

    def _is_banned(self, attempt: _Attempt) -> bool:
        return self._failures.is_banned(
            attempt.subscriber, attempt.system_id, trio.current_time(), is_listed=attempt.is_listed
        )

    async def _verify(self, attempt: _Attempt) -> BindRefusal | None:
        digest = self._digest(attempt.system_id, attempt.password)
        key = digest, attempt.password_hashes, attempt.subscriber
        while not self._is_banned(attempt):
            if self._remembered.get(digest) in attempt.password_hashes:
                return None
            check = self._checks.get(key)
            if check is None:
                return await self._check(key, attempt)
            await check.done.wait()
            if check.is_over:
                return check.refusal
        return BindRefusal.BANNED

    def _digest(self, system_id: str, password: str) -> bytes:
        return hashlib.blake2b(f"{system_id}\0{password}".encode(), key=self._digest_key).digest()

    async def _check(self, key: _CheckKey, attempt: _Attempt) -> BindRefusal | None:
        """Hash, and remember a right password; who waits for the same check has its result, too."""
        check = self._checks[key] = _Check()
        try:
            found = await self._hash(attempt)
            if isinstance(found, BindRefusal):
                check.refusal = found
            else:
                if len(self._remembered) >= REMEMBERED_MAX:
                    self._remembered.clear()
                self._remembered[key[0]] = found
            check.is_over = True
        finally:
            del self._checks[key]
            check.done.set()
        return check.refusal

    async def _hash(self, attempt: _Attempt) -> str | BindRefusal:
        """Wait for a turn and hash; what fails is counted. The hash that is the password's, or why there is none."""
        failures, subscriber, system_id = self._failures, attempt.subscriber, attempt.system_id
        if not failures.begin(subscriber, system_id, trio.current_time()):
            return BindRefusal.BANNED
        is_tenant = attempt.is_listed or failures.is_known(subscriber, system_id)
        try:
            async with self._tenants_lane if is_tenant else self._lane:
                if self._is_banned(attempt):
                    return BindRefusal.BANNED
                found = await trio.to_thread.run_sync(self._verify_in_thread, attempt.password_hashes, attempt.password)
                if not found:
                    self._count_failure(attempt)
        finally:
            failures.end(subscriber, system_id)
        return found or BindRefusal.CREDENTIALS

    def _count_failure(self, attempt: _Attempt) -> None:
        bans = self._failures.failed(attempt.subscriber, attempt.system_id, trio.current_time())
        if bans.of_address:
            self._log.warning("address_banned", peer=attempt.subscriber)
        elif bans.of_bind:
            self._log.warning("bind_banned", peer=attempt.subscriber, system_id=attempt.system_id)

    def _verify_in_thread(self, password_hashes: tuple[str, ...], password: str) -> str:
        """Which of them is the password's; ``""``: none."""
        for password_hash in password_hashes:
            try:
                if self._hasher.verify(password_hash, password):
                    return password_hash
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                continue
        return ""


class _Decoys:
    """Hashes of nobody's password, one for each cost that the accounts' hashes have; and how many a wrong bind costs:
    two while some account is in rotation."""

    def __init__(self) -> None:
        self._costs = [_cost_of("")]
        self._by_cost: dict[_Cost, str] = {}
        self._key = os.urandom(32)
        self._hashes_each = 1

    def reconfigure(self, accounts: Sequence[AccountSettings]) -> None:
        self._costs = [_cost_of(account.password_hash) for account in accounts] or [_cost_of("")]
        self._hashes_each = max((len(_hashes_of(account)) for account in accounts), default=1)
        self.prepare(accounts)

    def prepare(self, accounts: Iterable[AccountSettings]) -> None:
        """From any thread."""
        for cost in {_cost_of(account.password_hash) for account in accounts} or {_cost_of("")}:
            if cost not in self._by_cost:
                self._by_cost[cost] = _hasher_of(cost).hash(os.urandom(16).hex())

    def of(self, account: Account | None, system_id: str) -> tuple[str, ...]:
        """For an account what costs as much as its own hashes; for none what costs as much as those of one of them, and
        for the same ``system_id`` always the same."""
        if account is not None:
            cost = _cost_of(account.settings.password_hash)
        else:
            digest = hashlib.blake2b(system_id.encode(), digest_size=8, key=self._key).digest()
            cost = self._costs[int.from_bytes(digest) % len(self._costs)]
        return (self._by_cost[cost],) * self._hashes_each

    def with_own(self, account: AccountSettings) -> tuple[str, ...]:
        """The account's hashes, and decoys where others have more."""
        own = _hashes_of(account)
        return own + (self._by_cost[_cost_of(own[0])],) * (self._hashes_each - len(own))


def _hashes_of(account: AccountSettings) -> tuple[str, ...]:
    old = account.old_password_hash
    return (account.password_hash, old) if old else (account.password_hash,)


def _cost_of(password_hash: str) -> _Cost:
    """Of a hash that is none the cost of a new one."""
    try:
        cost = argon2.extract_parameters(password_hash)
    except argon2.exceptions.InvalidHashError:
        return HASHER.time_cost, HASHER.memory_cost, HASHER.parallelism, HASHER.hash_len, HASHER.salt_len, HASHER.type
    return cost.time_cost, cost.memory_cost, cost.parallelism, cost.hash_len, cost.salt_len, cost.type


def _hasher_of(cost: _Cost) -> argon2.PasswordHasher:
    time_cost, memory_cost, parallelism, hash_len, salt_len, kind = cost
    return argon2.PasswordHasher(time_cost, memory_cost, parallelism, hash_len, salt_len, type=kind)
