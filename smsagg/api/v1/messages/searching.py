"""``GET /v1/messages``: an account's messages by time, recipient, state and reference, in pages, the newest first."""

import re
from datetime import timedelta
from typing import Annotated, Protocol

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from smsagg.api.v1.access import account_of, require, sees
from smsagg.api.v1.answering import answered
from smsagg.api.v1.masking import unnamed
from smsagg.api.v1.messages.shapes import Instant, MessagesAnswer, State
from smsagg.api.v1.messages.viewing import view_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.times import milliseconds_of
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.errors import StoreError
from smsagg.events.kinds import WORDS
from smsagg.model import Message, MessageState
from smsagg.tables.cards import currency_of

PAGE_MAX = 200
SPAN = timedelta(days=1)
"""How far back is looked when nothing is said."""
SPAN_MAX = timedelta(days=31)

_CURSOR = re.compile("msg_[0-9a-f]{12}", re.ASCII)


class MessageSearch(Protocol):
    """Finds messages in the store without holding up anybody."""

    async def __call__(
        self,
        *,
        account: str,
        since: int,
        until: int,
        to: str,
        states: tuple[MessageState, ...],
        reference: str,
        before_seq: int,
        limit: int,
    ) -> tuple[list[Message], int]:
        """A page and where the next one goes on (0: nowhere); raises StoreError."""
        ...


class Searching:
    """The endpoint."""

    def __init__(self, engine: Engine, search: MessageSearch) -> None:
        self._engine = engine
        self._search = search
        self.router = router = APIRouter(tags=["messages"])
        router.get(
            "/messages",
            response_model=MessagesAnswer,
            responses=problems(422),
            operation_id="search_messages",
            summary="Search for messages",
        )(self.search)

    async def search(
        self,
        request: Request,
        since: Annotated[Instant | None, Query(description="Accepted from then on; default: a day ago.")] = None,
        until: Annotated[Instant | None, Query(description="Accepted before; default: now.")] = None,
        to: Annotated[str, Query(max_length=32)] = "",
        state: Annotated[State | None, Query()] = None,
        reference: Annotated[str, Query(max_length=100)] = "",
        cursor: Annotated[str, Query(description="`next_cursor` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """The newest first. A page may hold less than `limit` and still have a `next_cursor`: then more is to be looked
        through."""
        caller: Caller = request.state.caller
        require(caller, "messages:read")
        account = account_of(caller, self._engine.accounts)
        core = self._engine.core
        now = core.clock.now_ms()
        until_ms = now + 1 if until is None else milliseconds_of(until, "until")
        since_ms = until_ms - _ms(SPAN) if since is None else milliseconds_of(since, "since")
        if not 0 <= until_ms - since_ms <= _ms(SPAN_MAX):
            reason = f"must be before until, by at most {SPAN_MAX.days} days"
            raise Problem(422, "invalid-span", f"since {reason}.", [{"path": "since", "detail": reason}])
        try:
            found, before_seq = await self._search(
                account=account.name,
                since=since_ms,
                until=until_ms,
                to=to.strip().lstrip("+"),
                states=_states(state),
                reference=reference,
                before_seq=_seq(cursor),
                limit=limit,
            )
        except StoreError as error:
            detail = "The store cannot be asked just now."
            raise Problem(503, "store-failing", detail, headers={"Retry-After": "1"}) from error
        currency, is_priced = currency_of(core.config, account.settings), account.name in core.tables.prices
        messages = [view_of([message], currency, is_priced, now) for message in found]
        messages = [message for message in messages if state is None or message["state"] == state]
        if not sees(caller):
            messages = [unnamed(message) for message in messages]
        return answered({"messages": messages, "next_cursor": f"msg_{before_seq:012x}" if before_seq else None})


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def _states(state: State | None) -> tuple[MessageState, ...]:
    word = "queued" if state == "scheduled" else state
    return tuple(known for known, called in WORDS.items() if called == word)


def _seq(cursor: str) -> int:
    if not cursor:
        return 0
    if _CURSOR.fullmatch(cursor):
        return int(cursor[4:], 16)
    raise Problem(422, "invalid-cursor", "That is no cursor.", [{"path": "cursor", "detail": "unknown"}])
