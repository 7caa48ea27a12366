"""Money: reserved in the transaction that accepts a message, charged or let go in the one that ends it."""

from typing import Any

import pytest
import structlog
import trio
from engine_money import ON_DELIVERY, ON_SUBMIT, PRICE, held, money_config, stored, top_up
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import Amount, CapSettings, QuotaSettings
from smsagg.engine.admission.foresight import later_steps
from smsagg.errors import StoreFull
from smsagg.model import ChargeOn, MessageState
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_RMSGQFUL, ESME_ROK, ESME_RSUBMITFAIL, ESME_RSYSERR
from smsagg.store.base import Changes, OnDone, QueuedMatch
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_message, run_gateway

DAILY_TEN = QuotaSettings(daily=10)
PARTS = {"carriers": {"alpha": carrier_settings(FakeSettings(long_messages="udh"))}}


async def test_a_thousand_submits_at_the_last_unit_never_overspend() -> None:
    """Of many that come at once exactly those that the balance pays are taken; the others are not stored."""
    store = MemoryStore()
    async with run_gateway(money_config(), store) as gateway:
        await top_up(gateway, 5 * PRICE)
        store.hold()
        batches = [gateway.submit(10, **ON_SUBMIT) for _ in range(100)]
        store.release()
        await gateway.settle()
        accepted = [message for batch in batches for message in batch.messages]
        assert len(accepted) == 5
        assert {status for batch in batches for status in batch.refused} == {ESME_RSUBMITFAIL}
        assert len(store.tables.messages) == 5
        assert stored(store.tables) == (5 * PRICE, 0, 5 * PRICE)
        assert held(gateway) == (5 * PRICE, 5 * PRICE)


@pytest.mark.parametrize("charge_on", [ChargeOn.SUBMITTED, ChargeOn.DELIVERED])
@pytest.mark.parametrize(
    ("final", "is_owed"),
    [
        (MessageState.DELIVERED, (True, True)),
        (MessageState.UNDELIVERABLE, (True, False)),
        (MessageState.EXPIRED, (True, False)),
        (MessageState.REJECTED, (True, False)),
        (MessageState.UNKNOWN, (True, False)),
    ],
)
async def test_what_a_carrier_reports_is_charged_by_the_rule_of_the_price(
    charge_on: ChargeOn, final: MessageState, is_owed: tuple[bool, bool]
) -> None:
    """On submit: it took the message; on delivery: it was delivered."""
    store = MemoryStore()
    async with run_gateway(money_config(), store) as gateway:
        await top_up(gateway, 100)
        message = await gateway.accept_one(price=PRICE, charge_on=charge_on)
        assert stored(store.tables) == (100, 0, PRICE)
        await gateway.settle()
        (carrier_id,) = gateway.carrier.accept()
        await gateway.settle()
        assert stored(store.tables) == (100, 0, PRICE), "nothing is charged before the end"
        gateway.carrier.receipts([(carrier_id, final)])
        await gateway.settle()
        charged = PRICE if is_owed[charge_on - 1] else 0
        assert stored(store.tables) == (100, charged, 0)
        assert held(gateway) == (100 - charged, 0)
        assert store.tables.history[message.seq].charged == charged


async def refuse(gateway: FakeGateway) -> None:
    gateway.carrier.refuse(ESME_RINVDSTADR)


async def cancel(gateway: FakeGateway) -> None:
    (message,) = gateway.engine.core.live.values()
    assert await gateway.engine.control.cancel("acme", message.message_id, lambda _: True)


async def let_expire(_gateway: FakeGateway) -> None:
    await trio.sleep(70)


