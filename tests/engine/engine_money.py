"""Accounts with money, for the tests of the engine."""

from typing import Any

from smsagg.config.schema import Config
from smsagg.model import IN_LEDGER, ChargeOn
from smsagg.store.ledger import Balance, EntryKind, LedgerEntry
from smsagg.store.memory_tables import Tables
from smsagg.testing.gateway import FakeGateway, account_settings, make_config

PRICE = 10
ON_SUBMIT: dict[str, Any] = {"price": PRICE, "charge_on": ChargeOn.SUBMITTED}
ON_DELIVERY: dict[str, Any] = {"price": PRICE, "charge_on": ChargeOn.DELIVERED}


def money_config(sections: dict[str, Any] | None = None, **account: Any) -> Config:
    """One account ``acme``, prepaid unless told otherwise."""
    return make_config(
        accounts={"acme": account_settings("acme", **({"billing": "prepaid"} | account))}, **sections or {}
    )


async def top_up(gateway: FakeGateway, amount: int, **values: Any) -> tuple[LedgerEntry, bool]:
    """Credit ``acme``."""
    entry = LedgerEntry("acme", "EUR", EntryKind.TOP_UP, amount, gateway.clock.now_ms(), "", "", "test")
    return await gateway.engine.money.post(entry._replace(**values))


def stored(tables: Tables) -> tuple[int, int, int]:
    """(credited, charged, reserved) of ``acme`` in the store, which are those of its messages."""
    balance = tables.money.balances.get("acme", Balance("acme", "EUR", 0, 0, 0))
    live, over = tables.messages.values(), tables.history.values()
    assert balance.reserved == sum(message.price for message in live if message.accounted & IN_LEDGER)
    assert balance.charged == sum(message.charged for message in over if message.accounted & IN_LEDGER)
    assert balance.credited == sum(entry.amount for entry in tables.money.entries)
    return balance.credited, balance.charged, balance.reserved


def held(gateway: FakeGateway) -> tuple[int, int]:
    """(balance, reserved) of ``acme`` in memory."""
    purse = gateway.engine.money.purses["acme"]
    return purse.balance, purse.reserved
