"""The asynchronous client."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from random import Random
from types import TracebackType
from typing import Any

import anyio
import httpx2

from smsagg.client import calls
from smsagg.client.asks import Ask, Listing, T
from smsagg.client.calls import Call, Patience
from smsagg.client.shapes import BatchResult, Event, Message, batch_of, event_of, message_of


class AsyncClient:
    """Calls the API with one key; an asynchronous context manager, on trio or asyncio. Connections are kept.

    Every call raises :class:`~smsagg.client.errors.ApiError` for a problem that the API tells, and
    :class:`~smsagg.client.errors.Unreachable` when it does not answer, also when asked again ``retries`` times.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float = calls.TIMEOUT_S,
        retries: int = calls.RETRIES,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """``url`` is the server's: ``https://sms.example``. ``transport`` is for tests and proxies."""
        self._retries = retries
        self._rng = Random()
        self._http = httpx2.AsyncClient(
            base_url=url, headers=calls.headers_of(key), timeout=timeout_s, transport=transport, follow_redirects=False
        )

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self,
        *,
        to: str,
        text: str = "",
        template: str | None = None,
        params: Mapping[str, Any] | None = None,
        locale: str = "",
        sender: str = "",
        message_type: str | None = None,
        region: str | None = None,
        ttl: int | None = None,
        send_at: datetime | None = None,
        priority: int | None = None,
        reference: str = "",
        callback_url: str = "",
        idempotency_key: str = "",
    ) -> Message:
        """Send one message; when this returns it is safe on disk. It is sent once, however often the call had to be
        made: with an ``idempotency_key`` of your own also when your process died and makes the call anew.
        """
        fields = {
            "message_type": message_type, "region": region, "ttl": ttl, "send_at": send_at, "priority": priority,
            "reference": reference, "callback_url": callback_url, "template": template, "params": params,
            "locale": locale,
        }  # fmt: skip
        document = calls.message_document(to, text, sender, fields)
        return message_of((await self._answer(calls.sending("/v1/messages", document, idempotency_key))).json())

    async def send_batch(
        self, messages: Sequence[Mapping[str, Any]], *, idempotency_key: str = ""
    ) -> list[BatchResult]:
        """Send many in one call, each with the API's members (``to``, ``from``, ``text`` …); what became of
        each, in their order. Those that are taken are safe on disk, and are sent once.
        """
        call = calls.sending("/v1/messages/batch", {"messages": list(messages)}, idempotency_key)
        return batch_of((await self._answer(call)).json())

    async def get(self, message_id: str) -> Message:
        """A message as it stands now."""
        return message_of((await self._answer(calls.looking(message_id))).json())

    async def cancel(self, message_id: str) -> Message:
        """Have it never sent; ``already-sent`` when a carrier has it, or it is over."""
        return message_of((await self._answer(calls.cancelling(message_id))).json())

    async def search(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        to: str = "",
        state: str = "",
        reference: str = "",
    ) -> AsyncIterator[Message]:
        """Messages of a span (default: the last day), the newest first, page by page as they are asked for."""
        sought = {"since": since, "until": until, "to": to, "state": state, "reference": reference}
        cursor: str | None = ""
        while cursor is not None:
            page = (await self._answer(calls.searching(sought, cursor))).json()
            for document in page["messages"]:
                yield message_of(document)
            cursor = page["next_cursor"]

    async def events_of(self, message_id: str) -> list[Event]:
        """What happened to one message, the oldest first, followed or not: each attempt too, and its end."""
        return [event_of(document) for document in (await self._answer(calls.telling(message_id))).json()["events"]]

    async def events(self, *, types: Sequence[str] = (), after: str = "") -> AsyncIterator[Event]:
        """What happened, the oldest first: behind the event ``after``; ends with the latest."""
        cursor: str | None = after
        while cursor is not None:
            page = (await self._answer(calls.listing_events(types, cursor))).json()
            for document in page["events"]:
                yield event_of(document)
            cursor = page["next_cursor"]

    async def stream(self, *, types: Sequence[str] = (), after: str = "") -> AsyncIterator[Event]:
        """What happens, as it happens, for ever. A stream that breaks is taken up behind its last event, so that none
        is missed; without ``after`` it begins now.
        """
        patience = Patience(self._retries, self._rng)
        while True:
            call = calls.streaming(types, after)
            timeout = httpx2.Timeout(calls.TIMEOUT_S, read=calls.STREAM_SILENCE_S)
            try:
                async with self._http.stream(call.method, call.path, params=call.params, headers=call.headers,
                                          timeout=timeout) as response:  # fmt: skip
                    if response.status_code >= 300:
                        await response.aread()
                        pause_s = patience.after_answer(call, response)
                        if pause_s is None:
                            raise calls.error_of(response) or AssertionError(response.status_code)
                    else:
                        lines = calls.EventLines()
                        async for line in response.aiter_lines():
                            for event in lines.feed(line):
                                patience = Patience(self._retries, self._rng)
                                after = event.id or after
                                yield event
                        pause_s = calls.PAUSE_FIRST_S
            except httpx2.TransportError as error:
                pause_s = patience.after_failure(call, error)
            await anyio.sleep(pause_s)

    async def ask(self, asked: Ask[T]) -> T:
        """Anything else that the API has: ``client.ask(verifications.check(id, "123456"))``."""
        return asked.read(await self._answer(asked.call))

    async def each(self, listing: Listing[T]) -> AsyncIterator[T]:
        """The things of a list, page by page as they are asked for: ``client.each(keys.all())``."""
        cursor: str | None = ""
        while cursor is not None:
            page = (await self._answer(listing.page(cursor))).json()
            for one in listing.read(page):
                yield one
            cursor = page.get("next_cursor")

    async def _answer(self, call: Call) -> httpx2.Response:
        """The answer, after as many attempts as it takes."""
        patience = Patience(self._retries, self._rng)
        while True:
            try:
                response = await self._http.request(
                    call.method, call.path, params=call.params, content=call.body, headers=call.headers
                )
            except httpx2.TransportError as error:
                pause_s: float | None = patience.after_failure(call, error)
            else:
                pause_s = patience.after_answer(call, response)
                if pause_s is None:
                    problem = calls.error_of(response)
                    if problem is not None:
                        raise problem
                    return response
            assert pause_s is not None
            await anyio.sleep(pause_s)