@pytest.mark.parametrize(("bound", "end"), [(True, refuse), (False, cancel), (False, let_expire)])
async def test_what_no_carrier_took_is_let_go(bound: bool, end: Any) -> None:
    """Refused, cancelled, expired while it waits: the price is free again, in the transaction of its end."""
    store = MemoryStore()
    sections = {"carriers": {"alpha": carrier_settings(FakeSettings(bound=bound))}}
    async with run_gateway(money_config(sections), store) as gateway:
        await top_up(gateway, 100)
        await gateway.accept_one(ttl_s=60, **ON_SUBMIT)
        await gateway.settle()
        await end(gateway)
        await gateway.settle()
        assert stored(store.tables) == (100, 0, 0)
        assert held(gateway) == (100, 0)
        assert not store.tables.messages


async def test_what_asks_no_carrier_for_a_receipt_is_charged_on_submit() -> None:
    """It is over when the carrier took it; whether it was delivered nobody will know."""
    store = MemoryStore()
    sections = {"carriers": {"alpha": carrier_settings(ask_receipts="as_asked")}}
    async with run_gateway(money_config(sections), store) as gateway:
        await top_up(gateway, 100)
        gateway.carrier.accept_all()
        await gateway.accept(1, registered_delivery=0, **ON_SUBMIT)
        await gateway.accept(1, registered_delivery=0, **ON_DELIVERY)
        await gateway.settle()
        assert {message.state for message in store.tables.history.values()} == {MessageState.ACCEPTED}
        assert stored(store.tables) == (100, PRICE, 0)


async def test_a_refused_commit_reserves_nothing() -> None:
    """Neither in the store nor in memory."""
    store = MemoryStore()
    async with run_gateway(money_config(), store) as gateway:
        await top_up(gateway, 100)
        store.fail_next(StoreFull("full"))
        submitted = gateway.submit(3, **ON_SUBMIT)
        await submitted.answered.wait()
        assert held(gateway) == (100, 0)
        assert stored(store.tables) == (100, 0, 0)


async def test_an_unwound_commit_reserves_nothing() -> None:
    """One that took too long is committed, and let go with the messages' end."""
    store = MemoryStore()
    async with run_gateway(money_config(quotas=DAILY_TEN), store) as gateway:
        await top_up(gateway, 100)
        store.hold()
        submitted = gateway.submit(3, **ON_SUBMIT)
        await trio.sleep(60)
        store.release()
        await submitted.answered.wait()
        assert submitted.status == ESME_RSYSERR
        await gateway.settle()
        assert held(gateway) == (100, 0)
        assert stored(store.tables) == (100, 0, 0)
        assert {day.messages for day in store.tables.money.spending.values()} == {0}
        assert len(await gateway.accept(10)) == 10


async def test_the_parts_of_a_message_are_paid_together_or_not_at_all() -> None:
    """Each segment has its price; a message of three is refused when two can be paid, and holds nothing then."""
    store = MemoryStore()
    text = b"x" * 400
    async with run_gateway(money_config(PARTS), store) as gateway:
        await top_up(gateway, 5 * PRICE)
        assert len(await gateway.accept(1, body=text, in_payload=True, **ON_SUBMIT)) == 3
        submitted = gateway.submit(1, body=text, in_payload=True, **ON_SUBMIT)
        assert submitted.refused == [ESME_RSUBMITFAIL]
        await gateway.settle()
        assert stored(store.tables) == (5 * PRICE, 0, 3 * PRICE)
        assert gateway.engine.accounts["acme"].queued == 3
        await gateway.accept(2, **ON_SUBMIT)


async def test_a_long_message_that_goes_on_whole_is_paid_by_its_segments() -> None:
    """Its price, and what its carrier is owed, are those of as many messages as its recipient gets."""
    store = MemoryStore()
    async with run_gateway(money_config(), store) as gateway:
        await top_up(gateway, 4 * PRICE)
        text = b"x" * 400
        [message] = await gateway.accept(1, body=text, in_payload=True, **ON_SUBMIT)
        assert message.price == 3 * PRICE
        assert stored(store.tables) == (4 * PRICE, 0, 3 * PRICE)
        assert gateway.submit(1, body=text, in_payload=True, **ON_SUBMIT).refused == [ESME_RSUBMITFAIL]


