"""What requests and answers about webhooks look like."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from smsagg.api.v1.messages.shapes import Body, Instant
from smsagg.config.event_kinds import EVENT_KINDS
from smsagg.signing import SECRET_PREFIX, secret_octets

OVERLAP_S, OVERLAP_S_MAX = 86_400, 7 * 86_400


def _known(kind: str) -> str:
    if kind not in EVENT_KINDS:
        raise ValueError("there is no such type of event")
    return kind


def _secret(secret: str) -> str:
    secret_octets(secret)
    return secret


Kind = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(EVENT_KINDS)})]
Kinds = Annotated[list[Kind], Field(min_length=1, max_length=len(EVENT_KINDS), examples=[["message.delivered"]])]
Url = Annotated[str, Field(max_length=2_000, examples=["https://crm.example/hooks/sms"])]
Secret = Annotated[
    str, AfterValidator(_secret), Field(max_length=100, pattern=f"^{SECRET_PREFIX}", examples=["whsec_" + "A" * 32])
]
Rate = Annotated[float, Field(strict=True, gt=0, le=10_000, examples=[50])]
Concurrency = Annotated[int, Field(strict=True, ge=1, le=64)]

BatchMax = Annotated[int, Field(strict=True, ge=1, le=100)]


class NewWebhook(Body):
    """An endpoint that is to be told what happens."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["crm"])]
    url: Url
    events: Kinds = Field(default_factory=lambda: list(EVENT_KINDS))
    """Default: everything."""
    rate: Rate | None = None
    """Requests per second at most; ``null``: as many as it takes."""
    concurrency: Concurrency = 4
    """Requests side by side."""
    batch_max: BatchMax = 1
    """Events in one request; with more than 1 all requests are of the type ``webhook.batch``."""
    secret: Secret | None = None
    """That signs; default: one is made."""


class WebhookChange(Body):
    """What is to be other than it is; what is left out stays."""

    url: Url | None = None
    events: Kinds | None = None
    rate: Rate | None = None
    """``null``: as many as it takes."""
    concurrency: Concurrency | None = None
    batch_max: BatchMax | None = None


class NewSecret(Body):
    """Another secret."""

    secret: Secret | None = None
    """Default: one is made."""
    overlap_s: Annotated[int, Field(strict=True, ge=0, le=OVERLAP_S_MAX)] = OVERLAP_S
    """For so many seconds the old one signs too."""


class Replay(Body):
    """A span of time whose events are to be sent again."""

    since: Instant
    until: Instant | None = None
    """Before then; default: now."""
    types: Kinds | None = None
    """Default: what the endpoint is told of."""
    cursor: Annotated[str, Field(max_length=20)] = ""
    """``next_cursor`` of the call before, to go on."""


class Health(BaseModel):
    """How an endpoint stands."""

    state: Literal["ok", "failing", "disabled"]
    disabled_for: Literal["gone", "failing", "asked"] | None
    """It answered 410; it took nothing for too long; somebody wanted it so."""
    disabled_at: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    failing_since: datetime | None
    pending: int
    """Events that it is owed; 1000: so many or more."""


class WebhookAnswer(BaseModel):
    """An endpoint."""

    name: str
    source: Literal["file", "api"]
    """``file``: it stands in the server's configuration, and is changed there."""
    url: str
    events: list[str]
    rate: float | None
    concurrency: int
    batch_max: int
    created_at: datetime | None
    old_secret_until: datetime | None
    """So long the secret before signs too."""
    health: Health


class WebhookMadeAnswer(WebhookAnswer):
    """An endpoint with its secret, which is shown this once."""

    secret: str


class WebhooksAnswer(BaseModel):
    """All endpoints of the account."""

    webhooks: list[WebhookAnswer]


class SecretAnswer(BaseModel):
    """A secret, which is shown this once."""

    secret: str
    old_secret_until: datetime | None


class CallbackSecretAnswer(BaseModel):
    """The secret for callbacks, without itself."""

    source: Literal["file", "api"]
    created_at: datetime | None
    old_secret_until: datetime | None


class TestAnswer(BaseModel):
    """The event that is on its way."""

    event: Annotated[str, Field(examples=["evt_00000000002a"])]


class ReplayAnswer(BaseModel):
    """What a replay did."""

    owed: int
    """Events that will be sent."""
    next_cursor: str | None
    """There are more: call again with it; ``null``: that was all."""
