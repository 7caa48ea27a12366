"""An engine with a number inventory, for tests: its numbers, and submits that its pools give senders."""

from collections.abc import Sequence
from typing import Any

from smsagg.config.schema import Config, SenderSettings
from smsagg.errors import StoreError
from smsagg.inventory.number import Number, NumberType, assign, lease, share
from smsagg.inventory.pool import NumberPool
from smsagg.model import Message, Refusal
from smsagg.routing.destination import e164_digits
from smsagg.smpp.status import ESME_ROK
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, make_message

MINUTE = 60_000
RECIPIENT = "447400123456"


def number_config(*names: str, pool: str = "otp", **sections: Any) -> Config:
    """Accounts that send from ``pool``, as all others of :func:`make_config`."""
    senders = SenderSettings(from_pool=pool)
    accounts = {name: account_settings(name, senders=senders) for name in names or ("acme",)}
    return make_config(**({"accounts": accounts} | sections))


def long_numbers(count: int, pool: str = "otp", start: int = 0) -> list[Number]:
    return [Number(f"4477009{place:05d}", "GB", NumberType.LONG, pool=pool) for place in range(start, start + count)]


async def stock(gateway: FakeGateway, *numbers: Number, pools: Sequence[NumberPool] = (NumberPool("otp"),)) -> None:
    """Put these into the inventory, durably."""
    book = gateway.engine.numbers.book
    updates = [update for pool in pools for update in book.put_pool(pool)]
    await book.commit(updates + book.put(numbers))


def dedicated(numbers: Sequence[Number], account: str = "acme") -> list[Number]:
    return [assign(number, account) for number in numbers]


def shared(numbers: Sequence[Number], *accounts: str) -> list[Number]:
    for account in accounts:
        numbers = [share(number, account) for number in numbers]
    return list(numbers)


def leased(numbers: Sequence[Number], now: int, until: int, account: str = "acme") -> list[Number]:
    return [lease(number, account, until, now) for number in numbers]


async def submit(
    gateway: FakeGateway, *recipients: str, account: str = "acme", **fields: Any
) -> list[Message | Refusal]:
    """What a front door does with one read of a session; returns after the commit."""
    engine = gateway.engine
    results: list[Message | Refusal] = []
    told: list[int] = []

    def take() -> None:
        now = gateway.clock.now_ms()
        taken: list[Message] = []
        for recipient in recipients:
            message = make_message(now, account=account, destination_addr=recipient, **fields)
            digits = e164_digits(recipient, 1, 1)
            assert isinstance(digits, str)
            refusal = engine.admission.admit(engine.accounts[account], message, digits, now)
            parts = refusal or engine.intake.take(engine.accounts[account], message, now)
            if isinstance(parts, Refusal):
                results.append(parts)
            else:
                results.append(parts[0])
                taken += parts
        if taken:
            engine.intake.number(taken)
            engine.intake.commit(taken, told.append)

    try:
        await engine.numbers.knowing(recipients if account in engine.numbers.asks else (), take)
    except StoreError:
        return [Refusal(8, "store")]
    await gateway.settle()
    assert told in ([], [ESME_ROK]), told
    return results


async def senders(gateway: FakeGateway, *recipients: str, **fields: Any) -> list[str]:
    """The source addresses, or why there is none."""
    results = await submit(gateway, *recipients, **fields)
    return [result.reason if isinstance(result, Refusal) else result.source_addr for result in results]
