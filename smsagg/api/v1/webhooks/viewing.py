"""Webhooks as the API shows them, and what it says when one cannot be changed."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.responses import Response

from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.problem import Problem
from smsagg.errors import EndpointError, RegisterFull, StaleValue
from smsagg.events.documents import instant
from smsagg.events.endpoint import Endpoint
from smsagg.events.standing import Standing

Done = TypeVar("Done")


async def changed(change: Awaitable[Done]) -> Done:
    """What it gives, when it can be."""
    try:
        return await asked(change)
    except EndpointError as error:
        raise Problem(409, error.kind, str(error)) from error
    except StaleValue as error:
        raise Problem(409, "changed-meanwhile", "Somebody else changed this meanwhile; look and try again.") from error
    except RegisterFull as error:
        raise Problem(409, "too-many-endpoints", "The server keeps no more endpoints.") from error


def members_of(said: dict[str, Any]) -> dict[str, Any]:
    """Members of a request as settings have them."""
    return {**said, "events": tuple(said["events"])} if "events" in said else said


def webhook_of(endpoint: Endpoint, standing: Standing, pending: int) -> dict[str, Any]:
    """As it is shown: without its secrets."""
    settings = endpoint.settings
    return {
        "name": endpoint.hook,
        "source": endpoint.source.value,
        "url": settings.url,
        "events": settings.events,
        "rate": settings.rate,
        "concurrency": settings.concurrency,
        "batch_max": settings.batch_max,
        "created_at": instant_or_none(endpoint.created_at),
        "old_secret_until": instant_or_none(endpoint.old_secret_until),
        "health": _health(standing, pending),
    }


def _health(standing: Standing, pending: int) -> dict[str, Any]:
    state = "disabled" if standing.is_disabled else "failing" if standing.failing_since else "ok"
    return {
        "state": state,
        "disabled_for": standing.disabled_for,
        "disabled_at": instant_or_none(standing.disabled_at),
        "last_success_at": instant_or_none(standing.last_success_at),
        "last_failure_at": instant_or_none(standing.last_failure_at),
        "last_error": standing.last_error or None,
        "failing_since": instant_or_none(standing.failing_since),
        "pending": pending,
    }


def secret_of(endpoint: Endpoint) -> Response:
    """The one time that a secret is shown."""
    until = instant_or_none(endpoint.old_secret_until)
    return answered({"secret": endpoint.settings.secret, "old_secret_until": until})


def instant_or_none(at: int) -> str | None:
    """RFC 3339; ``None`` for 0."""
    return instant(at) if at else None
