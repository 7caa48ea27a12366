"""The accounts' money: reserved when a message is accepted, charged or let go when it is over.

Theory of operation. Decisions are made in memory (:class:`~smsagg.pricing.purse.Purse`), synchronously, so that no two
messages are promised the same money. The store follows: what a transaction does to messages and what that moves are
written together (``Changes.money``, ``Changes.spending``), as sums by account. So after a crash the store's balances
are exact: a message that is there has reserved its price, one that is not has not.

::

    accepted ──▶ reserved ──▶ charged    a carrier took it, or it was delivered: as its price says
                     └──────▶ let go     anything else, and whatever was refused, unwound, cancelled, replaced, expired

What is moved for a message is said by the message (``accounted``), not by today's configuration: an account may begin
or cease to be billed while its messages are on their way.
"""

from collections.abc import Iterable, Mapping, Sequence

import structlog

from smsagg.config.amounts import format_micros
from smsagg.config.schema import AccountSettings, CapSettings, Config, QuotaSettings
from smsagg.engine.accounts import Account
from smsagg.engine.core import Changes, Core
from smsagg.model import IN_COUNTRY_SPENDING, IN_LEDGER, IN_SPENDING, ChargeOn, Message, MessageState, Refusal
from smsagg.pricing.days import Days
from smsagg.pricing.purse import UNLIMITED, Purse
from smsagg.pricing.spending import WHOLE, Limit, LimitKind, Spending, SpentDay
from smsagg.store.ledger import (
    Balance,
    BalanceKey,
    BalanceMove,
    DaySpending,
    LedgerEntry,
    SpendingKey,
    SpendingMove,
)

log = structlog.get_logger("smsagg.money")

DAY_MS = 86_400_000
"""Wherever an account is, it is no further back there."""


