"""The command ``numbers`` of the control socket: the number inventory, looked at and changed.

Requests name what to ``do`` and its arguments, all strings, whole numbers and lists of strings, as the table of
:class:`NumberService` says; instants and durations are written as people write them. Answers are records, one a line: a
number, a pool, an allocation or a conversation each. An import answers ``{"progress": …, "of": …}`` while it writes and
what it did, or ``{"problem": …}`` for each problem of the file.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import structlog
import trio

from smsagg.clock import Clock
from smsagg.config.amounts import format_micros
from smsagg.control.server import Caller, Send
from smsagg.engine.numbers.number_desk import NumberDesk, Wanted
from smsagg.engine.numbers.numbers import CONVERSATION, Numbers
from smsagg.errors import ControlError
from smsagg.inventory.allocation import Allocation
from smsagg.inventory.conversations import Conversation, read_conversation
from smsagg.inventory.number import Number
from smsagg.inventory.pool import DAY_MS, ROTATIONS, NumberPool
from smsagg.inventory.reading import read_country_code, read_duration, read_instant, read_name, read_type
from smsagg.inventory.table import COLUMNS, RefusedTable
from smsagg.pricing.card_file import format_instant
from smsagg.store.base import Store

LISTED_IN_ONE_STEP = 500
CONVERSATIONS_MAX = 1_000
"""Listed in one go."""

log = structlog.get_logger("smsagg.control")

Arguments = Mapping[str, Any]
Answer = Callable[[Arguments], Awaitable[Iterable[Mapping[str, Any]]]]


class NumberService:
    """Answers for a running server, or over the store of a stopped one."""

    def __init__(self, numbers: Numbers, store: Store, clock: Clock, accounts: Callable[[], Collection[str]]) -> None:
        self._numbers = numbers
        self._store = store
        self._clock = clock
        self._desk = desk = NumberDesk(numbers.book, clock, accounts)
        self._answers: dict[str, Answer] = {
            "show": self._show,
            "add": self._add,
            "assign": lambda a: _records(desk.assign(_wanted(a), _text(a, "account"))),
            "share": lambda a: _records(desk.share(_wanted(a), _text(a, "account"))),
            "unassign": lambda a: _records(desk.unassign(_names(a), _text(a, "account", ""))),
            "lease": lambda a: _records(desk.lease(_wanted(a), _text(a, "account"), self._until(a))),
            "renew": lambda a: _records(desk.renew(_names(a), self._until(a))),
            "release": lambda a: _records(desk.release(_names(a))),
            "suspend": lambda a: _records(desk.suspend(_names(a))),
            "resume": lambda a: _records(desk.resume(_names(a))),
            "retire": lambda a: _records(desk.retire(_names(a))),
            "restore": lambda a: _records(desk.restore(_names(a))),
            "move": lambda a: _records(desk.move(_names(a), _text(a, "pool", ""))),
            "pool": self._pool,
            "pool_set": self._set_pool,
            "pool_remove": self._remove_pool,
            "allocate": self._allocate,
            "allocations": self._allocations,
            "allocation_cancel": lambda a: _records(desk.cancel_allocation(_text(a, "name"))),
            "conversations": self._conversations,
        }

    async def serve(self, arguments: Arguments, send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler`; what it began to change becomes so when the caller goes away."""
        what = str(arguments.get("do"))
        try:
            if what == "list":
                await self._list(arguments, send)
            elif what == "import":
                await self._import(arguments, send)
            elif what in self._answers:
                for record in await self._answers[what](arguments):
                    await send(record)
            else:
                raise ControlError(f"do: must be one of {', '.join(sorted({'list', 'import', *self._answers}))}")
        except ValueError as error:
            raise ControlError(str(error)) from error
        if what not in ("list", "show", "pool", "allocations", "conversations"):
            log.info("numbers_changed", do=what, uid=caller.uid)

    # --- numbers ---

    async def _list(self, arguments: Arguments, send: Send) -> None:
        """Those that fit all that is said of them, in the order in which they came; ``limit`` 0: all."""
        wanted = {name: _text(arguments, name, "") for name in ("country", "type", "status", "pool", "provider")}
        account, tag = _text(arguments, "account", ""), _text(arguments, "tag", "")
        inventory, now = self._numbers.inventory, self._clock.now_ms()
        left = _number(arguments, "limit", 0) or -1
        for i, key in enumerate(list(inventory.numbers)):
            if i % LISTED_IN_ONE_STEP == 0:
                await trio.lowlevel.checkpoint()
            number = inventory.as_of(inventory.numbers[key], now)
            if all(str(getattr(number, name)) == value for name, value in wanted.items() if value) and (
                (not account or account in number.accounts) and (not tag or tag in number.tags)
            ):
                if not left:
                    return
                left -= 1
                await send(record_of(number))

    async def _show(self, arguments: Arguments) -> list[dict[str, Any]]:
        inventory, now = self._numbers.inventory, self._clock.now_ms()
        return [record_of(inventory.as_of(inventory.find(name), now)) for name in _names(arguments)]

    async def _add(self, arguments: Arguments) -> list[dict[str, Any]]:
        values = {name: _text(arguments, name, "") for name in COLUMNS}
        return [record_of(await self._desk.add(values))]

    async def _import(self, arguments: Arguments, send: Send) -> None:
        async def told(done: int, of: int) -> None:
            await send({"progress": done, "of": of})

        try:
            did = await self._desk.import_file(_text(arguments, "body", ""), _text(arguments, "file"), told)
        except RefusedTable as error:
            for problem in error.problems:
                await send({"problem": problem})
            raise
        await send(did._asdict())

    def _until(self, arguments: Arguments) -> int:
        """``until`` an instant, or ``for`` a duration from now on."""
        until, lasts = _text(arguments, "until", ""), _text(arguments, "for", "")
        if bool(until) == bool(lasts):
            raise ControlError("say until when, or for how long")
        return read_instant(until, "until") if until else self._clock.now_ms() + read_duration(lasts, "for")

    # --- pools ---

    async def _pool(self, arguments: Arguments) -> list[dict[str, Any]]:
        pools, name = self._numbers.inventory.pools, _text(arguments, "name", "")
        if name and name not in pools:
            raise ControlError(f"there is no number pool {name}")
        return [self._pool_record(pools[one]) for one in ([name] if name else sorted(pools))]

    async def _set_pool(self, arguments: Arguments) -> list[dict[str, Any]]:
        """What is not said of a pool that there is stays as it is."""
        name = read_name(_text(arguments, "name"), "name")
        before = self._numbers.inventory.pools.get(name, NumberPool(name))
        rotation = _text(arguments, "rotation", before.rotation)
        if rotation not in ROTATIONS:
            raise ControlError(f'rotation: must be one of {", ".join(ROTATIONS)}, not "{rotation}"')
        types, fallback = arguments.get("types"), arguments.get("fallback")
        quarantine = _text(arguments, "quarantine", "")
        pool = NumberPool(
            name=name,
            country=read_country_code(_text(arguments, "country", before.country)),
            purpose=_text(arguments, "purpose", before.purpose),
            types=before.types if types is None else tuple(map(read_type, _strings(arguments, "types"))),
            rotation=rotation,
            limit=_number(arguments, "limit", before.limit),
            period=_period(_text(arguments, "period", ""), before),
            quarantine=read_duration(quarantine, "quarantine") if quarantine else before.quarantine,
            low_mark=_number(arguments, "low_mark", before.low_mark),
            fallback=before.fallback if fallback is None else tuple(_strings(arguments, "fallback")),
        )
        return [self._pool_record(await self._desk.set_pool(pool))]

    async def _remove_pool(self, arguments: Arguments) -> list[dict[str, Any]]:
        await self._desk.remove_pool(_text(arguments, "name"))
        return []

    def _pool_record(self, pool: NumberPool) -> dict[str, Any]:
        inventory = self._numbers.inventory
        return {
            "name": pool.name,
            "country": pool.country,
            "purpose": pool.purpose,
            "types": list(pool.types),
            "rotation": pool.rotation,
            "limit": pool.limit,
            "period": pool.period,
            "quarantine": pool.quarantine,
            "low_mark": pool.low_mark,
            "fallback": list(pool.fallback),
            "numbers": inventory.pool_size(pool.name),
            "available": inventory.available[pool.name],
        }

    # --- allocations ---

    async def _allocate(self, arguments: Arguments) -> list[dict[str, Any]]:
        allocation = Allocation(
            name=read_name(_text(arguments, "name"), "name"),
            pool=_text(arguments, "pool"),
            account=_text(arguments, "account"),
            numbers=_number(arguments, "numbers", 0),
            begins_at=read_instant(_text(arguments, "from"), "from"),
            ends_at=read_instant(_text(arguments, "until"), "until"),
        )
        if not allocation.numbers:
            raise ControlError("numbers: must be 1 or more")
        return [self._allocation_record(await self._desk.allocate(allocation))]

    async def _allocations(self, _: Arguments) -> list[dict[str, Any]]:
        allocations = self._numbers.inventory.allocations.values()
        return [self._allocation_record(one) for one in sorted(allocations, key=lambda one: (one.begins_at, one.name))]

    def _allocation_record(self, allocation: Allocation) -> dict[str, Any]:
        return {
            "name": allocation.name,
            "pool": allocation.pool,
            "account": allocation.account,
            "numbers": allocation.numbers,
            "has": self._numbers.inventory.allotted[allocation.name],
            "begins_at": allocation.begins_at,
            "ends_at": allocation.ends_at,
        }

    # --- conversations ---

    async def _conversations(self, arguments: Arguments) -> list[dict[str, Any]]:
        """Of the recipients that are named, or the first so many after ``after``; memory is newer than the store."""
        recipients = [name.removeprefix("+") for name in _strings(arguments, "recipients")]
        limit = min(_number(arguments, "limit", 100), CONVERSATIONS_MAX)
        if recipients:
            stored = await self._store.find_entities(CONVERSATION, recipients)
        else:
            stored = dict(await self._store.list_entities(CONVERSATION, _text(arguments, "after", ""), limit))
        known = self._numbers.conversations.peek
        found = [known(one) or read_conversation(one, stored.get(one)) for one in recipients or stored]
        return [self._conversation_record(one) for one in found if one.uses]

    def _conversation_record(self, conversation: Conversation) -> dict[str, Any]:
        numbers = self._numbers.inventory.numbers
        uses = sorted(conversation.uses, key=lambda use: -use.at)
        return {
            "recipient": conversation.recipient,
            "uses": [
                {
                    "account": use.account,
                    "number": numbers[use.number].name if use.number in numbers else use.number,
                    "at": use.at,
                    "count": use.count,
                    "until": use.until,
                }
                for use in uses
            ],
        }


