"""``/v1/suppressions`` and ``/v1/consents``: the lists of an account; ``/v1/admin/suppressions``: the operator's, which
holds for all accounts.

What is answered is in the store, and in force for every message from then on, also for those that wait.
"""

import io
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response, StreamingResponse

from smsagg.api.v1.access import account_of, actor_of, operator_of, require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.consent.shapes import ImportAnswer, ListAnswer, NewConsent, NewSuppression, RecordAnswer
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as, read_csv
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.resources.changing import changing
from smsagg.api.v1.times import milliseconds_of
from smsagg.config.csv_rows import FileProblems
from smsagg.consent import sender_key
from smsagg.consent.listing import header_line, list_lines, number_of, read_list
from smsagg.directory.audit import AuditEntry, entry_of
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.events.documents import instant
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.observe.log import masked

PAGE_MAX = 1_000
PROBLEMS_MAX = 50
CSV = "text/csv"

New = NewSuppression | NewConsent


class ConsentList(NamedTuple):
    """One of the lists, and who may do what with it."""

    path: str
    name: str
    """For the names of its operations: ``suppression``."""
    what: str
    """For people: ``suppressed numbers``."""
    kind: ConsentKind
    shape: type[New]
    reads: str
    writes: str
    is_operators: bool = False

    def operation(self, verb: str, ending: str = "") -> str:
        """An operationId."""
        return f"{'admin_' * self.is_operators}{verb}_{self.name}{ending}"


LISTS = (
    ConsentList(
        "/suppressions", "suppression", "suppressed numbers", ConsentKind.SUPPRESSION, NewSuppression, "consent:read",
        "consent:write",
    ),
    ConsentList(
        "/consents", "consent", "opt-ins", ConsentKind.OPT_IN, NewConsent, "consent:read", "consent:write"
    ),
    ConsentList(
        "/admin/suppressions", "suppression", "numbers that are suppressed for all accounts",
        ConsentKind.SUPPRESSION, NewSuppression, "admin:read", "compliance:write", is_operators=True,
    ),
)  # fmt: skip


