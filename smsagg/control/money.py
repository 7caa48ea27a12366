"""The command ``money`` of the control socket: balances, statements, and what operators post to ledgers.

Requests: ``{"command": "money", "do": "balance", "account": ""}``, ``{"do": "statement", "account": NAME, "since":
DATE}``, and ``{"do": "topup"|"adjust", "account": NAME, "amount": DECIMAL, "note": …, "reference": …}``. Amounts are
decimal strings in the account's currency.

What is posted is told after its commit. With a reference it may be asked for again, by whoever heard no answer: then
nothing more is posted, and what was is told.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from attrs import define

from smsagg.clock import Clock
from smsagg.config.amounts import format_micros, parse_micros
from smsagg.config.schema import AccountSettings, Config
from smsagg.control.server import Caller, Send
from smsagg.engine import Engine
from smsagg.engine.admission.money import currency_of
from smsagg.errors import ControlError
from smsagg.pricing.days import Days
from smsagg.reports.instants import parse_instant
from smsagg.store.base import Store
from smsagg.store.ledger import Balance, DayCharges, EntryKind, LedgerEntry

log = structlog.get_logger("smsagg.money")

NOTE_CHARACTERS_MAX = 200
REFERENCE_CHARACTERS_MAX = 64
ENTRIES_MAX = 10_000
"""Of one statement."""

_LOGGED = ("account", "entry", "kind", "amount", "currency", "balance_after", "reference", "posted_by")

Post = Callable[[LedgerEntry], Awaitable[tuple[LedgerEntry, bool]]]
Record = dict[str, Any]


class MoneyService:
    """Answers for a running server."""

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._store = store

    async def serve(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler`; what is posted stays posted when the caller goes away."""
        core = self._engine.core
        desk = MoneyDesk(core.config, self._store, core.clock, self._engine.money.post, f"uid {caller.uid}")
        for record in await desk.answer(arguments):
            if record.get("is_new"):
                log.info("money_posted", **{key: record[key] for key in _LOGGED})
            await send(record)


