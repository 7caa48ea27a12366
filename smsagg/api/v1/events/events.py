"""``/v1/events``: what happened, in pages, or as it happens."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated

import orjson
import trio
from attrs import define, field
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from smsagg.api.v1.access import account_of, require, sees
from smsagg.api.v1.asking import asked, event_id_after
from smsagg.api.v1.masking import masked_envelope_of
from smsagg.api.v1.messages.shapes import EventsAnswer
from smsagg.api.v1.problem import Problem, problems
from smsagg.config.event_kinds import EVENT_KINDS, TEST
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.errors import StoreError
from smsagg.events import envelope_of
from smsagg.events.documents import name_of
from smsagg.model import Event

PAGE_MAX = 1_000
STREAMS_MAX = 100
"""Streams that are open at once; each costs a connection."""
STREAMS_OF_ACCOUNT_MAX = 20
"""Of these, an account's."""
KEEP_ALIVE_S = 15.0
"""A stream with nothing to say says so, so that nobody between cuts it."""

Kinds = Annotated[list[str] | None, Query(alias="type", description="Only events of these types; may be repeated.")]


@define(eq=False)
class _Stream:
    """One that is open."""

    account: str
    wake: trio.Event = field(factory=trio.Event)


class _StreamResponse(StreamingResponse):
    """A stream that is over when its request is, also when that ends while the client takes nothing."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncGenerator[bytes, None]) -> None:
        super().__init__(content)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._content):
            await super().__call__(scope, receive, send)


class Events:
    """The endpoints, over an engine."""

    def __init__(self, engine: Engine, holds: Callable[[Caller], bool]) -> None:
        """``holds`` says whether who was let in would be so still."""
        self._engine = engine
        self._holds = holds
        self._streams: set[_Stream] = set()
        engine.events.on_noted.append(self._on_noted)
        self.router = router = APIRouter(tags=["events"])
        router.get(
            "/events",
            response_model=EventsAnswer,
            responses=problems(422),
            operation_id="list_events",
            summary="What happened, in order",
        )(self.list)
        router.get(
            "/events/stream",
            response_class=StreamingResponse,
            responses={
                200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
                **problems(422, 429),
            },
            operation_id="stream_events",
            summary="What happens, as it happens",
        )(self.stream)

    def look_again(self) -> None:
        """End the streams of callers who would not be let in any more."""
        for stream in self._streams:
            stream.wake.set()

    async def list(
        self,
        request: Request,
        cursor: Annotated[str, Query(description="`next_cursor` of the page before; empty: from the oldest.")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
        type: Kinds = None,
    ) -> Response:
        """Of accounts that follow what happens (`events = true`, or a webhook), for as long as events are kept."""
        account = self._caller(request)
        store = self._engine.core.store
        found = await asked(store.find_events(account, event_id_after(cursor), limit, kinds=_known(type)))
        return Response(_page(found, limit, _envelope_for(request.state.caller)), media_type="application/json")

    async def stream(
        self,
        request: Request,
        last_event_id: Annotated[str, Header(alias="Last-Event-ID", description="Go on behind this one.")] = "",
        type: Kinds = None,
    ) -> Response:
        """Server-sent events. A client that comes back with `Last-Event-ID` misses nothing; without, it begins now."""
        account = self._caller(request)
        kinds = _known(type)
        if not self._has_room(account):
            detail = f"At most {STREAMS_MAX} streams are open at once, and {STREAMS_OF_ACCOUNT_MAX} of an account."
            raise Problem(429, "too-many-streams", detail)
        after = event_id_after(last_event_id) if last_event_id else self._engine.events.last_id
        return _StreamResponse(self._follow(request.state.caller, after, kinds))

    def _has_room(self, account: str) -> bool:
        own = sum(stream.account == account for stream in self._streams)
        return len(self._streams) < STREAMS_MAX and own < STREAMS_OF_ACCOUNT_MAX

    async def _follow(self, caller: Caller, after: int, kinds: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Until the client goes away, it would not be let in any more, or the store fails; then it comes back."""
        if not self._has_room(caller.account):  # others came while the answer began
            return
        stream, envelope = _Stream(caller.account), _envelope_for(caller)
        self._streams.add(stream)
        try:
            yield b": here\n\n"
            while self._holds(caller):
                stream.wake = trio.Event()
                found = await self._engine.core.store.find_events(caller.account, after, PAGE_MAX, kinds=kinds)
                for event in found:
                    after = event.event_id
                    name = name_of(event.event_id).encode()
                    yield b"id: %s\nevent: %s\ndata: %s\n\n" % (name, event.kind.encode(), envelope(event))
                if not found:
                    with trio.move_on_after(KEEP_ALIVE_S) as waited:
                        await stream.wake.wait()
                    if waited.cancelled_caught:
                        yield b": still here\n\n"
        except StoreError:
            return
        finally:
            self._streams.remove(stream)

    def _on_noted(self, account: str, _endpoints: Sequence[str]) -> None:
        for stream in self._streams:
            if stream.account == account:
                stream.wake.set()

    def _caller(self, request: Request) -> str:
        caller: Caller = request.state.caller
        require(caller, "events:read")
        return account_of(caller, self._engine.accounts).name


def _envelope_for(caller: Caller) -> Callable[[Event], bytes]:
    return envelope_of if sees(caller) else masked_envelope_of


def _page(found: Sequence[Event], limit: int, envelope: Callable[[Event], bytes]) -> bytes:
    events = [orjson.Fragment(envelope(event)) for event in found]
    cursor = name_of(found[-1].event_id) if len(found) == limit else None
    return orjson.dumps({"events": events, "next_cursor": cursor})


def _known(kinds: Sequence[str] | None) -> Sequence[str]:
    for kind in kinds or ():
        if kind not in (*EVENT_KINDS, TEST):
            reason = f"there are {', '.join(EVENT_KINDS)}"
            raise Problem(422, "unknown-type", "There is no such type of event.", [{"path": "type", "detail": reason}])
    return tuple(kinds or ())
