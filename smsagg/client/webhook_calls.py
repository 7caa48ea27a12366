"""What both clients ask about webhooks and messages from handsets: each call with what becomes of its answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from smsagg.client.calls import PAGE, Call
from smsagg.client.webhook_shapes import Secret, Webhook, secret_of, webhook_of

Given = TypeVar("Given")


class Asking(NamedTuple, Generic[Given]):
    """A call, and what its answer becomes."""

    call: Call
    read: Callable[[Any], Given]


def listing() -> Asking[list[Webhook]]:
    return Asking(Call("GET", "/v1/webhooks"), lambda found: [webhook_of(one) for one in found["webhooks"]])


def looking(name: str) -> Asking[Webhook]:
    return Asking(Call("GET", _path(name)), webhook_of)


def making(name: str, url: str, members: Mapping[str, Any]) -> Asking[Webhook]:
    """Not to be repeated blindly: the second time there is one of this name."""
    return Asking(_saying("POST", "/v1/webhooks", {"name": name, "url": url, **members}), webhook_of)


def changing(name: str, members: Mapping[str, Any]) -> Asking[Webhook]:
    return Asking(_saying("PATCH", _path(name), members, is_repeatable=True), webhook_of)


def deleting(name: str) -> Asking[None]:
    return Asking(Call("DELETE", _path(name), is_repeatable=False), lambda _: None)


def rotating(name: str, members: Mapping[str, Any]) -> Asking[Secret]:
    return Asking(_saying("POST", f"{_path(name)}/rotate-secret", members), secret_of)


def rotating_callbacks(members: Mapping[str, Any]) -> Asking[Secret]:
    return Asking(_saying("POST", "/v1/callback-secret", members), secret_of)


def enabling(name: str) -> Asking[Webhook]:
    return Asking(Call("POST", f"{_path(name)}/enable"), webhook_of)


def disabling(name: str) -> Asking[Webhook]:
    return Asking(Call("POST", f"{_path(name)}/disable"), webhook_of)


def testing(name: str) -> Asking[str]:
    return Asking(Call("POST", f"{_path(name)}/test", is_repeatable=False), lambda answer: str(answer["event"]))


def replaying(
    name: str, since: datetime, until: datetime | None, types: Sequence[str], cursor: str
) -> Asking[tuple[int, str | None]]:
    """How many events, and where to go on. Repeated, it owes nothing twice that still waits."""
    members = said(since=since, until=until, types=list(types) or None, cursor=cursor or None)
    call = _saying("POST", f"{_path(name)}/replay", members, is_repeatable=True)
    return Asking(call, lambda answer: (answer["owed"], answer["next_cursor"]))


def reading_inbound(sought: Mapping[str, Any], cursor: str) -> Call:
    params = {name: value for name, value in {**sought, "cursor": cursor, "limit": PAGE}.items() if value}
    return Call("GET", "/v1/inbound", params={name: _written(value) for name, value in params.items()})


def said(**members: Any) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def _path(name: str) -> str:
    if not name or any(not (c.isalnum() or c in "._-") for c in name):
        raise ValueError(f"{name!r} is no name of a webhook")
    return f"/v1/webhooks/{name}"


def _saying(method: str, path: str, members: Mapping[str, Any], *, is_repeatable: bool = False) -> Call:
    body = json.dumps(members, default=_written).encode()
    return Call(method, path, body=body, headers={"Content-Type": "application/json"}, is_repeatable=is_repeatable)


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