async def test_what_is_replaced_is_let_go_when_the_new_one_is_stored() -> None:
    """Until then both are reserved; when the new one is refused the old one keeps its money."""
    store = MemoryStore()
    sections = {"carriers": {"alpha": carrier_settings(FakeSettings(bound=False))}}
    async with run_gateway(money_config(sections), store) as gateway:
        await top_up(gateway, 2 * PRICE)
        await gateway.accept_one(**ON_SUBMIT)
        match = QueuedMatch("acme", "ACME", "447700900123", None)
        told: list[int] = []
        write = store.write

        def refuse_first(changes: Changes, on_done: OnDone | None = None) -> None:
            if changes.new_messages and not told:
                store.fail_next(StoreFull("full"))
            write(changes, on_done)

        store.write = refuse_first  # type: ignore[method-assign]
        for _ in range(2):
            message = make_message(gateway.clock.now_ms(), **ON_SUBMIT)
            assert await gateway.engine.replacement.submit(message, match, False, told.append) == ESME_ROK
            await gateway.settle()
            assert stored(store.tables) == (2 * PRICE, 0, PRICE)
            assert held(gateway) == (2 * PRICE, PRICE)
        assert told == [ESME_RMSGQFUL, ESME_ROK]
        assert len(store.tables.messages) == 1


async def test_a_message_that_waits_when_billing_begins_stays_free() -> None:
    """It was accepted without a price being reserved, and ends so; the other way round what is reserved is charged."""
    store = MemoryStore()
    for billing, charged in (("none", 0), ("prepaid", 0), ("none", PRICE)):
        async with run_gateway(money_config(billing=billing), store) as gateway:
            gateway.carrier.accept_all()
            await gateway.settle()
            for message in list(gateway.engine.core.live.values()):
                gateway.carrier.receipts([(message.carrier_message_id, MessageState.DELIVERED)])
            await gateway.settle()
            assert sum(message.charged for message in store.tables.history.values() if message.accounted) == charged
            if billing == "prepaid":
                await top_up(gateway, PRICE)
            gateway.carrier.answer_with(None)
            await gateway.accept_one(**ON_SUBMIT)
        store = MemoryStore(store.tables)
    assert stored(store.tables)[1] == PRICE


async def test_after_a_crash_the_balance_is_that_of_the_messages() -> None:
    """Whatever was under way: what is stored has reserved its price, what is not has not."""
    store = MemoryStore()
    async with run_gateway(money_config(), store) as gateway:
        await top_up(gateway, 100)
        await gateway.accept(3, **ON_SUBMIT)
        store.hold()
        gateway.submit(2, **ON_SUBMIT)
        await wait_all_tasks_blocked()
        assert held(gateway) == (100, 5 * PRICE)
    store = MemoryStore(store.tables)
    async with run_gateway(money_config(), store) as gateway:
        assert held(gateway) == (100, 3 * PRICE)
        assert stored(store.tables) == (100, 0, 3 * PRICE)
        assert len(gateway.submit(9, **ON_SUBMIT).messages) == 7


async def test_postpaid_accounts_may_owe_up_to_their_limit() -> None:
    """Without one any amount."""
    async with run_gateway(money_config(billing="postpaid", credit_limit=3 * PRICE)) as gateway:
        assert len(gateway.submit(9, **ON_SUBMIT).messages) == 3
    async with run_gateway(money_config(billing="postpaid")) as gateway:
        assert len(gateway.submit(9, **ON_SUBMIT).messages) == 9


async def test_an_account_may_be_told_another_status() -> None:
    """Where its clients wait for one of their own."""
    async with run_gateway(money_config(no_credit_status=0x0401)) as gateway:
        assert gateway.submit(1, **ON_SUBMIT).refused == [0x0401]