@define(frozen=True)
class MoneyDesk:
    """Does what is asked, with the store of a server that runs or of one that does not."""

    config: Config
    store: Store
    clock: Clock
    post: Post
    posted_by: str

    async def answer(self, arguments: Mapping[str, Any]) -> list[Record]:
        """Raises ControlError for what cannot be done."""
        what = arguments.get("do")
        if what == "balance":
            return await self._balances(str(arguments.get("account", "")))
        if what == "statement":
            return await self._statement(str(arguments.get("account", "")), str(arguments.get("since", "")))
        if what in (EntryKind.TOP_UP.value, EntryKind.ADJUSTMENT.value):
            return [await self._post(EntryKind(what), arguments)]
        raise ControlError("do: must be balance, statement, topup or adjust")

    async def _balances(self, account: str) -> list[Record]:
        stored = {balance.account: balance for balance in await self.store.load_balances()}
        if account and account not in self.config.accounts and account not in stored:
            raise self._unknown(account)
        billed = [name for name, settings in self.config.accounts.items() if settings.billing != "none"]
        names = [account] if account else sorted({*billed, *stored})
        return [self._balance_record(name, stored.get(name)) for name in names]

    def _balance_record(self, name: str, balance: Balance | None) -> Record:
        settings = self.config.accounts.get(name)
        if balance is None:
            balance = Balance(name, self._currency(settings), 0, 0, 0)
        billing = "none" if settings is None else settings.billing
        available = None
        if settings is not None and billing != "none":
            credit = settings.credit_limit if billing == "postpaid" else 0
            available = None if credit is None else format_micros(balance.micros + credit - balance.reserved)
        return {
            "account": name,
            "currency": balance.currency,
            "billing": billing,
            "balance": format_micros(balance.micros),
            "reserved": format_micros(balance.reserved),
            "available": available,
            "credited": format_micros(balance.credited),
            "charged": format_micros(balance.charged),
        }

    async def _post(self, kind: EntryKind, arguments: Mapping[str, Any]) -> Record:
        name = str(arguments.get("account", ""))
        settings = self.config.accounts.get(name)
        if settings is None:
            raise self._unknown(name)
        entry = LedgerEntry(
            name,
            self._currency(settings),
            kind,
            _amount(kind, arguments.get("amount")),
            self.clock.now_ms(),
            _text(arguments, "note", NOTE_CHARACTERS_MAX),
            _text(arguments, "reference", REFERENCE_CHARACTERS_MAX),
            self.posted_by,
        )
        for balance in await self.store.load_balances():
            if balance.account == name and balance.currency != entry.currency and (balance.micros or balance.reserved):
                # In the currency that the account had: what is left of it can only be brought to zero.
                entry = entry._replace(currency=balance.currency)
        posted, is_new = await self.post(entry)
        if not is_new and (posted.kind, posted.amount) != (entry.kind, entry.amount):
            raise ControlError(
                f"reference {entry.reference!r} was used for another entry: {posted.kind.value} "
                f"{format_micros(posted.amount)} {posted.currency}"
            )
        return entry_record(posted) | {"is_new": is_new}

    async def _statement(self, account: str, since: str) -> list[Record]:
        """Entries and days' charges in order, between the balances before the first and after the last."""
        stored = {balance.account: balance for balance in await self.store.load_balances()}
        settings = self.config.accounts.get(account)
        if settings is None and account not in stored:
            raise self._unknown(account)
        zone, now = "UTC" if settings is None else settings.time_zone, self.clock.now_ms()
        days = Days(zone)
        first_day = days.at(_instant(since, now, zone)).number if since else days.at(now).month * 100 + 1
        entries = await self.store.find_entries(account, 0, ENTRIES_MAX)
        entries = [entry for entry in entries if days.at(entry.posted_at).number >= first_day]
        charges = await self.store.find_charges(account, first_day)
        balance = stored.get(account) or Balance(account, self._currency(settings), 0, 0, 0)
        moved = sum(entry.amount for entry in entries) - sum(day.charged for day in charges)
        rows: list[tuple[tuple[int, int, int], LedgerEntry | DayCharges]] = [
            ((days.at(entry.posted_at).number, 0, entry.entry_id), entry) for entry in entries
        ]
        rows += [((day.day, 1, 0), day) for day in charges]
        running = balance.micros - moved
        records: list[Record] = [{"row": "before", "day": first_day, "balance": format_micros(running)}]
        for (day_number, *_), row in sorted(rows, key=lambda pair: pair[0]):
            if isinstance(row, LedgerEntry):
                running += row.amount
                records.append({"row": "entry", "day": day_number} | entry_record(row))
            else:
                running -= row.charged
                charged = {"amount": format_micros(-row.charged), "messages": row.messages}
                records.append({"row": "charges", "day": day_number} | charged)
            records[-1]["balance"] = format_micros(running)
        records.append({"row": "now", "currency": balance.currency} | self._balance_record(account, balance))
        return records

    def _currency(self, settings: AccountSettings | None) -> str:
        return self.config.money.currency if settings is None else currency_of(self.config, settings)

    def _unknown(self, account: str) -> ControlError:
        return ControlError(f"there is no account {account!r}; there are {', '.join(sorted(self.config.accounts))}")


def entry_record(entry: LedgerEntry) -> Record:
    """For people and programs; instants are UTC milliseconds."""
    return {
        "entry": entry.entry_id,
        "account": entry.account,
        "currency": entry.currency,
        "kind": entry.kind.value,
        "amount": format_micros(entry.amount),
        "posted_at": entry.posted_at,
        "note": entry.note,
        "reference": entry.reference,
        "posted_by": entry.posted_by,
        "balance_after": format_micros(entry.balance_after),
    }


def _amount(kind: EntryKind, value: object) -> int:
    try:
        amount = parse_micros(value)
    except ValueError as error:
        raise ControlError(f"the amount {error}") from error
    if not amount or (kind is EntryKind.TOP_UP and amount < 0):
        wanted = "not be 0" if kind is EntryKind.ADJUSTMENT else "be above 0"
        raise ControlError(f"the amount must {wanted}, not {value}")
    return amount


def _text(arguments: Mapping[str, Any], key: str, characters_max: int) -> str:
    text = arguments.get(key, "")
    if not isinstance(text, str) or len(text) > characters_max or not text.isprintable():
        raise ControlError(f"the {key} must be at most {characters_max} printable characters")
    return text


def _instant(since: str, now: int, zone: str) -> int:
    """UTC milliseconds of a date or a time ago, as reports take them."""
    try:
        return parse_instant(since, now, ZoneInfo(zone))
    except ValueError as error:
        raise ControlError(f"since: {error}") from error
