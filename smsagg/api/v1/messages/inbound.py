"""``/v1/inbound``: messages from handsets, for accounts that ask for them."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from smsagg.api.v1.access import account_of, require, sees
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked, event_id_after, event_id_of
from smsagg.api.v1.events.shapes import InboundAnswer, InboundPageAnswer
from smsagg.api.v1.messages.shapes import Instant
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.times import milliseconds_of
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.engine.inbound.mailbox import Inbound, Mailbox, Wanted
from smsagg.events.documents import name_of
from smsagg.observe.log import masked

PAGE_MAX = 200


class InboundMessages:
    """The endpoints, over an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._mailbox = Mailbox(engine.core.store)
        self.router = router = APIRouter(tags=["inbound"])
        router.get(
            "/inbound",
            response_model=InboundPageAnswer,
            responses=problems(409, 422),
            operation_id="list_inbound",
            summary="Messages from handsets, in the order in which they came",
        )(self.list)
        router.get(
            "/inbound/{message_id}",
            response_model=InboundAnswer,
            responses=problems(404, 409),
            operation_id="get_inbound",
            summary="Look at a message from a handset",
        )(self.show)

    async def list(
        self,
        request: Request,
        cursor: Annotated[str, Query(description="`next_cursor`, or the id of the last one that you have.")] = "",
        since: Annotated[Instant | None, Query(description="Received from then on.")] = None,
        until: Annotated[Instant | None, Query(description="Received before.")] = None,
        to: Annotated[str, Query(max_length=32, description="Written to this number.")] = "",
        sender: Annotated[str, Query(alias="from", max_length=32, description="Written by this number.")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """For as long as events are kept. Who goes on behind the last one that it has misses none; a page may hold less
        than `limit` and still have a `next_cursor`: then more is to be looked through."""
        account, is_shown = self._reader(request)
        wanted = Wanted(
            since=0 if since is None else milliseconds_of(since, "since"),
            until=None if until is None else milliseconds_of(until, "until"),
            to=to.strip().lstrip("+"),
            sender=sender.strip().lstrip("+"),
        )
        found, more = await asked(self._mailbox.read(account, wanted, event_id_after(cursor), limit))
        messages = [_told(one, is_shown) for one in found]
        return answered({"messages": messages, "next_cursor": name_of(more) if more else None})

    async def show(self, request: Request, message_id: str) -> Response:
        """A foreign id answers as an unknown one."""
        account, is_shown = self._reader(request)
        event_id = event_id_of(message_id)
        found = None if event_id is None else await asked(self._mailbox.find(account, event_id))
        if found is None:
            raise Problem(404, "unknown-message", "There is no such message, or it is not kept any more.")
        return answered(_told(found, is_shown))

    def _reader(self, request: Request) -> tuple[str, bool]:
        """Whose messages are read, and whether with texts and whole numbers."""
        caller: Caller = request.state.caller
        require(caller, "messages:read")
        account = account_of(caller, self._engine.accounts)
        if account.settings.inbound == "smpp" and not self._engine.events.follows(account.name):
            detail = "Messages from handsets go to this account's SMPP sessions only (accounts.NAME.inbound)."
            raise Problem(409, "inbound-by-smpp", detail)
        return account.name, sees(caller)


def _told(one: Inbound, is_shown: bool) -> dict[str, Any]:
    data: Mapping[str, Any] = one.data
    return {
        "id": name_of(one.event_id),
        "to": data["to"],
        "from": data["from"] if is_shown else masked(data["from"]),
        "text": data["text"] if is_shown else None,
        "body": data["body"] if is_shown else None,
        "data_coding": data["data_coding"],
        "received_at": data["received_at"],
        "sandbox": data.get("sandbox", False),
    }
