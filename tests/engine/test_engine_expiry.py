"""Time ends everything: expiry wherever a message waits, schedules, and carriers that never report."""

from typing import Any

import pytest
import trio

from smsagg.config.schema import (
    Config,
    Duration,
    MessageClassSettings,
    ReceiptSettings,
    RetrySettings,
    StoreSettings,
    WebhookSendingSettings,
    WebhookSettings,
)
from smsagg.engine.ending import sweeper
from smsagg.model import Event, EventDelivery, MessageState
from smsagg.smpp.status import ESME_ROK, ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.store.base import Changes
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import account_settings, carrier_settings, make_config, pool_settings, run_gateway, seqs

DAY_S = 86_400
UNBOUND = {"alpha": carrier_settings(FakeSettings(bound=False))}


def config_of(grace_s: float = 3_600, in_doubt: str = "resend", **sections: Any) -> Config:
    retry = RetrySettings(first=Duration(20), multiplier=1, max=Duration(20), jitter=0, attempts_max=1_000)
    return make_config(
        receipts=ReceiptSettings(carrier_grace=Duration(grace_s)),
        message_classes={"default": MessageClassSettings(in_doubt=in_doubt, retry=retry)},
        **sections,
    )


async def test_a_ready_message_expires_with_no_carrier_there() -> None:
    """No capacity for as long as the message lives: EXPIRED, told within two seconds (E01, E14)."""
    async with run_gateway(config_of(carriers=UNBOUND)) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one(ttl_s=60)
        await trio.sleep(59)
        assert sink.received == []
        await trio.sleep(3)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.EXPIRED]
        found = await gateway.find(message)
        assert found is not None
        assert found.state is MessageState.EXPIRED
        gateway.carrier.bind()
        await trio.sleep(1)
        assert gateway.sent == []
        gateway.assert_nothing_is_held()


async def test_nothing_is_sent_at_or_after_its_expiry() -> None:
    """Capacity that comes at the very instant comes too late, sweep or no sweep."""
    async with run_gateway(config_of(carriers=UNBOUND)) as gateway:
        message = await gateway.accept_one(ttl_s=0.5)
        await trio.sleep(0.5)
        assert gateway.clock.now_ms() == message.expires_at
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == []
        gateway.assert_nothing_is_held()


async def test_a_parked_message_expires_in_the_store() -> None:
    """What waits in the store only is ended there, while its pool is full and nothing moves."""
    pools = {"gb": pool_settings("alpha", queue_max=2)}
    async with run_gateway(config_of(carriers=UNBOUND, pools=pools)) as gateway:
        sink = gateway.attach()
        long, short = await gateway.accept(4), await gateway.accept(3, ttl_s=30)
        await trio.sleep(33)
        assert sorted(sink.message_ids) == sorted(message.message_id for message in short)
        assert gateway.engine.accounts["acme"].queued == 4
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await trio.sleep(10)
        assert gateway.sent == seqs(long)


async def test_a_message_between_retries_expires() -> None:
    """The next attempt would come too late: it is not made, and EXPIRED comes on time."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        await gateway.accept_one(ttl_s=30)
        await gateway.settle()
        gateway.carrier.refuse(ESME_RSYSERR)
        await trio.sleep(21)
        gateway.carrier.refuse(ESME_RSYSERR)
        await trio.sleep(12)
        assert [(d.message_state, d.error_code) for d in sink.received] == [(MessageState.EXPIRED, ESME_RSYSERR)]
        assert len(gateway.sent) == 2
        gateway.assert_nothing_is_held()


@pytest.mark.parametrize("outcome", ["throttled", "temporary", "time out", "not sent", "lost"])
async def test_a_message_that_expired_in_flight_is_not_tried_again(outcome: str) -> None:
    """An attempt that fails after the expiry ends the message, with no carrier there to notice (E03)."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one(ttl_s=5)
        await gateway.settle()
        await trio.sleep(60)
        assert sink.received == []
        link = gateway.carrier.link
        match outcome:
            case "throttled":
                link.refuse(ESME_RTHROTTLED)
                link.lose()
            case "temporary":
                link.refuse(ESME_RSYSERR)
            case "time out":
                link.time_out()
            case "not sent":
                link.is_bound = False
                link.return_unsent()
            case _:
                link.lose()
        await trio.sleep(3)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.EXPIRED]
        assert gateway.sent == [message.seq]
        gateway.assert_nothing_is_held()


async def test_a_message_that_expired_while_its_attempt_was_recorded() -> None:
    """At most once: the record was durable only after the expiry, so nothing is sent."""
    store = MemoryStore()
    async with run_gateway(config_of(in_doubt="fail", carriers=UNBOUND), store) as gateway:
        sink = gateway.attach()
        await gateway.accept_one(ttl_s=5)
        store.hold()
        gateway.carrier.bind()
        await trio.sleep(6)
        gateway.carrier.lose()
        store.release()
        await trio.sleep(3)
        assert gateway.sent == []
        assert [delivery.message_state for delivery in sink.received] == [MessageState.EXPIRED]
        gateway.assert_nothing_is_held()


