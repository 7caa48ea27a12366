"""The commands ``abuse``, ``held`` and ``account`` of the control socket.

Requests: ``{"command": "abuse", "do": "status", "account": ""}``, ``{"do": "clear", "account": "", "prefix": ""}``;
``{"command": "held", "do": "list" | "release" | "reject", "id": "", "account": "", "rule": ""}``, of which the latter
two need one of these, or ``"all": true``; ``{"command": "account", "do": "list"}``, ``{"do": "freeze" | "unfreeze",
"account": NAME, "reason": ""}``.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog

from smsagg.abuse import Checks
from smsagg.control.server import Caller, Send
from smsagg.engine import Engine
from smsagg.engine.admission.holding import rule_of
from smsagg.errors import ControlError
from smsagg.model import Message
from smsagg.smpp.concatenation import UDHI
from smsagg.text import text_of

LISTED_MAX = 10_000

log = structlog.get_logger("smsagg.audit")


class AbuseService:
    """Answers for a running server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler` of ``abuse``."""
        what, account, guard = arguments.get("do"), self._account(arguments), self._engine.guard
        if what == "status":
            for alarm in guard.alarms:
                if account in ("", alarm.finding.account):
                    finding = alarm.finding._asdict()
                    span = {"first_at": alarm.first_at, "last_at": alarm.last_at, "count": alarm.count}
                    await send({"is": "alarm", **finding, **span})
            for name, checks in guard.checks().items():
                if account in ("", name):
                    await self._send_account(name, checks, send)
        elif what == "clear":
            prefix = _text(arguments, "prefix")
            count = guard.clear(account, prefix)
            log.info("abuse_cleared", account=account, prefix=prefix, prefixes=count, uid=caller.uid)
            await send({"prefixes": count})
        else:
            raise ControlError("do: must be status or clear")

    async def serve_held(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler` of ``held``; a batch that was begun is brought to its end."""
        what, holding = arguments.get("do"), self._engine.holding
        if what == "list":
            count = 0
            async for batch in self._wanted(arguments):
                for message in batch:
                    if (count := count + 1) > LISTED_MAX:
                        raise ControlError(f"there are more than {LISTED_MAX}; ask for an account or a rule")
                    await send(record_of(message))
            return
        if what not in ("release", "reject"):
            raise ControlError("do: must be list, release or reject")
        if not any(arguments.get(key) for key in ("id", "account", "rule", "all")):
            raise ControlError("which? an id, an account, a rule, or all")
        act = holding.release if what == "release" else holding.reject
        done = 0
        async for batch in self._wanted(arguments):
            done += await act(batch, f"uid {caller.uid}")
        await send({"messages": done})

    async def serve_account(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler` of ``account``."""
        what, name, engine = arguments.get("do"), self._account(arguments), self._engine
        if what == "list":
            for frozen_name, frozen in engine.freezing.frozen.items():
                await send({"account": frozen_name, "since": frozen.at, "reason": frozen.reason, "by": frozen.by})
            return
        if what not in ("freeze", "unfreeze"):
            raise ControlError("do: must be list, freeze or unfreeze")
        if not name:
            raise ControlError("account: which?")
        by = f"uid {caller.uid}"
        if what == "freeze":
            is_changed = engine.guard.freeze(name, _text(arguments, "reason"), by)
        else:
            is_changed = engine.guard.unfreeze(name, by)
        await engine.core.store.flush()
        await send({"account": name, "changed": is_changed})

    async def _wanted(self, arguments: Mapping[str, Any]) -> AsyncIterator[list[Message]]:
        holding, message_id = self._engine.holding, _text(arguments, "id")
        if message_id:
            found = await holding.find(message_id)
            if not found:
                raise ControlError(f"no message {message_id} is held")
            yield found
            return
        async for batch in holding.held(self._account(arguments), _text(arguments, "rule")):
            yield batch

    async def _send_account(self, name: str, checks: Checks, send: Send) -> None:
        for prefix, block in checks.blocked.items():
            action = "block" if block.throttle is None else "throttle"
            span = {"since": block.since, "until": block.until}
            await send(
                {"is": "prefix", "account": name, "prefix": prefix, "kind": block.kind, "action": action, **span}
            )
        record = {"is": "account", "account": name, "frozen": checks.is_frozen}
        record["remembered"] = checks.counted()
        if checks.usage is not None:
            usage = checks.usage.usage
            record["usage"] = {
                "this_hour": usage.count,
                "usual": round(usage.average),
                "peak": round(usage.peak),
                "countries": sorted(usage.countries),
                "networks": list(usage.networks),
            }
        await send(record)

    def _account(self, arguments: Mapping[str, Any]) -> str:
        name, engine = _text(arguments, "account"), self._engine
        if name and name not in engine.accounts and name not in engine.freezing.frozen:
            raise ControlError(f"there is no account {name}; there are {', '.join(sorted(engine.accounts))}")
        return name


def record_of(message: Message) -> dict[str, Any]:
    """A held message, for people and programs; instants are UTC milliseconds."""
    text = None if message.is_secret else text_of(message.body, message.data_coding, bool(message.esm_class & UDHI))
    return {
        "id": message.message_id,
        "part": message.part_number,
        "account": message.account,
        "rule": rule_of(message),
        "from": message.source_addr,
        "to": message.destination_addr,
        "country": message.country,
        "accepted_at": message.accepted_at,
        "expires_at": message.expires_at,
        "text": text,
    }


def _text(arguments: Mapping[str, Any], key: str) -> str:
    value = arguments.get(key, "")
    if not isinstance(value, str):
        raise ControlError(f"{key}: must be a string")
    return value
