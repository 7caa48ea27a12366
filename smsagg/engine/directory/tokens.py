"""Access tokens of OAuth clients (RFC 6749 §4.4): opaque, short-lived, and in memory only, as digests.

A restart forgets them; whoever shows one then is told that it is not known, and fetches another. A client that is no
more takes its tokens with it; a new secret does not.

Memory: :data:`TOKENS_OF_CLIENT_MAX` of a client, whose oldest ends for the next, and as many clients as may be made.
"""

from collections import deque
from collections.abc import Callable
from hmac import compare_digest

from smsagg.clock import Clock
from smsagg.directory.caller import Caller
from smsagg.directory.key import Key, key_of
from smsagg.directory.secrets import TOKEN_PREFIX, digest_of, new_secret
from smsagg.engine.directory.credentials import Credential, Credentials
from smsagg.engine.directory.key_credentials import credential_of
from smsagg.engine.directory.register import Register, Value
from smsagg.engine.directory.request_limit import RequestLimit

KIND = "client"
TOKENS_OF_CLIENT_MAX = 100


class Tokens:
    """Of all clients."""

    def __init__(
        self, register: Register, credentials: Credentials, clock: Clock, entropy: Callable[[int], bytes]
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._entropy = entropy
        self._clients: dict[str, Key] = {}
        self._limits: dict[str, RequestLimit] = {}
        self._issued: dict[str, deque[Credential]] = {}
        self._used_at: dict[str, int] = {}
        """By client: when a token was last shown of those that are forgotten."""
        register.follow(KIND, self._on_client)

    def _on_client(self, path: str, document: Value | None) -> None:
        if document is not None:
            client = self._clients[path] = key_of(path, document)
            if client.rate is not None and path not in self._limits:
                self._limits[path] = RequestLimit("client", client.rate, client.burst, self._clock.monotonic_s())
            return
        del self._clients[path]
        self._limits.pop(path, None)
        self._used_at.pop(path, None)
        for credential in self._issued.pop(path, ()):
            self._credentials.replace(credential.caller.credential, {})

    def client(self, client_id: str, secret: str, address: str, certificate: frozenset[str]) -> Key | None:
        """The client that shows its secret, from where it may; ``None``: nobody is told which of it was wrong."""
        digest, now = digest_of(secret), self._clock.now_ms()
        client = self._clients.get(client_id)
        if client is None:
            return None
        good = [one for one in client.secrets if (end := client.good_until(one)) is None or end > now]
        if not any(compare_digest(one.digest, digest) for one in good):
            return None
        credential = self._credential(client, "", client.allowed(client.role), None)
        is_welcome = credential.place.is_open and credential.admits(address, certificate)
        return client if is_welcome else None

    def issue(self, client: Key, scopes: frozenset[str], ttl_s: float) -> str:
        """A fresh token with some of the client's scopes, good for ``ttl_s`` and no longer than its client."""
        token = new_secret(TOKEN_PREFIX, self._entropy)
        digest, ends_at = digest_of(token), self._clock.now_ms() + int(ttl_s * 1_000)
        issued = self._issued.setdefault(client.path, deque())
        if len(issued) >= TOKENS_OF_CLIENT_MAX:
            oldest = issued.popleft()
            self._used_at[client.path] = max(self._used_at.get(client.path, 0), oldest.used_at)
            self._credentials.replace(oldest.caller.credential, {})
        ends_at = min(ends_at, client.expires_at or ends_at)
        credential = self._credential(client, digest, scopes, ends_at)
        issued.append(credential)
        self._credentials.replace(digest, {digest: credential})
        return token

    def last_used(self, client: Key) -> int:
        """When one of its tokens was last shown; UTC milliseconds, 0: not since the process began."""
        used_at = max((one.used_at for one in self._issued.get(client.path, ())), default=0)
        return max(used_at, self._used_at.get(client.path, 0))

    def _credential(self, client: Key, digest: str, scopes: frozenset[str], ends_at: int | None) -> Credential:
        caller = Caller(client.account, f"client:{client.name}", scopes, client.role, ends_at, credential=digest)
        return credential_of(client, caller, self._credentials, self._limits.get(client.path))
