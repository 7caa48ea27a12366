"""How a code becomes a message, and how verifications look to callers."""

from collections.abc import Mapping
from typing import Any

import orjson
from attrs import define

from smsagg.api.v1.messages.shapes import NewMessage
from smsagg.api.v1.messages.viewing import instant
from smsagg.api.v1.problem import Problem
from smsagg.api.v1.verification.shapes import NewVerification
from smsagg.config.schema import VerificationSettings
from smsagg.config.units import format_message_limit
from smsagg.engine.verification.verifications import Begun, Verifications
from smsagg.model import Message
from smsagg.store.base import Changes
from smsagg.verification import Exceeded, Verification, VerificationState, code_text

_WORDING = ("sender", "brand", "template", "params", "locale", "code_length", "alphabet")
"""What a further message is written by."""
CODE = "code"
"""The parameter of a template that becomes the code."""


def wording_of(asked: NewVerification) -> str:
    """How messages of this verification are written, as it is kept; raises :class:`Problem`."""
    if bool(asked.brand) == (asked.template is not None):
        detail = "a code is told with a brand, or with a template"
        raise Problem(
            422, "invalid-request", f"This cannot be written: {detail}.", [{"path": "brand", "detail": detail}]
        )
    if asked.params and asked.template is None:
        detail = "are a template's"
        raise Problem(422, "invalid-params", f"The params {detail}.", [{"path": "params", "detail": detail}])
    if CODE in asked.params:
        detail = "is made and written here"
        raise Problem(422, "invalid-params", f"The code {detail}.", [{"path": f"params.{CODE}", "detail": detail}])
    return orjson.dumps({name: getattr(asked, name) for name in _WORDING}).decode()


def message_of(
    wording: Mapping[str, Any], verification_id: str, to: str, region: str | None, code: str, ttl_s: int
) -> NewMessage:
    """The message that tells ``code``, of use for so long; its reference is the verification."""
    is_ours = wording["template"] is None
    return NewMessage(
        to=to,
        sender=wording["sender"],
        text=code_text(wording["brand"], code, wording["locale"]) if is_ours else None,
        template=wording["template"],
        params=None if is_ours else {**wording["params"], CODE: code},
        locale=wording["locale"],
        message_type="otp",
        region=region,
        ttl=max(ttl_s, 1),
        reference=verification_id,
    )


@define
class FirstMessage:
    """The purpose of the message that begins a verification."""

    service: Verifications
    begun: Begun
    verification: Verification | None = None
    """Once it is on its way to the store."""

    def objection(self, message: Message, now: int) -> Problem | None:
        exceeded = self.service.count(message, now)
        return None if exceeded is None else _too_many(exceeded)

    def record(self, message: Message, changes: Changes, now: int) -> None:
        self.verification = self.service.begin(self.begun, message, changes, now)


@define
class FurtherMessage:
    """The purpose of one more message of a verification, whose turn it must be."""

    service: Verifications
    before: Verification
    code: str
    settings: VerificationSettings
    verification: Verification | None = None

    def objection(self, message: Message, now: int) -> Problem | None:
        before = self.before.as_of(now)
        if before.state is not VerificationState.PENDING:
            return problem_of_end(before)
        if before.sends >= self.settings.messages_max:
            return Problem(
                409, "no-more-messages", f"A verification has {self.settings.messages_max} messages at most."
            )
        wait_ms = before.last_sent_at + int(self.settings.resend_interval * 1000) - now
        if wait_ms > 0:
            detail = "The last message was sent a moment ago."
            return Problem(429, "too-soon", detail, headers={"Retry-After": str(-(-wait_ms // 1000))})
        exceeded = self.service.count(message, now)
        return None if exceeded is None else _too_many(exceeded)

    def record(self, message: Message, changes: Changes, now: int) -> None:
        self.verification = self.service.send_again(self.before, self.code, message, changes, now)


def view_of(verification: Verification, settings: VerificationSettings) -> dict[str, Any]:
    """The document of a verification, as of now."""
    is_pending = verification.state is VerificationState.PENDING
    messages_left = max(settings.messages_max - verification.sends, 0) if is_pending else 0
    resend_at = verification.last_sent_at + int(settings.resend_interval * 1000)
    return {
        "id": verification.verification_id,
        "status": verification.state,
        "to": verification.recipient,
        "country": verification.country,
        "channel": "sms",
        "attempts_left": verification.attempts_left,
        "messages": verification.message_ids.split(),
        "messages_left": messages_left,
        "reference": verification.reference,
        "created_at": instant(verification.created_at),
        "expires_at": instant(verification.expires_at),
        "resend_at": instant(resend_at) if messages_left else None,
        "done_at": instant(verification.done_at) if verification.done_at else None,
    }


def problem_of_end(verification: Verification) -> Problem:
    """What is answered to whoever wants something of a verification that is over."""
    return Problem(409, f"verification-{verification.state}", f"The verification is over: {verification.state}.")


def _too_many(exceeded: Exceeded) -> Problem:
    detail = f"More than {format_message_limit(exceeded.limit)} codes by {exceeded.scope}."
    return Problem(429, "too-many-codes", detail, headers={"Retry-After": str(exceeded.retry_after_s)})
