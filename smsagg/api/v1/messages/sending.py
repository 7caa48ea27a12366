"""Takes messages of one call in: admitted one by one, committed at once, answered after the commit.

An ``Idempotency-Key`` makes a call safe to repeat: its answer is committed with its messages, and given again to the
same request, also after a restart. A second request that comes while the first is under way waits for it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import trio
from starlette.responses import Response

from smsagg.api.v1.access import not_authenticated
from smsagg.api.v1.answering import JSON
from smsagg.api.v1.messages.shapes import NewMessage
from smsagg.api.v1.messages.writing import Writer, digits_of
from smsagg.api.v1.problem import Problem, problem_of
from smsagg.api.v1.turns import Room
from smsagg.engine import Engine
from smsagg.engine.accounts import Account
from smsagg.errors import StoreError
from smsagg.model import Message, Refusal
from smsagg.routing.prefix import country_of
from smsagg.smpp.status import ESME_ROK, ESME_RTHROTTLED
from smsagg.store.base import Changes, KeyedAnswer

Sent = list[Message] | Problem
"""The parts of one message, numbered; or why it was not taken."""


class Answer(NamedTuple):
    """What a call is answered."""

    status: int
    body: bytes
    is_replayed: bool = False

    def response(self) -> Response:
        return Response(self.body, self.status, {"Idempotent-Replayed": "true"} if self.is_replayed else None, JSON)


Seen = dict[str, Any] | Problem
"""A message as the caller sees it; or why it was not taken."""
View = Callable[[Sequence[Message]], dict[str, Any]]
"""The document of a message from its parts; it gets its ``id`` later."""
Render = Callable[[Sequence[Seen]], tuple[int, bytes]]
"""Status and body of the answer to a call, from what became of each of its messages."""


class Purpose(Protocol):
    """What the message of a call is for, where more hangs on it than itself. Its text is secret."""

    def objection(self, message: Message, now: int) -> Problem | None:
        """Why ``message``, which has been admitted, is not to be sent. Called once, last of all."""
        ...

    def record(self, message: Message, changes: Changes, now: int) -> None:
        """``changes`` bring ``message``, which has its id: add what is to be committed with it."""
        ...


class Call(NamedTuple):
    """What a request asks for."""

    account: Account
    asked: Sequence[NewMessage]
    view: View
    render: Render
    purpose: Purpose | None = None
    """Of the only message."""


SLICE = 32
"""Messages that are worked on in one turn of the loop."""


class Sending:
    """The way in for HTTP."""

    def __init__(
        self, engine: Engine, writer: Writer, turn: Callable[[], Awaitable[None]], taken: Callable[[int], None]
    ) -> None:
        """``turn`` waits until there may be worked on some messages more; ``taken`` is told how many go their way."""
        self._engine = engine
        self._turn = turn
        self._taken = taken
        self._room = Room()
        self.writer = writer
        self._under_way: dict[tuple[str, str], trio.Event] = {}

    async def send(self, call: Call, key: str, request: bytes) -> Answer:
        """Take in what is asked for and commit it at once; raises :class:`Problem` when nothing of it can be.

        ``key`` is the request's idempotency key, ``""`` for none, and ``request`` its octets. Cancelling the call does
        not undo what was committed.
        """
        if not key:
            return await self._send(call, None)
        name = (call.account.name, key)
        digest = sha256(request).digest()
        while name in self._under_way:
            await self._under_way[name].wait()
        self._under_way[name] = done = trio.Event()
        try:
            known = await self._known(name, digest)
            return known or await self._send(call, KeyedAnswer(*name, digest, 0, b"", 0))
        finally:
            del self._under_way[name]
            done.set()

    async def _known(self, name: tuple[str, str], digest: bytes) -> Answer | None:
        try:
            known = await self._engine.core.store.find_keyed_answer(*name)
        except StoreError as error:
            raise _not_now() from error
        if known is None:
            return None
        if known.digest != digest:
            raise Problem(409, "key-reused", "This Idempotency-Key was used for another request.")
        return Answer(known.status, known.answer, is_replayed=True)

    async def _send(self, call: Call, keyed: KeyedAnswer | None) -> Answer:
        lookups = self._engine.lookups
        if lookups.is_on and not call.account.settings.sandbox:
            guard = call.account.guard
            numbers = (n for n in self._numbers(call.asked) if guard is None or guard.takes_country(country_of(n)))
            await lookups.wait(lookups.start(numbers))
        late_at = self._engine.core.clock.monotonic_s() + self._engine.core.config.server.accept_deadline
        async with self._room.places_for(len(call.asked)):
            return await self._send_now(call, keyed, late_at)

    async def _send_now(self, call: Call, keyed: KeyedAnswer | None, late_at: float) -> Answer:
        """At ``late_at`` its client has given up waiting, and may have sent it again."""
        clock = self._engine.core.clock
        if clock.monotonic_s() > late_at:
            raise _not_now()
        now = clock.now_ms()
        sent, seen = await self._take_all(call, now)
        messages = [part for parts in sent if isinstance(parts, list) for part in parts]
        if not messages:
            return Answer(*call.render(seen))
        if clock.monotonic_s() > late_at:
            self._engine.intake.take_back(messages)
            raise _not_now()
        # From numbers to the commit nothing waits: what is read in the order of numbers misses nothing.
        self._engine.intake.number(messages)
        for parts, document in zip(sent, seen, strict=True):
            if isinstance(parts, list) and isinstance(document, dict):
                document["id"] = parts[0].message_id
        ends = Changes()
        if call.purpose is not None:
            call.purpose.record(messages[0], ends, now)
        status, body = call.render(seen)
        if keyed is not None:
            ends.keyed_answers.append(keyed._replace(status=status, answer=body, created_at=now))
        if await self._commit(messages, None if ends.is_empty() else ends) != ESME_ROK:
            raise _not_now()
        return Answer(status, body)

    async def _take_all(self, call: Call, now: int) -> tuple[list[Sent], list[Seen]]:
        """Places for all that may be taken, slice by slice, and how they look; for none when that cannot be ended."""
        account, asked = call.account, call.asked
        sent: list[Sent] = []
        seen: list[Seen] = []
        admitted = len(asked)
        if account.bucket is not None:
            admitted = account.bucket.take_up_to(len(asked), self._engine.core.clock.monotonic_s())

        def take() -> None:
            sent.extend(self._take(call, few, now, admitted - begin))
            seen.extend(one if isinstance(one, Problem) else call.view(one) for one in sent[begin:])

        try:
            for begin in range(0, len(asked), SLICE):
                few = asked[begin : begin + SLICE]
                if begin:
                    await self._turn()
                await self._engine.numbers.knowing(self._recipients(account, few), take)
        except BaseException as error:
            taken = [part for parts in sent if isinstance(parts, list) for part in parts]
            if taken:
                self._engine.intake.take_back(taken)
            if isinstance(error, StoreError):
                raise _not_now() from error
            raise
        return sent, seen

    def _take(self, call: Call, asked: Sequence[NewMessage], now: int, admitted: int) -> list[Sent]:
        """Places for those of the first ``admitted`` that may be taken; raises :class:`Problem` when the account left,
        or was disabled, while something was waited for."""
        account = call.account
        if self._engine.accounts.get(account.name) is not account or not account.settings.enabled:
            raise not_authenticated()
        sent: list[Sent] = []
        for place, one in enumerate(asked):
            taken = self._take_one(call, one, now) if place < admitted else Refusal(ESME_RTHROTTLED)
            if isinstance(taken, Refusal):
                problem = problem_of(taken)
                self._engine.metrics.refused(account.name, problem.kind.replace("-", "_"))
                sent.append(problem)
            else:
                sent.append(taken)
        return sent

    def _recipients(self, account: Account, asked: Sequence[NewMessage]) -> list[str]:
        """Those of whom something must be known before their messages get a sender."""
        return self._numbers(asked) if account.name in self._engine.numbers.asks else []

    @staticmethod
    def _numbers(asked: Sequence[NewMessage]) -> list[str]:
        """The recipients that are numbers."""
        found: list[str] = []
        for one in asked:
            with suppress(Problem):
                found.append(digits_of(one))
        return found

    def _take_one(self, call: Call, asked: NewMessage, now: int) -> Sent | Refusal:
        account, purpose = call.account, call.purpose
        try:
            written = self.writer.write(asked, account, now)
        except Problem as problem:
            return problem
        if isinstance(written, Refusal):
            return written
        written.message.is_secret = purpose is not None
        refusal = self._engine.admission.admit(account, written.message, written.digits, now, written.asked_until)
        if refusal is not None:
            return refusal
        objection = None if purpose is None else purpose.objection(written.message, now)
        if objection is not None:
            self._engine.numbers.take_back((written.message,))
            return objection
        return self._engine.intake.take(account, written.message, now)

    async def _commit(self, messages: list[Message], ends: Changes | None) -> int:
        """The command_status of the commit. Not cancelled by who went away: what is under way is not undone."""
        status = ESME_ROK
        committed = trio.Event()

        def on_committed(command_status: int) -> None:
            nonlocal status
            status = command_status
            committed.set()

        self._engine.intake.commit(messages, on_committed, ends)
        self._taken(len(messages))
        await committed.wait()
        return status


def _not_now() -> Problem:
    detail = "The messages could not be made safe; nothing was taken. Try again."
    return Problem(503, "store-failing", detail, headers={"Retry-After": "1"})
