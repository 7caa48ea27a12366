"""Codes that prove a number: ``/v1/verifications``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from attrs import define

from smsagg.client.asks import Ask, get, place, post, post_once, shaped

_PATH = "/v1/verifications"


@define(frozen=True)
class Verification:
    """One, as it stands."""

    id: str
    status: str
    """pending, approved, failed, expired, cancelled."""
    to: str
    country: str
    attempts_left: int
    messages: list[str]
    """Ids of the messages that carried a code."""
    messages_left: int
    reference: str
    created_at: datetime
    expires_at: datetime
    resend_at: datetime | None
    """From when on it may be sent again; ``None``: not any more."""
    done_at: datetime | None


@define(frozen=True)
class Check:
    """What became of a code that somebody typed in."""

    id: str
    status: str
    """approved: it was right. pending: it was wrong, and there are attempts left. failed: there are none."""
    attempts_left: int


def start(
    *,
    to: str,
    brand: str | None = None,
    template: str | None = None,
    params: Mapping[str, Any] | None = None,
    sender: str | None = None,
    region: str | None = None,
    locale: str | None = None,
    code_length: int | None = None,
    alphabet: Literal["numeric", "alphanumeric"] | None = None,
    ttl: int | None = None,
    reference: str | None = None,
    idempotency_key: str = "",
) -> Ask[Verification]:
    """Send a code: with ``brand`` in a sentence of the server's, or by the account's ``template``."""
    document = {
        "to": to, "brand": brand, "template": template, "params": params, "from": sender,
        "region": region, "locale": locale, "code_length": code_length,
        "alphabet": alphabet, "ttl": ttl, "reference": reference,
    }  # fmt: skip
    return Ask(post_once(_PATH, document, idempotency_key), shaped(Verification))


def look(verification_id: str) -> Ask[Verification]:
    """How it stands."""
    return Ask(get(place(_PATH, verification_id)), shaped(Verification))


def check(verification_id: str, code: str) -> Ask[Check]:
    """Whether ``code`` is the right one; it costs an attempt, so it is not asked again by itself."""
    return Ask(post(place(_PATH, verification_id, "check"), {"code": code}), shaped(Check))


def resend(verification_id: str, *, idempotency_key: str = "") -> Ask[Verification]:
    """Send one more code; those before it count as well."""
    return Ask(post_once(place(_PATH, verification_id, "resend"), {}, idempotency_key), shaped(Verification))


def cancel(verification_id: str) -> Ask[Verification]:
    """No code counts any more."""
    return Ask(post(place(_PATH, verification_id, "cancel")), shaped(Verification))
