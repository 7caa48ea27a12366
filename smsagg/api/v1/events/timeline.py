"""``/v1/messages/{id}/events``: what happened to one message, whether or not its account follows what happens."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from smsagg.api.v1.access import account_of, require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.events.shapes import TimelineAnswer
from smsagg.api.v1.problem import Problem, problems
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.events.documents import instant, name_of
from smsagg.events.timeline import Happening, timeline_of
from smsagg.model import Event, Message

EVENTS_MAX = 100
"""Of one message; it has fewer."""


class Timeline:
    """The endpoint, over an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.router = router = APIRouter(tags=["events"])
        router.get(
            "/messages/{message_id}/events",
            response_model=TimelineAnswer,
            responses=problems(404),
            operation_id="list_message_events",
            summary="What happened to one message",
        )(self.of_message)

    async def of_message(self, request: Request, message_id: str) -> Response:
        """Accepted, queued, each attempt with what came of it, sent, and its end with the cause."""
        caller: Caller = request.state.caller
        require(caller, "events:read")
        account = account_of(caller, self._engine.accounts).name
        wholes, rows, noted = await asked(self._look_up(account, message_id))
        if not wholes:
            raise Problem(404, "unknown-message", "There is no such message.")
        happenings = timeline_of(wholes[0], rows, noted)
        return answered({"events": [_document(one) for one in happenings]})

    async def _look_up(self, account: str, message_id: str) -> tuple[list[Message], list[Message], Sequence[Event]]:
        """The message as its customer knows it, its parts, and what was noted of it."""
        control = self._engine.control
        wholes = await control.find_all(account, message_id)
        if not wholes:
            return [], [], []
        rows = [row for row in await control.find_rows(message_id) if row.account == account]
        if wholes[0].group is None or not wholes[0].group.is_split:
            rows = [row for row in rows if row.seq == wholes[0].seq]
        noted = await self._engine.core.store.find_events(account, 0, EVENTS_MAX, message_id=message_id)
        return wholes, rows, noted


def _document(one: Happening) -> dict[str, Any]:
    return {
        "type": one.kind,
        "id": name_of(one.event_id) if one.event_id else None,
        "timestamp": instant(one.at),
        "data": {name: instant(value) if name == "not_before" else value for name, value in one.data.items()},
    }
