"""What keys, clients and users look like in requests and answers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from smsagg.api.v1.messages.shapes import Body, Instant
from smsagg.directory.roles import ACCOUNTS_ROLES, OPERATORS_ROLES, SCOPES
from smsagg.policy.networks import parse_network

Role = Literal["owner", "developer", "analyst", "compliance", "operator"]
NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"
RATE_MAX = 100_000
OVERLAP_S_MAX = 30 * 86_400


def _known_scope(scope: str) -> str:
    if scope not in SCOPES:
        raise ValueError("is no scope")
    return scope


def _known_network(text: str) -> str:
    parse_network(text)
    return text


ScopeName = Annotated[str, AfterValidator(_known_scope), Field(json_schema_extra={"enum": list(SCOPES)})]
NetworkText = Annotated[str, AfterValidator(_known_network), Field(max_length=64, examples=["192.0.2.0/24"])]


class NewKey(Body):
    """An API key, or a client, that is to be made."""

    name: Annotated[str, Field(pattern=NAME, examples=["crm"])]
    """For people and the audit trail; each of an account's has its own."""
    role: Role | None = None
    """Whose scopes it gets when none are named; default: ``developer``, of the operator's own ``operator``."""
    scopes: Annotated[list[ScopeName], Field(max_length=len(SCOPES), examples=[["messages:write"]])] = Field(
        default_factory=list
    )
    """What it may do; nobody gives what they do not have."""
    expires_at: Instant | None = None
    """From this instant on it is refused."""
    networks: Annotated[list[NetworkText], Field(max_length=32)] = Field(default_factory=list)
    """From where it is taken; empty: from anywhere."""
    certificate: Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9._:@ -]*$")] = ""
    """Name or ``sha256:`` fingerprint of the client certificate that must be shown with it."""
    rate: Annotated[float | None, Field(gt=0, le=RATE_MAX, examples=[50])] = None
    """Requests per second."""
    burst: Annotated[int | None, Field(ge=1, le=RATE_MAX)] = None
    """Requests that may come at once; default: one second's worth."""


class NewUserKey(NewKey):
    """An API key that is to be made."""

    user: Annotated[str, Field(max_length=63, examples=["ann"])] = ""
    """The person whose key it is: it may what their role may, or less."""


class Rotation(Body):
    """How a secret is to be replaced."""

    overlap_s: Annotated[int, Field(ge=0, le=OVERLAP_S_MAX)] = 86_400
    """Seconds for which the old secret is good beside the new one."""


class KeyAnswer(BaseModel):
    """A key or a client; its secret is never shown again."""

    name: str
    source: Literal["api", "file"]
    """``file``: the configuration file has it, and it cannot be changed here."""
    client_id: str | None
    """Of a client."""
    role: str
    user: str
    scopes: list[str]
    expires_at: datetime | None
    networks: list[str]
    certificate: str
    rate: float | None
    burst: int | None
    created_at: datetime | None
    created_by: str
    last_used_at: datetime | None
    """To the minute; ``null``: not since the server began."""
    old_secret_until: datetime | None
    """While it is rotated: until when the old secret is good."""


class NewKeyAnswer(KeyAnswer):
    """A key or client that was just made or rotated."""

    secret: str
    """Shown this once."""


class KeysAnswer(BaseModel):
    """A page of keys or clients, by name."""

    keys: list[KeyAnswer]
    next_cursor: str | None


class UserFields(Body):
    """A person, as they are to be."""

    role: Role
    full_name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["Ann Example"])] = ""
    enabled: bool = True
    """False: none of their keys lets in."""


class UserAnswer(BaseModel):
    """A person."""

    name: str
    role: str
    full_name: str
    enabled: bool
    has_totp: bool
    """Whether they have a second factor that was confirmed."""
    created_at: datetime
    created_by: str


class UsersAnswer(BaseModel):
    """A page of people, by name."""

    users: list[UserAnswer]
    next_cursor: str | None


class TotpAnswer(BaseModel):
    """A new second factor."""

    uri: Annotated[str, Field(examples=["otpauth://totp/smsagg%3Aann%40acme?secret=…&issuer=smsagg"])]
    """For an authenticator app; shown this once."""


class TotpCode(Body):
    """A code of an authenticator app."""

    code: Annotated[str, Field(pattern="^[0-9]{6}$", examples=["123456"])]


def roles_of(account: str) -> tuple[str, ...]:
    """Which roles there are for an account's, or the operator's own (``""``)."""
    return ACCOUNTS_ROLES if account else OPERATORS_ROLES