def record_of(number: Number) -> dict[str, Any]:
    """A number for people and programs; instants are UTC milliseconds, 0 for none."""
    return {
        "number": number.address,
        "name": number.name,
        "type": number.type.value,
        "country": number.country,
        "provider": number.provider,
        "pool": number.pool,
        "capabilities": list(number.capabilities),
        "monthly_cost": format_micros(number.monthly_cost),
        "currency": number.currency,
        "tags": list(number.tags),
        "status": number.status.value,
        "assignment": number.assignment,
        "accounts": list(number.accounts),
        "leased_until": number.leased_until,
        "quarantine_until": number.quarantine_until,
        "allocation": number.allocation,
    }


def row_of_record(record: Mapping[str, Any]) -> dict[str, str]:
    """A number's record as a row of CSV, by column."""
    row = {column: record[column] for column in COLUMNS}
    for column in ("capabilities", "tags", "accounts"):
        row[column] = " ".join(row[column])
    for column in ("leased_until", "quarantine_until"):
        row[column] = format_instant(row[column]) if row[column] else ""
    return row


async def _records(numbers: Awaitable[list[Number]]) -> list[dict[str, Any]]:
    return [record_of(number) for number in await numbers]


def _period(text: str, before: NumberPool) -> int:
    period = read_duration(text, "period") if text else before.period
    if period <= 0:
        raise ControlError(f'period: must be above 0, such as "{DAY_MS // 3_600_000}h"')
    return period


def _text(arguments: Arguments, name: str, default: str | None = None) -> str:
    value = arguments.get(name, default)
    if not isinstance(value, str):
        raise ControlError(f"{name}: must be a string" if name in arguments else f"{name}: is required")
    return value


def _number(arguments: Arguments, name: str, default: int) -> int:
    value = arguments.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ControlError(f"{name}: must be a whole number, 0 or more")
    return value


def _strings(arguments: Arguments, name: str) -> list[str]:
    value = arguments.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ControlError(f"{name}: must be a list of strings")
    return value


def _names(arguments: Arguments) -> Sequence[str]:
    names = _strings(arguments, "numbers")
    if not names:
        raise ControlError("numbers: must name some")
    return names


def _wanted(arguments: Arguments) -> Wanted:
    pool = _text(arguments, "pool", "")
    if not pool:
        return Wanted(_names(arguments))
    if _strings(arguments, "numbers"):
        raise ControlError("name numbers, or a pool and how many")
    how_many = _number(arguments, "count", 0)
    if not how_many:
        raise ControlError("count: must be 1 or more")
    return Wanted((), pool, how_many)