async def test_without_billing_nothing_is_reserved() -> None:
    """A price is kept for reports, and what of it was owed."""
    store = MemoryStore()
    async with run_gateway(money_config(billing="none"), store) as gateway:
        gateway.carrier.accept_all()
        message = await gateway.accept_one(**ON_SUBMIT)
        await gateway.settle()
        gateway.carrier.receipts([(message.carrier_message_id, MessageState.UNDELIVERABLE)])
        await gateway.settle()
        assert not store.tables.money.balances
        assert store.tables.history[message.seq].charged == PRICE


async def test_money_that_is_taken_away_is_not_reserved_meanwhile() -> None:
    """An adjustment below zero holds from the moment it is asked for; a reference that was used changes nothing."""
    store = MemoryStore()
    async with run_gateway(money_config(), store) as gateway:
        await top_up(gateway, 2 * PRICE, reference="A")
        store.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: top_up(gateway, -PRICE))
            await wait_all_tasks_blocked()
            assert len(gateway.submit(2, **ON_SUBMIT).messages) == 1
            store.release()
        assert held(gateway) == (PRICE, PRICE)
        for amount in (7, -7):
            _, is_new = await top_up(gateway, amount, reference="A")
            assert not is_new
        assert held(gateway)[0] == PRICE


async def test_a_balance_in_another_currency_is_not_spent() -> None:
    """When an account changes its currency while it has money, nothing is accepted until that is settled."""
    store = MemoryStore()
    async with run_gateway(money_config(), store) as gateway:
        await top_up(gateway, 100)
    store = MemoryStore(store.tables)
    async with run_gateway(money_config(currency="USD"), store) as gateway:
        assert gateway.submit(1, **ON_SUBMIT).refused == [ESME_RSUBMITFAIL]
        await top_up(gateway, -100)
    store = MemoryStore(store.tables)
    async with run_gateway(money_config(currency="USD"), store) as gateway:
        await top_up(gateway, 50, currency="USD")
        await gateway.accept_one(**ON_SUBMIT)
        assert store.tables.money.balances["acme"].currency == "USD"


async def test_a_reload_keeps_what_is_reserved() -> None:
    """Other limits hold from then on for what comes; what is on its way is settled as it was reserved."""
    store = MemoryStore()
    async with run_gateway(money_config(billing="postpaid", credit_limit=3 * PRICE), store) as gateway:
        await gateway.accept(3, **ON_SUBMIT)
        engine = gateway.engine
        engine.reconfigure(
            money_config(billing="postpaid", credit_limit=4 * PRICE), engine.core.tables, gateway.carriers
        )
        assert len(gateway.submit(9, **ON_SUBMIT).messages) == 1
        engine.reconfigure(money_config(billing="none"), engine.core.tables, gateway.carriers)
        gateway.carrier.accept_all()
        await gateway.settle()
        for message in list(engine.core.live.values()):
            gateway.carrier.receipts([(message.carrier_message_id, MessageState.DELIVERED)])
        await gateway.settle()
        assert stored(store.tables) == (0, 4 * PRICE, 0)
        assert held(gateway) == (-4 * PRICE, 0)


async def test_what_was_reserved_before_billing_ended_is_settled_after_it() -> None:
    """The messages of a large batch wait for one another before they are committed."""
    store = MemoryStore()
    async with run_gateway(money_config(billing="postpaid"), store) as gateway:
        engine, now = gateway.engine, gateway.clock.now_ms()
        taken = engine.intake.take(engine.accounts["acme"], make_message(now, **ON_SUBMIT), now)
        assert isinstance(taken, list)
        gateway.reconfigure(money_config(billing="none"))
        engine.intake.number(taken)
        engine.intake.commit(taken, lambda _status: None)
        await gateway.settle()
        assert stored(store.tables) == (0, 0, PRICE)
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        assert stored(store.tables) == (0, PRICE, 0)


