"""Webhooks by the synchronous client: :attr:`Client.webhooks`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from smsagg.client import webhook_calls as calls
from smsagg.client.calls import Call
from smsagg.client.webhook_calls import Asking, said
from smsagg.client.webhook_shapes import Secret, Webhook

Given = TypeVar("Given")


class Webhooks:
    """The account's webhooks. Errors are those of the client."""

    def __init__(self, ask: Callable[[Call], Any]) -> None:
        self._ask = ask

    def all(self) -> list[Webhook]:
        """Those of the server's configuration file, too."""
        return self._do(calls.listing())

    def get(self, name: str) -> Webhook:
        """One, and how it stands."""
        return self._do(calls.looking(name))

    def make(
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
        return self._do(calls.making(name, url, members))

    def change(self, name: str, **members: Any) -> Webhook:
        """Other ``url``, ``events``, ``rate`` (``None``: no limit), ``concurrency`` or ``batch_max``."""
        return self._do(calls.changing(name, members))

    def delete(self, name: str) -> None:
        """It is told nothing more, and what it is owed is forgotten."""
        self._do(calls.deleting(name))

    def rotate_secret(self, name: str, *, secret: str | None = None, overlap_s: int | None = None) -> Secret:
        """Another secret; the old one signs too for ``overlap_s`` (default: a day)."""
        return self._do(calls.rotating(name, said(secret=secret, overlap_s=overlap_s)))

    def rotate_callback_secret(self, *, secret: str | None = None, overlap_s: int | None = None) -> Secret:
        """The same of the secret that signs what is told to a message's ``callback_url``; the first one, too."""
        return self._do(calls.rotating_callbacks(said(secret=secret, overlap_s=overlap_s)))

    def enable(self, name: str) -> Webhook:
        """Tell it again."""
        return self._do(calls.enabling(name))

    def disable(self, name: str) -> Webhook:
        """Tell it nothing for now."""
        return self._do(calls.disabling(name))

    def test(self, name: str) -> str:
        """Send it an event; the id of that."""
        return self._do(calls.testing(name))

    def replay(self, name: str, *, since: datetime, until: datetime | None = None, types: Sequence[str] = ()) -> int:
        """Send it what happened in that span again; how many events."""
        owed, cursor = self._do(calls.replaying(name, since, until, types, ""))
        while cursor is not None:
            more, cursor = self._do(calls.replaying(name, since, until, types, cursor))
            owed += more
        return owed

    def _do(self, asking: Asking[Given]) -> Given:
        return asking.read(self._ask(asking.call))
