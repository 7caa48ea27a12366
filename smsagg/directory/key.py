"""API keys and OAuth clients that were made at run time, and how their secrets are replaced.

A key has one secret, or two while it is rotated: the new one, and the old one until its time is over.
"""

from collections.abc import Mapping
from typing import Any

from attrs import asdict, define, evolve

from smsagg.directory.roles import scopes_of


@define(frozen=True)
class Secret:
    """What is kept of one."""

    digest: str
    good_until: int | None = None
    """UTC milliseconds; ``None``: as long as its key is."""


@define(frozen=True)
class Key:
    """An API key or a client; its name is its account's own."""

    account: str
    """``""``: of the operator's own."""
    name: str
    secrets: tuple[Secret, ...]
    """The newest first."""
    role: str = "developer"
    """Of a user's key the user's role counts instead."""
    scopes: tuple[str, ...] = ()
    """What it may do; empty: what its role may."""
    user: str = ""
    """The person of that account whose key it is; ``""``: the account's own."""
    expires_at: int | None = None
    """UTC milliseconds."""
    networks: tuple[str, ...] = ()
    """From where it is taken; empty: from anywhere."""
    certificate: str = ""
    """Name or fingerprint of the client certificate that must be shown with it; ``""``: none is needed."""
    rate: float | None = None
    """Requests per second; ``None``: no limit of its own."""
    burst: int | None = None
    """Requests that may come at once; ``None``: one second's worth."""
    created_at: int = 0
    """UTC milliseconds."""
    created_by: str = ""

    @property
    def path(self) -> str:
        """By which it is kept."""
        return f"{self.account}/{self.name}"

    def allowed(self, role: str) -> frozenset[str]:
        """What it may do; ``role`` is its user's now, or its own."""
        of_role = scopes_of(role, self.account)
        if not self.scopes:
            return of_role
        return of_role & frozenset(self.scopes) if self.user else frozenset(self.scopes)

    def rotated(self, digest: str, now: int, overlap_ms: int) -> "Key":
        """With a new secret; the present one is good for ``overlap_ms`` more, one of an earlier rotation no more."""
        present = self.secrets[0]
        old = (evolve(present, good_until=now + overlap_ms),) if overlap_ms > 0 else ()
        return evolve(self, secrets=(Secret(digest), *old))

    def good_until(self, secret: Secret) -> int | None:
        """UTC milliseconds from which on ``secret`` is not good for this key any more; ``None``: it is for ever."""
        ends = [end for end in (secret.good_until, self.expires_at) if end is not None]
        return min(ends, default=None)

    def document(self) -> dict[str, Any]:
        """As it is kept."""
        document = asdict(self)
        del document["account"], document["name"]
        return document


def key_of(path: str, document: Mapping[str, Any]) -> Key:
    """What :meth:`Key.document` was made of."""
    account, _, name = path.rpartition("/")
    secrets = tuple(Secret(**secret) for secret in document["secrets"])
    tuples = {member: tuple(document[member]) for member in ("scopes", "networks")}
    return Key(account, name, **{**document, **tuples, "secrets": secrets})