class Consents:
    """The endpoints of one list, over an engine."""

    def __init__(self, engine: Engine, of: ConsentList, turn: Callable[[], Awaitable[None]]) -> None:
        """``turn`` waits until there may be worked on some records more."""
        self._engine = engine
        self._of = of
        self._turn = turn
        self._adapter: TypeAdapter[New] = TypeAdapter(of.shape)
        self.router = router = APIRouter(tags=["consent"])
        example: dict[str, Any] = {"number": "+447700900123", "evidence": "asked by telephone"}
        csv_body = {"required": True, "content": {CSV: {"schema": {"type": "string"}, "example": _EXAMPLE}}}
        router.get(
            of.path,
            response_model=ListAnswer,
            responses=problems(422),
            operation_id=of.operation("list", "s"),
            summary=f"The {of.what}",
        )(self.page)
        router.post(
            of.path,
            status_code=201,
            response_model=RecordAnswer,
            responses=problems(409, 415, 422),
            openapi_extra=json_of(of.shape, {"one number": example}),
            operation_id=of.operation("add"),
            summary=f"Add a number to the {of.what}, or say more of it",
        )(self.add)
        router.get(
            f"{of.path}/export",
            response_class=StreamingResponse,
            responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}, **problems()},
            operation_id=of.operation("export", "s"),
            summary=f"The {of.what} as CSV",
        )(self.export)
        router.post(
            f"{of.path}/import",
            response_model=ImportAnswer,
            responses=problems(409, 415, 422),
            openapi_extra={"requestBody": csv_body},
            operation_id=of.operation("import", "s"),
            summary=f"Add a CSV file to the {of.what}",
        )(self.import_)
        router.get(
            f"{of.path}/{{number}}",
            response_model=ListAnswer,
            responses=problems(404, 422),
            operation_id=of.operation("get"),
            summary=f"Look for a number among the {of.what}",
        )(self.show)
        router.delete(
            f"{of.path}/{{number}}",
            status_code=204,
            responses=problems(404, 422),
            operation_id=of.operation("remove"),
            summary=f"Remove a number from the {of.what}",
        )(self.remove)

    async def page(
        self,
        request: Request,
        cursor: Annotated[str, Query(max_length=200, description="`next_cursor` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
    ) -> Response:
        """By number and sender."""
        account = self._account(request, self._of.reads, "texts:read")
        after = self._record(account, *_read_cursor(cursor)) if cursor else None
        found = await asked(self._engine.consents.list(self._of.kind, account, after, limit))
        return _answered(found, _cursor(found[-1]) if len(found) == limit else None)

    async def show(self, request: Request, number: str) -> Response:
        """All of its records: one of any sender, one of each sender that it was said of."""
        account = self._account(request, self._of.reads)
        found = await asked(self._engine.consents.find(self._of.kind, account, _digits(number)))
        if not found:
            raise _unknown()
        return _answered(found, None)

    async def add(self, request: Request) -> Response:
        """In force when it is answered."""
        account = self._account(request, self._of.writes)
        new = await read_as(request, self._adapter)
        record = self._record(account, _digits(new.number), new.sender)
        record = record._replace(evidence=new.evidence)
        if isinstance(new, NewConsent):
            at = record.at if new.at is None else milliseconds_of(new.at, "at")
            record = record._replace(how=new.how, at=at)
        await self._change(request, ConsentUpdate(record))
        return answered(_told(record), 201)

    async def remove(
        self,
        request: Request,
        number: str,
        sender: Annotated[str, Query(max_length=20, description="The record of this sender; empty: of any.")] = "",
    ) -> Response:
        """No more in force when it is answered."""
        account = self._account(request, self._of.writes)
        record = self._record(account, _digits(number), sender)
        if not await self._change(request, ConsentUpdate(record, is_kept=False)):
            raise _unknown()
        return Response(status_code=204)

    async def import_(self, request: Request) -> Response:
        """Columns: `number`, and if you have them `sender`, `at`, `how`, `evidence`.

        Rows that are wrong are left out and named; the others are in force when it is answered. A list of which no row
        is right is refused. One that is too long for one request goes in several; what was taken in twice is there
        once."""
        account = self._account(request, self._of.writes)
        text = await read_csv(request)
        like = self._record(account, "", "")._replace(how="import")
        found = FileProblems("line", lines_max=PROBLEMS_MAX)
        records = read_list(io.StringIO(text), like, found)

        async def told(_read: int, _changed: int) -> None:
            await self._turn()

        audit = [self._entry(request, "import", like, "list")]
        async with changing("list", self._of.name):
            rows, changed = await self._engine.consents.take_in(records, told, audit)
        if not rows and found.lines:
            errors = [{"path": "", "detail": line} for line in found.lines]
            raise Problem(422, "invalid-list", "No row of the list can be taken in.", errors)
        document = {"rows": rows, "changed": changed, "wrong": found.count, "problems": found.lines}
        return answered(document)

    async def export(self, request: Request) -> Response:
        """As it is read again by the import; a list that changes meanwhile is there as it was or as it is."""
        account = self._account(request, self._of.reads, "texts:read")
        return StreamingResponse(self._lines(account), media_type=CSV)

    async def _lines(self, account: str) -> AsyncIterator[str]:
        """What a failing store cuts off is shorter than a list that ends: the connection is closed before its end."""
        yield header_line()
        after: ConsentRecord | None = None
        while page := await self._engine.consents.list(self._of.kind, account, after, PAGE_MAX):
            yield list_lines(page)
            after = page[-1]
            await self._turn()

    def _account(self, request: Request, *scopes: str) -> str:
        caller: Caller = request.state.caller
        for scope in scopes:
            (operator_of if self._of.is_operators else require)(caller, scope)
        return "" if self._of.is_operators else account_of(caller, self._engine.accounts).name

    def _record(self, account: str, number: str, sender: str) -> ConsentRecord:
        how = "operator" if self._of.is_operators else "api"
        now = self._engine.core.clock.now_ms()
        return ConsentRecord(self._of.kind, account, number, sender_key(sender), now, how)

    async def _change(self, request: Request, update: ConsentUpdate) -> bool:
        action = "put" if update.is_kept else "delete"
        entry = self._entry(request, action, update.record, masked(update.record.number))
        async with changing("list", self._of.name):
            return await self._engine.consents.change([update], [entry]) > 0

    def _entry(self, request: Request, action: str, record: ConsentRecord, subject: str) -> AuditEntry:
        """The trail is for ever, and so holds no whole numbers."""
        subject = f"{record.account}/{subject}" if record.account else subject
        said = {"sender": record.sender} if record.sender else {}
        kind = self._of.kind.name.lower()
        return entry_of(actor_of(request), self._engine.core.clock.now_ms(), f"{kind}.{action}", subject, said)


_EXAMPLE = "number,sender,evidence\n+447700900123,,asked by telephone\n+447700900124,ACME,\n"


def _answered(found: Sequence[ConsentRecord], cursor: str | None) -> Response:
    document = {"records": [_told(record) for record in found], "next_cursor": cursor}
    return answered(document)


def _told(record: ConsentRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "sender": record.sender or None,
        "at": instant(record.at),
        "how": record.how,
        "evidence": record.evidence,
    }


def _digits(number: str) -> str:
    digits = number_of(number)
    if digits is None:
        reason = "is no international number"
        raise Problem(422, "invalid-number", f"The number {reason}.", [{"path": "number", "detail": reason}])
    return digits


def _unknown() -> Problem:
    return Problem(404, "unknown-number", "The number is not in this list.")


def _cursor(record: ConsentRecord) -> str:
    return urlsafe_b64encode(f"{record.number}/{record.sender}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        number, slash, sender = urlsafe_b64decode(cursor).decode().partition("/")
    except ValueError:
        slash = ""
    if not slash:
        raise Problem(422, "invalid-cursor", "That is no cursor.", [{"path": "cursor", "detail": "unknown"}])
    return number, sender
