"""Everything that lets somebody in, by what is kept of the secret: found by hash, however many there are.

A *place* is an account, or the operator's own side (``""``): what holds for all of its credentials. Places last as long
as the process, so a credential that was made at run time follows what a reload says of its account.

Memory: one entry for each credential; how many there may be is said where they are made.
"""

from collections.abc import Callable, Mapping

from attrs import define

from smsagg.clock import Clock
from smsagg.config.directory_settings import AccountHttpSettings, ApiKeySettings, OperatorSettings
from smsagg.config.schema import Config
from smsagg.directory.caller import Caller
from smsagg.directory.roles import scopes_of
from smsagg.engine.directory.request_limit import RequestLimit
from smsagg.policy.networks import Network, is_within, parse_network

_Limited = AccountHttpSettings | ApiKeySettings | OperatorSettings


@define(eq=False)
class Place:
    """An account, or the operator's own side."""

    is_open: bool = False
    networks: tuple[Network, ...] = ()
    """From where requests are taken; empty: from anywhere."""
    needs_certificate: bool = False
    limit: RequestLimit | None = None


@define(eq=False)
class Credential:
    """What one secret opens."""

    caller: Caller
    place: Place
    networks: tuple[Network, ...] = ()
    certificate: str = ""
    """Name or fingerprint of the certificate that must be shown, lower case; empty: any, or none."""
    limit: RequestLimit | None = None
    used_at: int = 0
    """When a request last bore it, UTC milliseconds; 0: not since the process began."""

    @property
    def is_bound(self) -> bool:
        """Whether it is asked where requests come from, and what they show beside the secret."""
        return bool(self.networks or self.place.networks or self.certificate or self.place.needs_certificate)

    def admits(self, address: str, certificate: frozenset[str]) -> bool:
        """Whether requests from a canonical address, with these names of a verified certificate, are taken."""
        if self.certificate and self.certificate not in certificate:
            return False
        if self.place.needs_certificate and not certificate:
            return False
        return all(not networks or is_within(address, networks) for networks in (self.networks, self.place.networks))

    @property
    def limits(self) -> list[RequestLimit]:
        """What its requests count towards."""
        return [limit for limit in (self.limit, self.place.limit) if limit is not None]


class Credentials:
    """All of them."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._clock = clock
        self._places: dict[str, Place] = {}
        self._from_file: dict[str, Credential] = {}
        self._made: dict[str, Credential] = {}
        self._digests: dict[str, list[str]] = {}
        self.on_changed: list[Callable[[], None]] = []
        """Told when somebody who was let in might not be any more."""
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Heed ``config`` from now on; an account that it does not name, or that is not enabled, is closed."""
        self.place("").is_open = True
        for name, place in self._places.items():
            place.is_open = not name
        for name, account in config.accounts.items():
            place = self.place(name)
            place.is_open = account.enabled
            place.networks = tuple(map(parse_network, account.http.networks))
            place.needs_certificate = account.http.require_certificate
            place.limit = self._limit("account", account.http, place.limit)
        before, self._from_file = self._from_file, {}
        for name, account in config.accounts.items():
            for key, settings in account.api_keys.items():
                self._add_from_file(name, key, settings, "developer", before.get(_digest_of(settings)))
        for name, operator in config.operators.items():
            self._add_from_file("", name, operator, operator.role, before.get(_digest_of(operator)))
        self._tell()

    def replace(self, source: str, made: Mapping[str, Credential]) -> None:
        """From now on, what came from ``source`` at run time is ``made``, by digest, and nothing else."""
        gone = self._digests.pop(source, [])
        for digest in gone:
            del self._made[digest]
        if made:
            self._digests[source] = list(made)
            self._made |= made
        if gone:
            self._tell()

    def last_used(self, source: str) -> int:
        """When a request last bore what came from ``source``; UTC milliseconds, 0: not since the process began."""
        return max((self._made[digest].used_at for digest in self._digests.get(source, ())), default=0)

    def _tell(self) -> None:
        for told in self.on_changed:
            told()

    def from_file(self, account: str) -> list[Credential]:
        """Those of the configuration file that are this account's; ``""``: the operator's own."""
        return [credential for credential in self._from_file.values() if credential.caller.account == account]

    def _add_from_file(
        self, account: str, name: str, settings: ApiKeySettings | OperatorSettings, role: str, before: Credential | None
    ) -> None:
        scopes = frozenset(settings.scopes) or scopes_of(role, account)
        digest = _digest_of(settings)
        self._from_file[digest] = Credential(
            Caller(account, f"key:{name}", scopes, role, settings.expires_at, credential=digest),
            self.place(account),
            tuple(map(parse_network, settings.networks)),
            settings.certificate.lower(),
            self._limit("key", settings, before.limit if before else None),
            before.used_at if before else 0,
        )

    def place(self, account: str) -> Place:
        """The place of an account; ``""``: the operator's own."""
        return self._places.setdefault(account, Place())

    def find(self, digest: str) -> Credential | None:
        """What a secret of this digest opens now; ``None``: nothing."""
        found = self._from_file.get(digest) or self._made.get(digest)
        return found if found is not None and self._is_good(found) else None

    def find_certificate(self, names: frozenset[str]) -> Credential | None:
        """What a verified certificate of these names opens by itself; ``None``: nothing."""
        found = (self.find(digest_of_certificate(name)) for name in sorted(names))
        return next((credential for credential in found if credential is not None), None)

    def holds(self, caller: Caller) -> bool:
        """Whether who was let in would be so still, and may do as much."""
        found = self.find(caller.credential)
        if found is None:
            return False
        now = found.caller
        return (now.account, now.name) == (caller.account, caller.name) and now.scopes >= caller.scopes

    def _is_good(self, credential: Credential) -> bool:
        expires_at = credential.caller.expires_at
        return credential.place.is_open and (expires_at is None or expires_at > self._clock.now_ms())

    def _limit(self, name: str, settings: _Limited, before: RequestLimit | None) -> RequestLimit | None:
        """The limit that these settings set; one that there was before goes on."""
        if settings.rate is None:
            return None
        if before is None:
            return RequestLimit(name, settings.rate, settings.burst, self._clock.monotonic_s())
        before.set_rate(settings.rate, settings.burst, self._clock.monotonic_s())
        return before


def digest_of_certificate(name: str) -> str:
    """By which a certificate is looked up that is good without a key."""
    return f"certificate:{name.lower()}"


def _digest_of(settings: ApiKeySettings | OperatorSettings) -> str:
    return settings.hash or digest_of_certificate(settings.certificate)
