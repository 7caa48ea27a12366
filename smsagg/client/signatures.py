"""Webhooks that were received: whether they are the API's, and what they tell."""

import hmac
import json
import time
from collections.abc import Mapping, Sequence

from smsagg.client.errors import BadSignature
from smsagg.client.shapes import Event, event_of
from smsagg.signing import signed_headers

TOLERANCE_S = 300


def verify_webhook(
    secrets: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_s: float | None = None,
    tolerance_s: int = TOLERANCE_S,
) -> Event:
    """The event that ``body`` tells of; raises :class:`BadSignature` when none of ``secrets`` signed it, or when it
    was sent more than ``tolerance_s`` ago: somebody sends it again.

    ``body`` is what was received, octet by octet. The same event may come more than once: remember ``event.id``.
    """
    fields = {name.lower(): value for name, value in headers.items()}
    name, timestamp = fields.get("webhook-id", ""), fields.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 15):
        raise BadSignature("there is no time of sending")
    if abs((time.time() if now_s is None else now_s) - int(timestamp)) > tolerance_s:
        raise BadSignature("it was sent too long ago, or the clocks differ")
    known = [secrets] if isinstance(secrets, str) else list(secrets)
    expected = dict(signed_headers(known, name, int(timestamp), body))[b"webhook-signature"].split()
    given = fields.get("webhook-signature", "").encode("utf-8", "replace").split()
    if not any(hmac.compare_digest(one, other) for one in expected for other in given):
        raise BadSignature("no secret of ours signed it")
    return event_of(json.loads(body))


def verify_webhooks(
    secrets: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_s: float | None = None,
    tolerance_s: int = TOLERANCE_S,
) -> list[Event]:
    """The same for endpoints with a ``batch_max``, whose requests tell of several events."""
    event = verify_webhook(secrets, headers, body, now_s=now_s, tolerance_s=tolerance_s)
    return [event_of(one) for one in event.data["events"]] if event.type == "webhook.batch" else [event]
