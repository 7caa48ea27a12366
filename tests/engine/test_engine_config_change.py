"""Another configuration for the next life: accounts, pools, carriers and classes that are gone harm nothing."""

from typing import Any

import pytest
import trio

from smsagg.config.schema import Config, Duration, MessageClassSettings, ReceiptSettings, RoutingSettings
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_ROK, ESME_RSYSERR
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import account_settings, carrier_settings, make_config, pool_settings, run_gateway, seqs


def config_of(**sections: Any) -> Config:
    defaults: dict[str, Any] = {
        "accounts": {"acme": account_settings("acme"), "gone": account_settings("gone", message_class="otp")},
        "carriers": {"alpha": carrier_settings(), "beta": carrier_settings()},
        "pools": {
            "gb": pool_settings("alpha", countries=("GB",)),
            "old": pool_settings("alpha", countries=("VN",)),
        },
        "message_classes": {"otp": MessageClassSettings(in_doubt="fail")},
    }
    return make_config(**(defaults | sections))


BEFORE_UNBOUND = config_of(
    carriers={
        "alpha": carrier_settings(FakeSettings(bound=False)),
        "beta": carrier_settings(FakeSettings(bound=False)),
    }
)


async def test_messages_of_a_pool_that_is_gone_are_routed_anew() -> None:
    """They go to the pool that serves their country now, once, in order, and are counted there."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(BEFORE_UNBOUND, MemoryStore(tables), clock) as gateway:
        moved = await gateway.accept(30, pool="old", country="VN")
        await gateway.accept(5)
    after = config_of(
        pools={"gb": pool_settings("alpha", countries=("GB",)), "asia": pool_settings("beta", countries=("VN",))}
    )
    async with run_gateway(after, MemoryStore(tables), clock) as gateway:
        await trio.sleep(11)
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == seqs(moved)
        assert len(gateway.carriers["alpha"].sent) == 5
        for carrier in gateway.carriers.values():
            carrier.receipt(*carrier.accept())
        await gateway.settle()
        gateway.assert_nothing_is_held()


async def test_messages_without_a_route_wait_for_one_and_expire() -> None:
    """No pool serves their country any more: kept, not sent anywhere else, EXPIRED when their time is up."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(BEFORE_UNBOUND, MemoryStore(tables), clock) as gateway:
        kept = await gateway.accept(3, pool="old", country="VN")
        short = await gateway.accept(2, pool="old", country="VN", ttl_s=60)
    nowhere = config_of(pools={"gb": pool_settings("alpha", countries=("GB",))})
    async with run_gateway(nowhere, MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        await trio.sleep(70)
        assert gateway.sent == []
        assert sorted(sink.message_ids) == sorted(message.message_id for message in short)
        assert gateway.engine.accounts["acme"].queued == 3
    anywhere = config_of(
        pools={"world": pool_settings("beta")},
        routing=RoutingSettings(default_pool="world"),
    )
    async with run_gateway(anywhere, MemoryStore(tables), clock) as gateway:
        await trio.sleep(11)
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == seqs(kept)


async def test_a_cancel_of_a_message_whose_pool_is_gone() -> None:
    """Cancelled while it is being routed anew or waits for a route."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(BEFORE_UNBOUND, MemoryStore(tables), clock) as gateway:
        message = await gateway.accept_one(pool="old", country="VN")
    nowhere = config_of(pools={"gb": pool_settings("alpha", countries=("GB",))})
    async with run_gateway(nowhere, MemoryStore(tables), clock) as gateway:
        await trio.sleep(1)
        assert await gateway.engine.control.cancel("acme", message.message_id, lambda _: True)
        await trio.sleep(10)
        gateway.assert_nothing_is_held()
    assert tables.history[message.seq].state is MessageState.DELETED


@pytest.mark.parametrize("with_class", [True, False])
async def test_messages_of_an_account_that_is_gone_are_still_sent(with_class: bool) -> None:
    """They were accepted: sent, retried, ended; their receipts wait in vain and leave with their ttl."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(BEFORE_UNBOUND, MemoryStore(tables), clock) as gateway:
        messages = await gateway.accept(3, account="gone", message_class="otp" if with_class else "default")
        scheduled = await gateway.accept_one(account="gone", delay_s=60)
    after = config_of(
        accounts={"acme": account_settings("acme")},
        receipts=ReceiptSettings(ttl=Duration(300)),
        message_classes={"otp": MessageClassSettings(in_doubt="fail")} if with_class else {},
    )
    async with run_gateway(after, MemoryStore(tables), clock) as gateway:
        ours = gateway.attach()
        await gateway.settle()
        assert gateway.sent == seqs(messages)
        gateway.carrier.refuse(ESME_RSYSERR)
        await trio.sleep(5)
        reported = gateway.carrier.receipt(*gateway.carrier.accept())
        await trio.sleep(60)
        assert reported.statuses == [ESME_ROK] * 3
        assert gateway.sent[-1] == scheduled.seq
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        assert ours.received == []
        assert len(tables.deliveries) == 4
        gateway.assert_nothing_is_held()
        await trio.sleep(310)
        assert not tables.deliveries
    assert not tables.messages


async def test_attempts_in_doubt_of_what_is_gone() -> None:
    """At most once, account and pool gone: UNKNOWN all the same, not forgotten in the store."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        message = await gateway.accept_one(account="gone", message_class="otp", pool="old", country="VN")
        await gateway.settle()
        assert gateway.sent == [message.seq]
    after = config_of(accounts={"acme": account_settings("acme")}, pools={"gb": pool_settings("alpha")})
    async with run_gateway(after, MemoryStore(tables), clock) as gateway:
        await gateway.settle()
        gateway.assert_nothing_is_held()
    assert tables.history[message.seq].state is MessageState.UNKNOWN


async def test_a_carrier_that_is_gone() -> None:
    """Messages that it took end by their grace; those that it failed go to the carriers there are."""
    tables, clock = Tables(), FakeClock()
    both = config_of(pools={"gb": pool_settings("beta", countries=("GB",))})
    async with run_gateway(both, MemoryStore(tables), clock) as gateway:
        beta = gateway.carriers["beta"]
        taken = await gateway.accept_one(ttl_s=60)
        await gateway.settle()
        beta.accept()
        failed = await gateway.accept_one()
        await gateway.settle()
        beta.refuse(ESME_RSYSERR)
        await gateway.settle()
    after = config_of(
        carriers={"alpha": carrier_settings()},
        pools={"gb": pool_settings("alpha", countries=("GB",))},
        receipts=ReceiptSettings(carrier_grace=Duration(60)),
    )
    async with run_gateway(after, MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        await trio.sleep(10)
        assert gateway.sent == [failed.seq]
        await trio.sleep(120)
        assert [(d.message_id, d.message_state) for d in sink.received] == [(taken.message_id, MessageState.UNKNOWN)]
