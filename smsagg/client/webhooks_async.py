"""Webhooks by the asynchronous client: :attr:`AsyncClient.webhooks`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from smsagg.client import webhook_calls as calls
from smsagg.client.calls import Call
from smsagg.client.webhook_calls import Asking, said
from smsagg.client.webhook_shapes import Secret, Webhook

Given = TypeVar("Given")


class AsyncWebhooks:
    """The account's webhooks. Errors are those of the client."""

    def __init__(self, ask: Callable[[Call], Awaitable[Any]]) -> None:
        self._ask = ask

    async def all(self) -> list[Webhook]:
        """Those of the server's configuration file, too."""
        return await self._do(calls.listing())

    async def get(self, name: str) -> Webhook:
        """One, and how it stands."""
        return await self._do(calls.looking(name))

    async def make(
        self,
        name: str,
        url: str,
        *,
        events: Sequence[str] = (),
        rate: float | None = None,
        concurrency: int | None = None,
        batch_max: int | None = None,
        secret: str | None = None,
    ) -> Webhook:
        """A new one, told of ``events`` (default: of everything). Its ``secret`` is in the answer, and never again."""
        members = said(
            events=list(events) or None, rate=rate, concurrency=concurrency, batch_max=batch_max, secret=secret
        )
        return await self._do(calls.making(name, url, members))

    async def change(self, name: str, **members: Any) -> Webhook:
        """Other ``url``, ``events``, ``rate`` (``None``: no limit), ``concurrency`` or ``batch_max``."""
        return await self._do(calls.changing(name, members))

    async def delete(self, name: str) -> None:
        """It is told nothing more, and what it is owed is forgotten."""
        await self._do(calls.deleting(name))

    async def rotate_secret(self, name: str, *, secret: str | None = None, overlap_s: int | None = None) -> Secret:
        """Another secret; the old one signs too for ``overlap_s`` (default: a day)."""
        return await self._do(calls.rotating(name, said(secret=secret, overlap_s=overlap_s)))

    async def rotate_callback_secret(self, *, secret: str | None = None, overlap_s: int | None = None) -> Secret:
        """The same of the secret that signs what is told to a message's ``callback_url``; the first one, too."""
        return await self._do(calls.rotating_callbacks(said(secret=secret, overlap_s=overlap_s)))

    async def enable(self, name: str) -> Webhook:
        """Tell it again."""
        return await self._do(calls.enabling(name))

    async def disable(self, name: str) -> Webhook:
        """Tell it nothing for now."""
        return await self._do(calls.disabling(name))

    async def test(self, name: str) -> str:
        """Send it an event; the id of that."""
        return await self._do(calls.testing(name))

    async def replay(
        self, name: str, *, since: datetime, until: datetime | None = None, types: Sequence[str] = ()
    ) -> int:
        """Send it what happened in that span again; how many events."""
        owed, cursor = await self._do(calls.replaying(name, since, until, types, ""))
        while cursor is not None:
            more, cursor = await self._do(calls.replaying(name, since, until, types, cursor))
            owed += more
        return owed

    async def _do(self, asking: Asking[Given]) -> Given:
        return asking.read(await self._ask(asking.call))