async def test_a_message_accepted_after_its_expiry_awaits_its_receipt() -> None:
    """The carrier took it in time and said so late: its receipt is the final state."""
    async with run_gateway(config_of()) as gateway:
        sink = gateway.attach()
        await gateway.accept_one(ttl_s=5)
        await gateway.settle()
        await trio.sleep(60)
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        assert [delivery.message_state for delivery in sink.received] == [MessageState.DELIVERED]


async def test_a_long_life_is_counted_in_whole() -> None:
    """A life of three days and ten minutes is over after that, not after ten minutes (E04)."""
    async with run_gateway(config_of(carriers=UNBOUND)) as gateway:
        sink = gateway.attach()
        await gateway.accept_one(ttl_s=3 * DAY_S + 600)
        await trio.sleep(600 + 60)
        gateway.clock.jump_wall(2 * DAY_S)
        await trio.sleep(600 + 60)
        assert sink.received == []
        gateway.clock.jump_wall(DAY_S)
        await trio.sleep(3)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.EXPIRED]


async def test_nothing_old_is_sent_after_nine_months_of_darkness() -> None:
    """A node that was down, or restored from a backup: EXPIRED for all, and not one of them is sent (E02)."""
    tables, clock = Tables(), FakeClock()
    config = config_of()
    async with run_gateway(config_of(carriers=UNBOUND), MemoryStore(tables), clock) as gateway:
        await gateway.accept(2_500)
        await gateway.accept(10, delay_s=7 * DAY_S)
    clock.jump_wall(270 * DAY_S)
    async with run_gateway(config, MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        fresh = await gateway.accept_one()
        await trio.sleep(20)
        assert gateway.sent == [fresh.seq]
        assert len(set(sink.message_ids)) == 2_510
        assert {delivery.message_state for delivery in sink.received} == {MessageState.EXPIRED}
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        gateway.assert_nothing_is_held()
    assert not tables.messages


async def test_a_wall_clock_set_forward_expires_before_it_sends() -> None:
    """The clock jumped over the expiry while the message was ready: it is not sent."""
    async with run_gateway(config_of(carriers=UNBOUND)) as gateway:
        await gateway.accept_one(ttl_s=60)
        gateway.clock.jump_wall(DAY_S)
        gateway.carrier.bind()
        await trio.sleep(3)
        assert gateway.sent == []
        gateway.assert_nothing_is_held()


async def test_a_wall_clock_set_back_forgets_no_expiry() -> None:
    """Corrected back by an hour, messages of that hour still end when their time comes again."""
    async with run_gateway(config_of(carriers=UNBOUND)) as gateway:
        sink = gateway.attach()
        await trio.sleep(10)
        gateway.clock.jump_wall(-3_600)
        await gateway.accept_one(ttl_s=60)
        await trio.sleep(63)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.EXPIRED]


# --- schedules ---


async def test_a_scheduled_message_waits_for_its_time() -> None:
    """Not a moment before ``schedule_delivery_time``, and within a moment after."""
    async with run_gateway(config_of()) as gateway:
        message = await gateway.accept_one(delay_s=120)
        await trio.sleep(119.9)
        assert gateway.sent == []
        await trio.sleep(0.2)
        assert gateway.sent == [message.seq]
        assert gateway.carrier.sent[0].at >= message.not_before


async def test_what_is_scheduled_far_off_costs_no_memory() -> None:
    """Beyond the horizon, or beyond ``scheduled_in_memory_max``, a message waits in the store and is sent in time."""
    config = config_of(store=StoreSettings(scheduled_in_memory_max=5))
    async with run_gateway(config) as gateway:
        gateway.carrier.accept_all()
        far = await gateway.accept(20, delay_s=7_200)
        near = await gateway.accept(20, delay_s=60)
        assert len(gateway.engine.core.live) == 5
        await trio.sleep(59)
        assert gateway.sent == []
        await trio.sleep(7)
        assert sorted(gateway.sent) == seqs(near)
        gateway.clock.jump_wall(7_100 - 67)
        await trio.sleep(99)
        assert len(gateway.sent) == 20
        await trio.sleep(7)
        assert sorted(gateway.sent) == seqs([*far, *near])


