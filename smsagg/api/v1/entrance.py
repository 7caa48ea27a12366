"""Who comes in: what is looked at before anything of a request is read.

Whoever shows nothing that is known, or shows it from a network from which it is not taken or without the certificate
that belongs to it, gets the same 401: it tells nobody that a key is right.
"""

from collections.abc import Iterator
from math import ceil

from smsagg.api.app import CERTIFICATE, Scope, Send
from smsagg.api.v1.access import bearer_of, not_authenticated
from smsagg.api.v1.problem import Problem
from smsagg.clock import Clock
from smsagg.config.schema import Config
from smsagg.directory.secrets import digest_of
from smsagg.engine.directory.credentials import Credential, Credentials
from smsagg.engine.directory.request_limit import RequestLimit, headers_of, take_one
from smsagg.policy.networks import client_address, parse_network

HEADER = b"authorization"
_NONE: frozenset[str] = frozenset()


class Entrance:
    """Looks at requests."""

    def __init__(self, config: Config, credentials: Credentials, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Believe the proxies of ``config`` from now on."""
        self._proxies = tuple(map(parse_network, config.http.trusted_proxies))

    def admit(self, scope: Scope) -> Credential:
        """What lets this request in; raises :class:`Problem` 401."""
        authorization, certificate = header(scope, HEADER), scope.get(CERTIFICATE, _NONE)
        if certificate and not authorization:
            credential = self._credentials.find_certificate(certificate)
        else:
            credential = self._credentials.find(digest_of(bearer_of(authorization)))
        if credential is None:
            raise not_authenticated()
        if credential.is_bound and not credential.admits(self.address_of(scope), certificate):
            raise not_authenticated()
        credential.used_at = self._clock.now_ms()
        return credential

    def address_of(self, scope: Scope) -> str:
        """The canonical address of who asks; ``"0.0.0.0"`` when it has gone already."""
        client = scope["client"]
        if client is None:
            return "0.0.0.0"
        forwarded_for = ",".join(_all(scope, b"x-forwarded-for")) if self._proxies else ""
        return client_address(client[0], forwarded_for, self._proxies)

    def count(self, limits: list[RequestLimit], send: Send) -> Send:
        """Count a request, and say in its answer how many may follow; raises :class:`Problem` 429 for one too many."""
        now = self._clock.monotonic_s()
        wait_s = take_one(limits, now)
        headers = headers_of(limits, now)
        if wait_s > 0:
            headers["Retry-After"] = str(max(ceil(wait_s), 1))
            raise Problem(429, "too-many-requests", "This caller asks more often than it may.", headers=headers)
        told = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

        async def send_with_limits(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *told]  # type: ignore[misc]
            await send(message)

        return send_with_limits  # type: ignore[return-value]


def header(scope: Scope, name: bytes) -> str:
    """The first of the request's headers of this name; ``""``: there is none."""
    return next(_all(scope, name), "")


def _all(scope: Scope, name: bytes) -> Iterator[str]:
    return (value.decode("latin-1") for key, value in scope["headers"] if key == name)
