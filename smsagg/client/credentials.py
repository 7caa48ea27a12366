"""Who may call: ``/v1/keys``, ``/v1/clients`` (OAuth), ``/v1/me``."""

from collections.abc import Sequence
from datetime import datetime

from attrs import define, field

from smsagg.client.asks import Ask, Listing, delete, get, nothing, place, post, shaped
from smsagg.client.calls import PAGE


@define(frozen=True)
class Key:
    """A key or a client."""

    name: str
    source: str
    """api or file; what the configuration file has cannot be changed here."""
    client_id: str | None
    role: str
    scopes: list[str]
    expires_at: datetime | None
    networks: list[str]
    created_at: datetime | None
    last_used_at: datetime | None
    old_secret_until: datetime | None


@define(frozen=True)
class NewKey(Key):
    """One that was just made or rotated."""

    secret: str = field(repr=False)
    """Shown this once."""


@define(frozen=True)
class Me:
    """Whose key it is."""

    name: str
    account: str | None
    """``None``: one of the operator's own."""
    user: str | None
    role: str
    scopes: list[str]


@define(frozen=True)
class Keys:
    """Keys of one kind. ``totp`` is the code of a second factor, where the server asks for one."""

    path: str

    def all(self) -> Listing[Key]:
        """By name."""
        return Listing(get(self.path, limit=PAGE), "keys", Key)

    def look(self, name: str) -> Ask[Key]:
        return Ask(get(place(self.path, name)), shaped(Key))

    def create(
        self,
        name: str,
        *,
        role: str | None = None,
        scopes: Sequence[str] | None = None,
        expires_at: datetime | None = None,
        networks: Sequence[str] | None = None,
        rate: float | None = None,
        burst: int | None = None,
        user: str | None = None,
        totp: str = "",
    ) -> Ask[NewKey]:
        """Without ``scopes`` it may what its role may. ``user`` is for keys."""
        document = {
            "name": name, "role": role, "scopes": scopes, "expires_at": expires_at, "networks": networks, "rate": rate,
            "burst": burst, "user": user,
        }  # fmt: skip
        return Ask(post(self.path, document, _second(totp)), shaped(NewKey))

    def rotate(self, name: str, *, overlap_s: int | None = None, totp: str = "") -> Ask[NewKey]:
        """Give it a new secret; the old one is good for ``overlap_s`` more (default: a day)."""
        return Ask(post(place(self.path, name, "rotate"), {"overlap_s": overlap_s}, _second(totp)), shaped(NewKey))

    def revoke(self, name: str, *, totp: str = "") -> Ask[None]:
        return Ask(delete(place(self.path, name), _second(totp)), nothing)


keys = Keys("/v1/keys")
clients = Keys("/v1/clients")


def me() -> Ask[Me]:
    """Who asks, and what they may."""
    return Ask(get("/v1/me"), shaped(Me))


def _second(totp: str) -> dict[str, str]:
    return {"TOTP": totp} if totp else {}