@pytest.mark.parametrize("leaves", [True, False])
async def test_limits_that_go_and_come_back_by_reloads_go_on_from_what_was_counted(leaves: bool) -> None:
    """With their account or alone; what is not charged meanwhile is free again, as it is after a restart."""
    store = MemoryStore()
    limited = money_config(billing="postpaid", caps=CapSettings(daily=Amount(4 * PRICE)), quotas=DAILY_TEN)
    without = money_config(billing="postpaid")
    if leaves:
        without.accounts["somebody"] = without.accounts.pop("acme")
    async with run_gateway(limited, store) as gateway:
        await gateway.accept(3, **ON_DELIVERY)
        await gateway.settle()
        failed, *_ = gateway.carrier.accept()
        gateway.reconfigure(without)
        gateway.carrier.receipt(failed, state=MessageState.UNDELIVERABLE)
        await gateway.settle()
        gateway.reconfigure(limited)
        assert limits_used(gateway) == [2 * PRICE, 3]
        assert len(gateway.submit(9, **ON_DELIVERY).messages) == 2
        await gateway.settle()
    async with run_gateway(limited, MemoryStore(store.tables)) as gateway:
        assert limits_used(gateway) == [4 * PRICE, 5]


def limits_used(gateway: FakeGateway) -> list[int]:
    spending = gateway.engine.money.purses["acme"].spending
    assert spending is not None
    return [limit.used for limit in spending.limits]


async def test_a_balance_that_is_not_that_of_its_messages_is_told_at_the_start() -> None:
    """It is left as it is, for whoever looks into it."""
    store = MemoryStore()
    async with run_gateway(money_config(), store) as gateway:
        await top_up(gateway, 100)
        await gateway.accept(2, **ON_SUBMIT)
    tables = store.tables
    tables.money.balances["acme"] = tables.money.balances["acme"]._replace(reserved=5)
    with structlog.testing.capture_logs() as logs:
        async with run_gateway(money_config(), MemoryStore(tables)) as gateway:
            assert held(gateway) == (100, 5)
    (told,) = [line for line in logs if line["event"] == "reserved_differs"]
    assert (told["account"], told["reserved"], told["live_messages"]) == ("acme", "0.000005", "0.00002")


async def test_caps_and_quotas_go_on_after_a_restart_and_tell_their_use() -> None:
    """What was accepted today counts; what was not charged is free again; alarms are logged once."""
    store = MemoryStore()
    config = money_config(billing="none", caps=CapSettings(daily=Amount(5 * PRICE)))
    async with run_gateway(config, store) as gateway:
        with structlog.testing.capture_logs() as logs:
            assert gateway.submit(4, **ON_SUBMIT).refused == []
            await gateway.settle()
        assert [(line["limit"], line["percent"]) for line in logs if line["event"] == "limit_used"] == [
            ("daily_cap", 80)
        ]
    async with run_gateway(config, MemoryStore(store.tables)) as gateway:
        await gateway.settle()
        assert len(gateway.submit(3, **ON_SUBMIT).messages) == 1
        gateway.carrier.refuse(ESME_RINVDSTADR)
        await gateway.settle()
        assert len(gateway.submit(9, **ON_SUBMIT).messages) > 1
        assert gateway.metrics.limit_alarms["acme", "daily_cap", "100"].n >= 1


async def test_what_a_limit_would_say_is_foreseen() -> None:
    """Nothing is counted by asking."""
    config = money_config(billing="none", quotas=QuotaSettings(monthly=3))
    async with run_gateway(config) as gateway:
        await gateway.accept(2)
        engine, now = gateway.engine, gateway.clock.now_ms()
        asked = make_message(now)
        said = [[*later_steps(engine, asked, "447700900123", segments, now)] for segments in (1, 2, 1)]
        assert [[step.reason for step in steps] for steps in said] == [
            [],
            ["it would exceed the account's monthly quota"],
            [],
        ]
