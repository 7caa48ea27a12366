"""The second factor of people: seeds are sealed in the register, each code is good once, and guesses are few.

=============  ==============================================================================================
State          By
=============  ==============================================================================================
none           nobody enrolled, or it was taken away
enrolled       :meth:`SecondFactor.enrol`: a new seed, told once; it proves nothing yet
confirmed      :meth:`SecondFactor.confirm`: a code of it was right; from now on :meth:`SecondFactor.use` may be
=============  ==============================================================================================

The step of the last code is kept with the seed, so that none is good twice, also after a restart. Of wrong codes a user
has :data:`FAILURES_MAX`, then none is looked at for :data:`LOCK_S`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define

from smsagg.clock import Clock
from smsagg.directory.audit import Actor
from smsagg.directory.totp import SEED_OCTETS, matching_step, uri_of
from smsagg.engine.directory.register import Register, tag_of
from smsagg.errors import SmsaggError, StaleValue
from smsagg.protection import Cipher

KIND = "totp"
CONTEXT = "totp"
FAILURES_MAX = 5
LOCK_S = 300.0


class CodeRefused(SmsaggError):
    """A code is not taken; the text says why."""

    retry_after_s = 0.0


class NotEnrolled(CodeRefused):
    """There is no second factor that was confirmed."""


class TooManyCodes(CodeRefused):
    """Too many were wrong."""


@define
class _Failures:
    count: int = 0
    locked_until: float = 0.0


class SecondFactor:
    """Of all users."""

    def __init__(self, register: Register, cipher: Cipher, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._register = register
        self._cipher = cipher
        self._clock = clock
        self._entropy = entropy
        self._failures: dict[str, _Failures] = {}

    def is_confirmed(self, account: str, user: str) -> bool:
        """Whether this person's codes are taken."""
        kept = self._register.get(KIND, f"{account}/{user}")
        return kept is not None and bool(kept["confirmed"])

    async def enrol(self, by: Actor, account: str, user: str) -> str:
        """Begin anew with a fresh seed; its ``otpauth`` URI, which is told here only. Raises StoreError."""
        seed = self._entropy(SEED_OCTETS)
        kept = {"seed": self._cipher.seal_text(seed.hex(), CONTEXT), "confirmed": False, "last_step": 0}
        await self._register.put(by, KIND, f"{account}/{user}", kept, action="totp.enrol")
        return uri_of(seed, account, user)

    async def confirm(self, by: Actor, account: str, user: str, code: str) -> None:
        """The first code of a new seed. Raises CodeRefused and StoreError."""
        await self._take(by, f"{account}/{user}", code, "totp.confirm", {})

    async def use(self, by: Actor, account: str, user: str, code: str, purpose: str) -> None:
        """A code, for one thing; returns after the commit of its use. Raises CodeRefused and StoreError."""
        if not self.is_confirmed(account, user):
            raise NotEnrolled("this user has no second factor that was confirmed")
        await self._take(by, f"{account}/{user}", code, "totp.use", {"for": purpose})

    async def remove(self, by: Actor, account: str, user: str) -> bool:
        """Take it away; False: there was none. Raises StoreError."""
        self._failures.pop(f"{account}/{user}", None)
        return await self._register.delete(by, KIND, f"{account}/{user}", action="totp.remove")

    async def _take(self, by: Actor, path: str, code: str, action: str, details: Mapping[str, Any]) -> None:
        kept = self._register.get(KIND, path)
        if kept is None:
            raise NotEnrolled("this user has no second factor")
        self._heed_lock(path)
        seed = bytes.fromhex(self._cipher.open_text(kept["seed"], CONTEXT))
        step = matching_step(seed, code, self._clock.now_ms(), kept["last_step"])
        if step is None:
            self._note_failure(path)
            raise CodeRefused("this is not the code of now, or it was used")
        value = {**kept, "confirmed": True, "last_step": step}
        try:
            await self._register.put(by, KIND, path, value, tag=tag_of(kept), action=action, details=details)
        except StaleValue:
            raise CodeRefused("this code was used") from None
        self._failures.pop(path, None)

    def _heed_lock(self, path: str) -> None:
        failures = self._failures.get(path)
        if failures is None or failures.count < FAILURES_MAX:
            return
        left_s = failures.locked_until - self._clock.monotonic_s()
        if left_s > 0:
            refused = TooManyCodes("too many codes were wrong")
            refused.retry_after_s = left_s
            raise refused
        failures.count = 0

    def _note_failure(self, path: str) -> None:
        failures = self._failures.setdefault(path, _Failures())
        failures.count += 1
        failures.locked_until = self._clock.monotonic_s() + LOCK_S
