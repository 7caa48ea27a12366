"""Dangerous operations: what asks for a code of the caller's second factor before it is done.

An endpoint calls ``await dangerous(request, operation)`` when it knows that it would do what it is asked, right before
it does it, since a code is good once. Which operations need one is said by ``[directory] totp_for``.
"""

from collections.abc import Callable
from math import ceil
from typing import Any

from fastapi import Request

from smsagg.api.v1.access import actor_of
from smsagg.api.v1.asking import asked
from smsagg.api.v1.problem import Problem
from smsagg.config.schema import Config
from smsagg.directory.caller import Caller
from smsagg.engine.directory.second_factor import CodeRefused, NotEnrolled, SecondFactor, TooManyCodes

HEADER = "TOTP"
PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A code of your second factor, where the server asks for one.",
    "schema": {"type": "string"},
    "example": "123456",
}
"""What OpenAPI says of such endpoints."""


class Danger:
    """The policy, and what codes are held against."""

    def __init__(self, second_factor: SecondFactor, config: Callable[[], Config]) -> None:
        self._second_factor = second_factor
        self._config = config

    async def check(self, request: Request, operation: str) -> None:
        """As :func:`dangerous`."""
        if operation in self._config().directory.totp_for:
            await self.check_code(request, operation)

    async def check_code(self, request: Request, operation: str) -> None:
        """Whatever the policy says; raises :class:`Problem`."""
        caller: Caller = request.state.caller
        if not caller.user:
            raise Problem(403, "totp-needed", "This needs a person's second factor, and this key is nobody's.")
        code = request.headers.get(HEADER, "")
        if not code and self._second_factor.is_confirmed(caller.account, caller.user):
            raise Problem(403, "totp-needed", f"This needs a code of your second factor, as {HEADER}: 123456.")
        taken = self._second_factor.use(actor_of(request), caller.account, caller.user, code, operation)
        try:
            await asked(taken)
        except CodeRefused as refused:
            raise problem_of_code(refused) from None


def problem_of_code(refused: CodeRefused) -> Problem:
    """What is told of a code that is not taken."""
    detail = f"{str(refused)[0].upper()}{str(refused)[1:]}."
    if isinstance(refused, TooManyCodes):
        return Problem(429, "totp-locked", detail, headers={"Retry-After": str(ceil(refused.retry_after_s))})
    return Problem(403, "totp-not-enrolled" if isinstance(refused, NotEnrolled) else "totp-refused", detail)


async def dangerous(request: Request, operation: str) -> None:
    """Nothing, if the policy asks for no second factor for this ``operation`` (one of
    :data:`smsagg.directory.roles.DANGEROUS`), or the request shows a fresh code of its caller's; else raises
    :class:`Problem` 403, or 429 after too many wrong codes. A code is used up by it."""
    danger: Danger = request.state.danger
    await danger.check(request, operation)