class Money:
    """All accounts' purses."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._days: dict[str, Days] = {}
        self.purses: dict[str, Purse] = {}
        """Of accounts that are billed or limited, or have money in the store."""
        self._former_spending: dict[str, Spending] = {}
        """Counts of accounts that have no limits now, or left: they go on from there should they have some again."""
        self._keys: dict[str, BalanceKey] = {}
        """Under which accounts' moves are written today, from the one instant to the other, in all of their zones."""
        self._keys_from = self._keys_until = 0
        self.reconfigure()

    # What is configured, and what the store has.

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on; what is reserved and counted stays."""
        core = self._core
        for name, account in core.accounts.items():
            settings, purse = account.settings, self.purses.get(name)
            limits = limits_of(settings)
            is_billed = is_billed_by(settings)
            if is_billed or limits:
                purse = self._purse_of(name)
            if purse is not None:
                self._set(purse, settings, limits)
            account.purse = purse if is_billed or limits else None
        for name, purse in self.purses.items():
            if name not in core.accounts:
                purse.is_billed = False
                self._count_by(purse, None)
        self._keys_until = 0  # currencies and zones may be others

    def recovered(
        self, balances: Iterable[Balance], spending: Iterable[DaySpending], reserved: Mapping[str, int]
    ) -> None:
        """Take up what the store has; once, before anything is accepted or ends. ``reserved`` is what its live messages
        have: what a balance says differs from it only by a fault of ours, which is told."""
        now = self._core.clock.now_ms()
        for balance in balances:
            purse = self._purse_of(balance.account)
            purse.balance, purse.reserved = balance.micros, balance.reserved
            if balance.micros or balance.reserved:
                purse.currency = balance.currency
            if balance.reserved != reserved.get(balance.account, 0):
                log.error(
                    "reserved_differs",
                    account=balance.account,
                    reserved=format_micros(balance.reserved),
                    live_messages=format_micros(reserved.get(balance.account, 0)),
                )
        by_account: dict[str, list[SpentDay]] = {}
        for row in spending:
            by_account.setdefault(row.account, []).append(SpentDay(*row[1:]))
        for name, purse in self.purses.items():
            if purse.spending is not None:
                purse.spending.load(by_account.get(name, ()), now)
        self.reconfigure()

    def _set(self, purse: Purse, settings: AccountSettings, limits: Sequence[Limit]) -> None:
        days = self._days_of(settings)
        purse.use(days)
        purse.is_billed = is_billed_by(settings)
        purse.credit = 0
        if settings.billing == "postpaid":
            purse.credit = UNLIMITED if settings.credit_limit is None else settings.credit_limit
        currency = currency_of(self._core.config, settings)
        if not purse.balance and not purse.reserved:
            purse.currency = currency
        is_frozen = purse.is_billed and purse.currency != currency
        if is_frozen and not purse.is_frozen:
            log.error(
                "balance_has_another_currency", account=purse.account, balance=purse.currency, configured=currency
            )
        purse.is_frozen = is_frozen
        self._count_by(purse, Spending(days, limits) if limits else None)

    def _count_by(self, purse: Purse, spending: Spending | None) -> None:
        """Go on from what was counted; ``None``: for now nothing is."""
        before = purse.spending or self._former_spending.pop(purse.account, None)
        purse.spending = spending
        if before is not None and spending is not None:
            spending.take_over(before, self._core.clock.now_ms())
        elif before is not None:
            self._former_spending[purse.account] = before

    def _purse_of(self, name: str) -> Purse:
        """That of any account, configured still or not, billed or not."""
        purse = self.purses.get(name)
        if purse is None:
            account, config = self._core.accounts.get(name), self._core.config
            settings = None if account is None else account.settings
            currency = config.money.currency if settings is None else currency_of(config, settings)
            purse = self.purses[name] = Purse(name, currency, self._days_of(settings))
        return purse

    def _days_of(self, settings: AccountSettings | None) -> Days:
        zone = "UTC" if settings is None else settings.time_zone
        days = self._days.get(zone)
        if days is None:
            days = self._days[zone] = Days(zone)
        return days

    # The life of a message.

    def reserve(self, account: Account, messages: Sequence[Message], now: int) -> Refusal | None:
        """Reserve the prices of like messages, the parts of one; ``None``: it is done, else nothing is."""
        purse = account.purse
        if purse is None:
            return None
        first = messages[0]
        reason = purse.reserve(first.country, first.price, len(messages), now)
        spending = purse.spending
        if spending is not None and spending.alarms:
            self._tell_alarms(purse, spending)
        if reason:
            return Refusal(account.settings.no_credit_status, reason)
        accounted = IN_LEDGER if purse.is_billed and first.price else 0
        if spending is not None:
            for scope in spending.scopes_of(first.country):
                accounted |= IN_SPENDING if scope == WHOLE else IN_COUNTRY_SPENDING
        for message in messages:
            message.accounted = accounted
        return None

    def release(self, messages: Iterable[Message], now: int) -> None:
        """Let go, in memory, what messages have reserved that are not accepted after all."""
        for message in messages:
            purse = self.purses.get(message.account) if message.accounted else None
            if purse is None:
                continue
            if message.accounted & IN_LEDGER:
                purse.reserved -= message.price
            if message.accounted & _SPENDING:
                self._give_back(purse, message, message.price, 1, now)

    def record_reserved(self, messages: Iterable[Message], changes: Changes, now: int) -> None:
        """Add what these messages have reserved to the transaction that makes them durable."""
        self._record(messages, changes, now, 1)

    def record_released(self, messages: Iterable[Message], changes: Changes, now: int) -> None:
        """The reverse, for messages that end although they were never accepted."""
        self._record(messages, changes, now, -1)

    def _record(self, messages: Iterable[Message], changes: Changes, now: int, sign: int) -> None:
        account, move = "", BalanceMove()
        for message in messages:
            if message.accounted & IN_LEDGER:
                if message.account != account:
                    account, move = message.account, self._move(message.account, changes, now)
                move.reserved += sign * message.price
            if message.accounted & _SPENDING:
                for spent in self._spending_moves(message, changes):
                    spent.spent += sign * message.price
                    spent.messages += sign

    def owed(self, message: Message, state: MessageState) -> int:
        """What is owed for a message that ends in ``state``, from the one that it is in: the rule of its price."""
        charge_on = message.charge_on
        if charge_on == _SUBMITTED:
            is_taken = message.state is MessageState.ENROUTE or state in _TAKEN_STATES
            return message.price if is_taken else 0
        return message.price if charge_on == _DELIVERED and state is MessageState.DELIVERED else 0

    def settle(self, message: Message, now: int) -> None:
        """An accounted message is over, in memory: what was reserved for it is charged (``message.charged``), or let
        go."""
        purse = self.purses.get(message.account)
        if purse is None:
            return
        if message.accounted & IN_LEDGER:
            purse.settle(message.price, message.charged)
        if message.accounted & _SPENDING and message.charged != message.price:
            self._give_back(purse, message, message.price - message.charged, 0, now)

    def _give_back(self, purse: Purse, message: Message, spent: int, messages: int, now: int) -> None:
        spending = purse.spending or self._former_spending.get(purse.account)
        if spending is not None:
            spending.give_back(_scopes_of(message), spent, messages, message.accepted_at, now)

    def record_settled(self, message: Message, changes: Changes, now: int) -> None:
        """The same, in the transaction of its final state."""
        if message.accounted & IN_LEDGER:
            move = self._move(message.account, changes, now)
            move.reserved -= message.price
            if message.charged:
                move.charged += message.charged
                move.messages += 1
        if message.accounted & _SPENDING and message.charged != message.price:
            for spent in self._spending_moves(message, changes):
                spent.spent -= message.price - message.charged

    def _move(self, account: str, changes: Changes, now: int) -> BalanceMove:
        if not self._keys_from <= now < self._keys_until:
            self._begin_keys(now)
        key = self._keys.get(account)
        if key is None:
            purse = self.purses[account]
            key = self._keys[account] = BalanceKey(account, purse.currency, purse.day_at(now))
        move = changes.money.get(key)
        if move is None:
            move = changes.money[key] = BalanceMove()
        return move

    def _begin_keys(self, now: int) -> None:
        """It is another day somewhere."""
        today = [days.at(now) for days in self._days.values()]
        self._keys_from = max(day.begins_at for day in today)
        self._keys_until = min(day.ends_at for day in today)
        self._keys.clear()

    def _spending_moves(self, message: Message, changes: Changes) -> Iterable[SpendingMove]:
        """One for each scope in which ``message`` counts, whatever limits its account has today."""
        day = self._purse_of(message.account).day_at(message.accepted_at)
        for scope in _scopes_of(message):
            key = SpendingKey(message.account, scope, day)
            move = changes.spending.get(key)
            if move is None:
                move = changes.spending[key] = SpendingMove()
            yield move

    def _tell_alarms(self, purse: Purse, spending: Spending) -> None:
        for scope, kind, percent in spending.alarms:
            log.warning("limit_used", account=purse.account, limit=kind.value, country=scope, percent=percent)
            self._core.metrics.limit_alarm(purse.account, kind.value, percent)
            self._core.alert(purse.account, "limit_used", scope, f"{percent} % of {kind.value} are used")
        spending.alarms.clear()

    # What operators do.

    async def post(self, entry: LedgerEntry) -> tuple[LedgerEntry, bool]:
        """Credit an account; returns after the commit with the entry as it is stored and whether it is a new one, see
        :meth:`smsagg.store.base.Store.post_entry`. Not cancelled once it is asked.

        What is taken is taken at once, and given back should the store refuse: it is not reserved meanwhile.
        """
        purse = self._purse_of(entry.account)
        taken = min(entry.amount, 0)
        purse.balance += taken
        is_new = False
        try:
            posted, is_new = await self._core.store.post_entry(entry)
        finally:
            purse.balance += entry.amount - taken if is_new else -taken
        if purse.is_frozen:
            self.reconfigure()
        return posted, is_new


_SPENDING = IN_SPENDING | IN_COUNTRY_SPENDING
_SUBMITTED, _DELIVERED = int(ChargeOn.SUBMITTED), int(ChargeOn.DELIVERED)
_TAKEN_STATES = (MessageState.DELIVERED, MessageState.ACCEPTED)
"""States that only a message has which a carrier took."""


def _scopes_of(message: Message) -> tuple[str, ...]:
    """Where caps and quotas count it."""
    accounted = message.accounted
    if not accounted & IN_COUNTRY_SPENDING:
        return (WHOLE,)
    return (WHOLE, message.country) if accounted & IN_SPENDING else (message.country,)


def first_day(now: int) -> int:
    """The first day whose counts may still matter to somebody."""
    return Days("UTC").at(now - DAY_MS).month * 100 + 1


def currency_of(config: Config, settings: AccountSettings) -> str:
    """That of the account's prices and balance."""
    return settings.currency or config.money.currency


def is_billed_by(settings: AccountSettings) -> bool:
    """Whether its messages reserve their price; those of a sandbox never do."""
    return settings.billing != "none" and not settings.sandbox


def limits_of(settings: AccountSettings) -> list[Limit]:
    """The account's caps and quotas, unused; a sandbox has none."""
    limits: list[Limit] = []
    if settings.sandbox:
        return limits
    caps = {WHOLE: settings.caps, **settings.caps_by_country}
    quotas = {WHOLE: settings.quotas, **settings.quotas_by_country}
    for scope, cap in caps.items():
        limits += _limits(scope, cap, LimitKind.DAILY_CAP, LimitKind.MONTHLY_CAP)
    for scope, quota in quotas.items():
        limits += _limits(scope, quota, LimitKind.DAILY_QUOTA, LimitKind.MONTHLY_QUOTA)
    return limits


def _limits(scope: str, settings: CapSettings | QuotaSettings, daily: LimitKind, monthly: LimitKind) -> list[Limit]:
    bounds = ((daily, settings.daily), (monthly, settings.monthly))
    return [Limit(scope, kind, bound) for kind, bound in bounds if bound is not None]
