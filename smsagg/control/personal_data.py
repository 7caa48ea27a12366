"""The command ``personal-data`` of the control socket: having a number taken out of all records.

Requests: ``{"command": "personal-data", "do": "erase", "number": NUMBER, "account": ""}``, ``{"do": "status", "id": ID,
"account": ""}``. Without an account it is all that there is.
"""

from collections.abc import Mapping
from typing import Any

from smsagg.consent.listing import number_of
from smsagg.control.auditing import actor_of
from smsagg.control.server import Caller, Send
from smsagg.engine import Engine
from smsagg.engine.erasing.erasures import Erasure
from smsagg.errors import ControlError


class PersonalDataService:
    """Answers for a running server. Who asks is noted with the erasure, without the number."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler`; an erasure goes on when the caller goes away."""
        what, account = arguments.get("do"), str(arguments.get("account", ""))
        if account and account not in self._engine.accounts:
            raise ControlError(f"there is no account {account}")
        if what == "erase":
            digits = number_of(str(arguments.get("number", "")))
            if digits is None:
                raise ControlError("that is no international number")
            erasure = await self._engine.erasures.start(await actor_of(caller), account, digits)
            await send(_told(erasure))
        elif what == "status":
            found = self._engine.erasures.find(account, str(arguments.get("id", "")))
            if found is None:
                raise ControlError("there is no such erasure")
            await send(_told(found))
        else:
            raise ControlError(f"personal-data does not know how to {what}")


def _told(erasure: Erasure) -> dict[str, Any]:
    return {
        "id": erasure.erasure_id,
        "state": erasure.state,
        "pseudonym": erasure.pseudonym,
        "changed": erasure.changed,
    }