@pytest.mark.parametrize("down_s", [1, 600])
async def test_a_schedule_outlives_the_process(down_s: float) -> None:
    """A scheduled message goes out on time after a restart, at once when its time passed meanwhile, once (E06)."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        message = await gateway.accept_one(delay_s=300)
    clock.jump_wall(down_s)
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        gateway.carrier.accept_all()
        await trio.sleep(305)
        assert gateway.sent == [message.seq]
        assert gateway.carrier.sent[0].at >= message.not_before
        await trio.sleep(600)
        assert gateway.sent == [message.seq]


async def test_a_scheduled_message_meets_a_full_pool() -> None:
    """When its time comes and the pool is full it waits its turn in the store."""
    pools = {"gb": pool_settings("alpha", queue_max=4)}
    async with run_gateway(config_of(pools=pools, carriers=UNBOUND)) as gateway:
        later = await gateway.accept(3, delay_s=5)
        now = await gateway.accept(6)
        await trio.sleep(30)
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await trio.sleep(5)
        assert sorted(gateway.sent) == seqs([*later, *now])
        assert gateway.engine.core.pools["gb"].depth == 0


# --- carriers that never report ---


@pytest.mark.parametrize("carrier_id", ["x", ""])
async def test_a_carrier_that_never_reports(carrier_id: str) -> None:
    """ENROUTE ends as UNKNOWN a grace after its expiry, also when the carrier gave no id (D23, G06)."""
    async with run_gateway(config_of(grace_s=100)) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one(ttl_s=60)
        await gateway.settle()
        gateway.carrier.link.accept(ids=[carrier_id])
        await trio.sleep(159)
        assert sink.received == []
        await trio.sleep(4)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.UNKNOWN]
        assert gateway.sent == [message.seq]
        gateway.assert_nothing_is_held()


async def test_a_response_after_the_grace() -> None:
    """The response came when even the grace was over: UNKNOWN, not ENROUTE for ever."""
    async with run_gateway(config_of(grace_s=0)) as gateway:
        sink = gateway.attach()
        await gateway.accept_one(ttl_s=5)
        await gateway.settle()
        await trio.sleep(30)
        gateway.carrier.accept()
        await trio.sleep(3)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.UNKNOWN]
        gateway.assert_nothing_is_held()


async def test_a_response_after_the_grace_with_its_receipt_before_it() -> None:
    """What the carrier reported goes before what the clock says."""
    async with run_gateway(config_of(grace_s=0)) as gateway:
        sink = gateway.attach()
        await gateway.accept_one(ttl_s=5)
        await gateway.settle()
        await trio.sleep(30)
        gateway.carrier.receipt("x")
        await gateway.settle()
        gateway.carrier.link.accept(ids=["x"])
        await trio.sleep(3)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.DELIVERED]
        gateway.assert_nothing_is_held()


async def test_a_silent_carrier_is_ended_after_a_restart_too() -> None:
    """What waited for its receipt in the last run ends in this one."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        message = await gateway.accept_one(ttl_s=60)
        await gateway.settle()
        gateway.carrier.accept()
        await gateway.settle()
    clock.jump_wall(DAY_S)
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        await trio.sleep(3)
        assert sink.message_ids == [message.message_id]
        assert sink.received[0].message_state == MessageState.UNKNOWN
        late = gateway.carrier.receipt("alpha-1")
        await gateway.settle()
        assert late.statuses == [ESME_ROK]
        assert len(sink.received) == 1
        assert gateway.sent == []


async def test_events_whose_time_is_over_before_they_were_told_are_counted() -> None:
    """Also what waited for an endpoint or a callback that took nothing else, or is disabled."""
    account = account_settings("acme", webhooks={"a": WebhookSettings("https://a.example/", "whsec_" + "A" * 32)})
    sending = WebhookSendingSettings(events_ttl=Duration(30.0))
    async with run_gateway(make_config(accounts={"acme": account}, webhooks=sending)) as gateway:
        changes = Changes(events=[Event(1, "acme", "message.sent", gateway.clock.now_ms(), "", b"{}")])
        changes.event_deliveries = [EventDelivery("acme/a", 1), EventDelivery("acme/https://b.example:8443", 1)]
        gateway.store.write(changes)
        await trio.sleep(20)
        assert gateway.metrics.webhook_requests["acme", "given_up"].n == 0
        await trio.sleep(20)
        assert gateway.metrics.webhook_requests["acme", "given_up"].n == 2


async def test_messages_expire_while_many_old_events_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round drops a bounded number of them, at a rate that nobody's events exceed."""
    store = MemoryStore(Tables())
    asked = 0

    async def drop(_before: int, limit: int) -> tuple[int, dict[str, int]]:
        nonlocal asked
        asked += 1
        await trio.sleep(0.01)
        return limit, {}

    monkeypatch.setattr(store, "drop_events", drop)
    async with run_gateway(config_of(carriers=UNBOUND), store) as gateway:
        sink = gateway.attach()
        await gateway.accept_one(ttl_s=60)
        await trio.sleep(70)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.EXPIRED]
        assert asked >= 20 * sweeper.EVENT_BATCHES
