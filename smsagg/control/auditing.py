"""Notes in the audit trail what operators ask for over the control socket, before it is done: what cannot be noted is
not done.

Every command is noted but those that only look (:data:`LOOKING`), so that no new one is forgotten; a command that was
refused afterwards is noted as such.
"""

import pwd
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import trio

from smsagg.control.server import Caller, Handler, Send
from smsagg.directory.audit import Actor

Noting = Callable[[Actor, str, str, Mapping[str, Any], str | None], AbstractAsyncContextManager[None]]
"""See :meth:`smsagg.engine.directory.register.Register.noting`."""

EVERY = frozenset({"*"})
LOOKING: Mapping[str, frozenset[str]] = {
    "trace": EVERY,
    "explain": EVERY,
    "reload": EVERY,
    "config": EVERY,
    "receipts": frozenset({"unmatched", "dialects"}),
    "money": frozenset({"balance", "statement"}),
    "carriers": frozenset({"status"}),
    "drill": frozenset({"report"}),
    "abuse": frozenset({"status"}),
    "held": frozenset({"list"}),
    "account": frozenset({"list"}),
    "numbers": frozenset({"list", "show", "pool", "allocations", "conversations"}),
    "suppress": frozenset({"find", "export"}),
    "personal-data": EVERY,
}
"""What each command does that changes nothing, or that notes itself: who puts a configuration in force does."""
SUBJECTS = ("account", "carrier", "name", "pool", "id", "file")
"""What an action was done to: the first of these that the request says."""
DETAILS = frozenset(
    {
        "account", "carrier", "pool", "kind", "country", "for_s", "force", "unbind", "reason", "amount", "note",
        "reference", "rule", "id", "dry_run", "resp_id", "receipt_id", "id_case",
        "id_strip_zeros", "all", "prefix", "until", "for", "from", "file", "rotation", "limit", "period",
        "quarantine", "low_mark", "purpose", "types", "fallback", "sender", "count",
    }
)  # fmt: skip
"""What of a request is kept: names and settings, no bodies and nobody's numbers."""
CHARACTERS_MAX = 200


def audited(handlers: Mapping[str, Handler], noting: Noting) -> dict[str, Handler]:
    """The same handlers, each of which notes first what it is asked to do."""
    return {name: _audited(name, handler, noting) for name, handler in handlers.items()}


def _audited(command: str, handler: Handler, noting: Noting) -> Handler:
    looking = LOOKING.get(command, frozenset())

    async def serve(arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        what = str(arguments.get("do", ""))
        if looking is EVERY or what in looking:
            await handler(arguments, send, caller)
            return
        by, action = await actor_of(caller), f"{command}.{what[:CHARACTERS_MAX]}"
        subject = next((_short(arguments[key]) for key in SUBJECTS if arguments.get(key)), "")
        details, account = details_of(arguments), arguments.get("account")
        concerned = _short(account) if account else ""
        async with noting(by, action, subject, details, concerned):
            await handler(arguments, send, caller)

    return serve


async def actor_of(caller: Caller) -> Actor:
    """The Unix user, by name if the system knows one."""
    return Actor(f"unix:{await trio.to_thread.run_sync(_user_name, caller.uid)}")


def details_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What of a request the trail keeps; of numbers how many."""
    details = {key: _short(value) for key, value in arguments.items() if key in DETAILS and value not in ("", None)}
    numbers = arguments.get("numbers")
    if isinstance(numbers, list):
        details["numbers"] = len(numbers)
    return details


def _short(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    return str(value)[:CHARACTERS_MAX]


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
