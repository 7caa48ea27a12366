"""A verification: somebody is to prove that a number is theirs by telling the code that was sent to it.

Theory of operation. ``TRANSITIONS`` is the whole truth about which state follows on what; what is absent is illegal,
and a state that is over stays::

    PENDING ──right code──▶ APPROVED
       │ ▲──wrong code       (an attempt is used)
       ├────last wrong code──▶ FAILED
       ├────time over────────▶ EXPIRED
       └────cancelled────────▶ CANCELLED

So a code is of use once, and wrong ones use up ``attempts_max`` attempts, whoever types them. Each message has a code
of its own, and every code of a verification counts while it lives: whichever message comes can be typed.
"""

from collections.abc import Mapping
from enum import StrEnum

import attrs
from attrs import define, field


class VerificationState(StrEnum):
    """Where a verification stands."""

    PENDING = "pending"
    APPROVED = "approved"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Happening(StrEnum):
    """What may happen to it."""

    RIGHT_CODE = "right_code"
    WRONG_CODE = "wrong_code"
    LAST_WRONG_CODE = "last_wrong_code"
    TIME_OVER = "time_over"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[tuple[VerificationState, Happening], VerificationState] = {
    (VerificationState.PENDING, Happening.RIGHT_CODE): VerificationState.APPROVED,
    (VerificationState.PENDING, Happening.WRONG_CODE): VerificationState.PENDING,
    (VerificationState.PENDING, Happening.LAST_WRONG_CODE): VerificationState.FAILED,
    (VerificationState.PENDING, Happening.TIME_OVER): VerificationState.EXPIRED,
    (VerificationState.PENDING, Happening.CANCELLED): VerificationState.CANCELLED,
}


@define(frozen=True)
class Verification:
    """One verification as it is kept. Instants are UTC milliseconds."""

    verification_id: str
    """Not to be guessed."""
    account: str
    recipient: str
    """E.164 digits, no plus."""
    country: str
    """ISO 3166 alpha-2, ``""`` when unknown."""
    state: VerificationState
    digests: bytes = field(repr=False)
    """Of every code that was sent, joined; none once it is over."""
    attempts: int
    """Wrong codes so far."""
    attempts_max: int
    message_ids: str
    """Of the messages that carried a code, the first one first, parted by spaces."""
    last_sent_at: int
    wording: str
    """How further messages are written, as JSON: the application's own business."""
    reference: str
    created_at: int
    expires_at: int
    done_at: int = 0
    """When it came to its end, 0 before."""

    @property
    def sends(self) -> int:
        """Messages so far."""
        return len(self.message_ids.split())

    @property
    def attempts_left(self) -> int:
        return self.attempts_max - self.attempts if self.state is VerificationState.PENDING else 0

    def as_of(self, now: int) -> "Verification":
        """As it stands ``now``: a life that is over is over, whether or not somebody has looked."""
        if self.state is VerificationState.PENDING and now >= self.expires_at:
            return self._after(Happening.TIME_OVER, self.expires_at)
        return self

    def checked(self, is_right: bool, now: int) -> "Verification":
        """After somebody told a code, one of those that were sent or another; PENDING, as of ``now``."""
        if is_right:
            return self._after(Happening.RIGHT_CODE, now)
        wrong = attrs.evolve(self, attempts=self.attempts + 1)
        is_last = wrong.attempts >= wrong.attempts_max
        return wrong._after(Happening.LAST_WRONG_CODE if is_last else Happening.WRONG_CODE, now)

    def sent(self, message_id: str, digest: bytes, now: int) -> "Verification":
        """After one more message; PENDING, as of ``now``."""
        assert self.state is VerificationState.PENDING
        message_ids = f"{self.message_ids} {message_id}".strip()
        return attrs.evolve(self, message_ids=message_ids, digests=self.digests + digest, last_sent_at=now)

    def cancelled(self, now: int) -> "Verification":
        """PENDING, as of ``now``."""
        return self._after(Happening.CANCELLED, now)

    def _after(self, happening: Happening, now: int) -> "Verification":
        state = TRANSITIONS[self.state, happening]
        if state is VerificationState.PENDING:
            return self
        return attrs.evolve(self, state=state, done_at=now, digests=b"")
