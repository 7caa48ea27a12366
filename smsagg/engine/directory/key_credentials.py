"""Lets in whoever shows a key that was made at run time, for as long as it is kept and its user may come in."""

from smsagg.clock import Clock
from smsagg.directory.caller import Caller
from smsagg.directory.key import Key, Secret, key_of
from smsagg.engine.directory import users
from smsagg.engine.directory.credentials import Credential, Credentials
from smsagg.engine.directory.register import Register, Value
from smsagg.engine.directory.request_limit import RequestLimit
from smsagg.engine.directory.users import Users
from smsagg.policy.networks import parse_network

KIND = "key"


class KeyCredentials:
    """Follows keys and users in the register."""

    def __init__(self, register: Register, people: Users, credentials: Credentials, clock: Clock) -> None:
        self._users = people
        self._credentials = credentials
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._keys_of_users: dict[str, set[str]] = {}
        self._limits: dict[str, RequestLimit] = {}
        register.follow(KIND, self._on_key)
        register.follow(users.KIND, self._on_user)

    def _on_key(self, path: str, document: Value | None) -> None:
        if document is not None:
            key = self._keys[path] = key_of(path, document)
            self._keys_of_users.setdefault(f"{key.account}/{key.user}", set()).add(path)
            self._let_in(key)
            return
        key = self._keys.pop(path)
        self._keys_of_users[f"{key.account}/{key.user}"].discard(path)
        self._limits.pop(path, None)
        self._credentials.replace(path, {})

    def _on_user(self, path: str, _document: Value | None) -> None:
        for of_key in self._keys_of_users.get(path, ()):
            self._let_in(self._keys[of_key])

    def _let_in(self, key: Key) -> None:
        role = self._users.role_of(key.account, key.user) if key.user else key.role
        made = {secret.digest: self._credential(key, secret, role) for secret in key.secrets} if role else {}
        self._credentials.replace(key.path, made)

    def _credential(self, key: Key, secret: Secret, role: str) -> Credential:
        name = f"user:{key.user}" if key.user else f"key:{key.name}"
        ends_at, digest = key.good_until(secret), secret.digest
        caller = Caller(key.account, name, key.allowed(role), role, ends_at, user=key.user, credential=digest)
        if key.rate is not None and key.path not in self._limits:
            self._limits[key.path] = RequestLimit("key", key.rate, key.burst, self._clock.monotonic_s())
        before = self._credentials.find(digest)
        used_at = before.used_at if before else 0
        return credential_of(key, caller, self._credentials, self._limits.get(key.path), used_at)


def credential_of(
    key: Key, caller: Caller, credentials: Credentials, limit: RequestLimit | None, used_at: int = 0
) -> Credential:
    """What lets ``caller`` in where ``key`` may be used."""
    networks = tuple(map(parse_network, key.networks))
    return Credential(caller, credentials.place(key.account), networks, key.certificate.lower(), limit, used_at)
