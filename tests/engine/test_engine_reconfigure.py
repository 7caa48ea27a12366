"""Another configuration for a running engine: what is on its way does not notice, what is decided from then on does."""

from typing import Any

import pytest
import trio
from attrs import evolve

from smsagg.config.schema import (
    Config,
    Duration,
    MessageClassSettings,
    PoolMember,
    Rate,
    ReceiptSettings,
    RoutingSettings,
)
from smsagg.engine.queues.loader import CLAIM_MAX
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_RMSGQFUL, ESME_ROK, ESME_RSYSERR
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    pool_settings,
    run_gateway,
    seqs,
)

UNBOUND = carrier_settings(FakeSettings(bound=False))


def config_of(**sections: Any) -> Config:
    """Two carriers, and a pool for GB and one for VN on the first of them."""
    defaults: dict[str, Any] = {
        "carriers": {"alpha": carrier_settings(), "beta": carrier_settings()},
        "pools": {
            "gb": pool_settings("alpha", countries=("GB",)),
            "vn": pool_settings("alpha", countries=("VN",)),
        },
    }
    return make_config(**(defaults | sections))


WAITING = config_of(carriers={"alpha": UNBOUND, "beta": carrier_settings()})
"""Nothing goes out for GB and VN."""


async def end_all(gateway: FakeGateway) -> None:
    """Every carrier takes and delivers everything; nothing is left."""
    for _ in range(3):
        for carrier in gateway.carriers.values():
            carrier.receipt(*carrier.accept())
        await gateway.settle()
    gateway.assert_nothing_is_held()


async def test_messages_in_memory_of_a_pool_that_left_are_routed_anew() -> None:
    """Ready, scheduled and held in place: to the pool that serves their country now, in order, in the store too."""
    tables = Tables()
    async with run_gateway(WAITING, MemoryStore(tables)) as gateway:
        moved = await gateway.accept(30, pool="vn", country="VN")
        later = await gateway.accept_one(pool="vn", country="VN", delay_s=60)
        stays = await gateway.accept(5)
        pools = {"gb": WAITING.pools["gb"], "asia": pool_settings("beta", countries=("VN",))}
        gateway.reconfigure(evolve(WAITING, pools=pools))
        await gateway.settle()
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == seqs(moved)
        assert {tables.messages[message.seq].pool for message in (*moved, later)} == {"asia"}
        await trio.sleep(61)
        assert gateway.carriers["beta"].sent[-1].seq == later.seq
        gateway.carriers["alpha"].bind()
        await gateway.settle()
        assert gateway.sent == seqs(stays)
        await end_all(gateway)


async def test_messages_parked_for_a_pool_that_left_are_routed_anew() -> None:
    """What did not fit memory waits in the store, and is moved there."""
    config = evolve(WAITING, pools=WAITING.pools | {"vn": pool_settings("alpha", countries=("VN",), queue_max=3)})
    async with run_gateway(config) as gateway:
        moved = [await gateway.accept_one(pool="vn", country="VN") for _ in range(12)]
        pools = {"gb": WAITING.pools["gb"], "asia": pool_settings("beta", countries=("VN",))}
        gateway.reconfigure(evolve(WAITING, pools=pools))
        await trio.sleep(10)
        assert sorted(sent.seq for sent in gateway.carriers["beta"].sent) == seqs(moved)
        await end_all(gateway)


async def test_an_attempt_under_way_comes_back_to_the_pool_that_serves_its_country_now() -> None:
    """Sent when its pool left, refused afterwards."""
    async with run_gateway(config_of()) as gateway:
        message = await gateway.accept_one(pool="vn", country="VN")
        await gateway.settle()
        assert gateway.sent == [message.seq]
        pools = {"gb": config_of().pools["gb"], "asia": pool_settings("beta", countries=("VN",))}
        gateway.reconfigure(evolve(config_of(), pools=pools))
        gateway.carrier.refuse(ESME_RSYSERR)
        await trio.sleep(5)
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == [message.seq]
        await end_all(gateway)


async def test_what_has_no_route_waits_for_one() -> None:
    """In memory, being committed, and sent at the moment of the change; each goes when there is a route again."""
    config = config_of(carriers={"alpha": carrier_settings(FakeSettings(window=1)), "beta": carrier_settings()})
    async with run_gateway(config) as gateway:
        waiting = await gateway.accept(3, pool="vn", country="VN")
        await gateway.settle()
        committing = gateway.submit(2, pool="vn", country="VN")
        nowhere = evolve(config, pools={"gb": config.pools["gb"]})
        gateway.reconfigure(nowhere)
        gateway.carrier.refuse(ESME_RSYSERR)
        await trio.sleep(20)
        assert committing.status == ESME_ROK
        assert len(gateway.carrier.sent) == 1
        assert gateway.engine.accounts["acme"].queued == 5
        gateway.reconfigure(evolve(nowhere, routing=RoutingSettings(default_pool="world"), pools={
            "gb": config.pools["gb"], "world": pool_settings("beta"),
        }))  # fmt: skip
        await trio.sleep(10)
        sent = sorted(sent.seq for sent in gateway.carriers["beta"].sent)
        assert sent == sorted(seqs([*waiting, *committing.messages]))
        await end_all(gateway)


async def test_more_without_a_route_than_one_claim_brings_blocks_nothing() -> None:
    """What came first and has no route is not claimed again and again before what came later and has one."""
    tables, clock = Tables(), FakeClock()
    old = config_of(
        accounts={"acme": account_settings("acme")},
        carriers={"alpha": UNBOUND, "beta": UNBOUND},
        pools={"old": pool_settings("alpha", countries=("VN", "GB"), queue_max=10)},
    )
    async with run_gateway(old, MemoryStore(tables), clock) as gateway:
        for _ in range(CLAIM_MAX // 1000 + 1):
            await gateway.accept(1000, pool="old", country="VN", priority=3)
        last = await gateway.accept(3, pool="old", country="GB")
    after = config_of(pools={"gb": pool_settings("alpha", countries=("GB",))})
    async with run_gateway(after, MemoryStore(tables), clock) as gateway:
        await trio.sleep(11)
        assert gateway.sent == seqs(last)
        everywhere = evolve(after, pools=after.pools | {"vn": pool_settings("beta", countries=("VN",))})
        gateway.reconfigure(everywhere)
        gateway.carriers["beta"].accept_all()
        await trio.sleep(30)
        assert len(gateway.carriers["beta"].sent) == 1000 * (CLAIM_MAX // 1000 + 1)


async def test_a_pool_that_comes_back_has_its_places_and_counts() -> None:
    """Away for the time of a commit: what was reserved in it is given back to it, and nothing is counted twice."""
    async with run_gateway(config_of()) as gateway:
        gone = evolve(config_of(), pools={"gb": config_of().pools["gb"]})
        submitted = gateway.submit(3, pool="vn", country="VN")
        gateway.reconfigure(gone)
        gateway.reconfigure(config_of())
        await submitted.answered.wait()
        await gateway.settle()
        assert gateway.sent == seqs(submitted.messages)
        assert gateway.engine.core.pools["vn"].depth == 3
        await end_all(gateway)


async def test_a_pool_changes_its_members_and_policy_while_messages_wait() -> None:
    """Those that wait go by the new members."""
    async with run_gateway(WAITING) as gateway:
        messages = await gateway.accept(10)
        shared = pool_settings(PoolMember("beta", weight=3), "alpha", countries=("GB",), policy="weighted", queue_max=5)
        gateway.reconfigure(evolve(WAITING, pools=WAITING.pools | {"gb": shared}))
        await gateway.settle()
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == seqs(messages)
        await end_all(gateway)


async def test_limits_of_an_account_change_and_its_rate_keeps_what_was_spent() -> None:
    """The queue's bound at once; the bucket goes on with what it had."""

    def limited(**values: Any) -> Config:
        return evolve(WAITING, accounts={"acme": account_settings("acme", **values)})

    async with run_gateway(limited(rate=Rate(10), burst=10)) as gateway:
        account = gateway.engine.accounts["acme"]
        assert account.bucket is not None
        assert account.bucket.take_up_to(8, trio.current_time()) == 8
        await gateway.accept(4)
        gateway.reconfigure(limited(rate=Rate(20), burst=20, queue_max=4))
        assert gateway.engine.accounts["acme"] is account
        assert account.bucket.available(trio.current_time()) == 2
        assert gateway.submit().refused == [ESME_RMSGQFUL]
        gateway.reconfigure(limited())
        assert account.bucket is None
        await gateway.accept(1)
        gateway.carrier.bind()
        await gateway.settle()
        await end_all(gateway)


async def test_an_account_leaves_and_comes_back() -> None:
    """Its messages go on, its receipts wait in the store, and both are counted when it is there again."""
    both = evolve(WAITING, accounts={"acme": account_settings("acme"), "guest": account_settings("guest")})
    async with run_gateway(both) as gateway:
        messages = await gateway.accept(3, account="guest")
        gateway.reconfigure(WAITING)
        assert set(gateway.engine.accounts) == {"acme"}
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == seqs(messages)
        gateway.carrier.receipt(*gateway.carrier.accept()[:2])
        await gateway.settle()
        gateway.reconfigure(both)
        assert gateway.engine.accounts["guest"].queued == 0
        sink = gateway.attach("guest")
        await trio.sleep(6)
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages[:2])


async def test_an_account_comes_that_left_receipts_in_the_store() -> None:
    """It was gone when the process began; what is owed to it flows when it is there and bound."""
    tables, clock = Tables(), FakeClock()
    both = config_of(accounts={"acme": account_settings("acme"), "guest": account_settings("guest")})
    async with run_gateway(both, MemoryStore(tables), clock) as gateway:
        message = await gateway.accept_one(account="guest")
        await gateway.settle()
        gateway.carrier.receipt(*gateway.carrier.accept())
        waiting = await gateway.accept_one(account="guest", delay_s=30)
        await gateway.settle()
    async with run_gateway(config_of(), MemoryStore(tables), clock) as gateway:
        gateway.reconfigure(both)
        assert gateway.engine.accounts["guest"].queued == 1
        sink = gateway.attach("guest")
        await trio.sleep(6)
        assert sink.message_ids == [message.message_id]
        await trio.sleep(30)
        assert gateway.sent == [waiting.seq]
        await end_all(gateway)


async def test_a_carrier_that_is_replaced_reports_what_it_had() -> None:
    """The new one takes what is sent from now on; outcomes and receipts of the old one count."""
    async with run_gateway(config_of()) as gateway:
        before = await gateway.accept(2)
        await gateway.settle()
        alpha = gateway.carriers["alpha"]
        wider = config_of().carriers | {"alpha": carrier_settings(FakeSettings(window=7))}
        assert gateway.reconfigure(evolve(config_of(), carriers=wider)) == [alpha]
        after = await gateway.accept(3)
        await gateway.settle()
        assert gateway.sent == seqs(after)
        assert [sent.seq for sent in alpha.sent] == seqs(before)
        alpha.receipt(*alpha.accept())
        await gateway.settle()
        gateway.engine.forget(alpha)
        await end_all(gateway)


async def test_a_carrier_that_leaves_loses_its_links() -> None:
    """What was in doubt there goes to another one."""
    both = evolve(config_of(), pools={"gb": pool_settings("alpha", "beta", countries=("GB",))})
    async with run_gateway(both) as gateway:
        message = await gateway.accept_one()
        await gateway.settle()
        alone = evolve(
            both, carriers={"beta": both.carriers["beta"]}, pools={"gb": pool_settings("beta", countries=("GB",))}
        )
        (alpha,) = gateway.reconfigure(alone)
        alpha.lose()
        await trio.sleep(5)
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == [message.seq]
        await end_all(gateway)


async def test_a_carrier_goes_on_under_other_classes_of_statuses() -> None:
    """In force for the answers that come from now on, on the same links."""
    async with run_gateway(config_of()) as gateway:
        first, second = await gateway.accept_one(), await gateway.accept_one()
        await gateway.settle()
        link = gateway.carrier.link
        link.refuse(0x401, [first])
        strict = config_of().carriers | {"alpha": carrier_settings(permanent=(0x401,), ask_receipts="as_asked")}
        assert gateway.reconfigure(evolve(config_of(), carriers=strict)) == []
        link.refuse(0x401, [second])
        assert second.state is MessageState.REJECTED
        assert first.state is MessageState.QUEUED
        await trio.sleep(5)
        await end_all(gateway)


async def test_settings_of_receipts_and_classes_are_read_anew() -> None:
    """A shorter life of receipts, and another class for what comes."""
    async with run_gateway(config_of()) as gateway:
        changed = evolve(
            config_of(),
            receipts=ReceiptSettings(ttl=Duration(60)),
            message_classes={"default": MessageClassSettings(in_doubt="fail")},
        )
        gateway.reconfigure(changed)
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.time_out()
        await gateway.settle()
        assert message.state is MessageState.UNKNOWN
        assert gateway.engine.deliveries.ttl_ms == 60_000


@pytest.mark.parametrize("gone", ["vn", "gb"])
async def test_the_dispatchers_turn_survives_the_pool_that_was_served_last(gone: str) -> None:
    """Whose turn it was may be a pool that is no more."""
    async with run_gateway(config_of()) as gateway:
        await gateway.accept_one(pool="vn", country="VN")
        await gateway.accept_one()
        await gateway.settle()
        pools = {name: pool for name, pool in config_of().pools.items() if name != gone}
        gateway.reconfigure(evolve(config_of(), pools=pools))
        (left,) = pools
        await gateway.accept_one(pool=left, country="GB")
        await gateway.settle()
        assert len(gateway.sent) == 3
        await end_all(gateway)


async def test_messages_of_a_pool_that_chose_by_price_are_routed_anew() -> None:
    """Their queue was kept by destination; nothing of that stays with them."""
    cheapest = evolve(
        WAITING,
        pools={
            "gb": WAITING.pools["gb"],
            "vn": pool_settings("alpha", countries=("VN",), policy="least_cost"),
        },
    )
    async with run_gateway(cheapest) as gateway:
        moved = await gateway.accept(10, pool="vn", country="VN")
        await gateway.settle()
        pools = {"gb": WAITING.pools["gb"], "asia": pool_settings("beta", countries=("VN",))}
        gateway.reconfigure(evolve(WAITING, pools=pools))
        await gateway.settle()
        assert sorted(sent.seq for sent in gateway.carriers["beta"].sent) == seqs(moved)
        await end_all(gateway)


async def test_what_restricted_a_carrier_that_left_restricts_nobody() -> None:
    """A carrier in a drill of an outage leaves, and one whose way is stopped is replaced."""
    async with run_gateway(config_of()) as gateway:
        core = gateway.engine.core
        now = core.clock.monotonic_s()
        for name in ("alpha", "beta"):
            core.health.stop(core.carriers[name], "GB", "operator", "maintenance")
        assert not core.health.is_quiet
        wider = config_of().carriers | {"alpha": carrier_settings(FakeSettings(window=7))}
        gateway.reconfigure(evolve(config_of(), carriers=wider))
        assert core.health.allowance(core.carriers["alpha"], "GB", now) == 0
        alone = {"alpha": wider["alpha"]}
        core.health.release(core.carriers["alpha"], "GB", "operator")
        assert not core.health.is_quiet
        gateway.reconfigure(evolve(config_of(), carriers=alone))
        assert core.health.is_quiet


async def test_a_pool_that_left_while_it_spilled_takes_messages_when_it_is_back() -> None:
    """What was parked for it has gone elsewhere; it does not refuse for a backlog that it has no more."""
    strict = pool_settings("alpha", countries=("VN",), queue_max=3, when_full="spill")
    config = evolve(WAITING, pools=WAITING.pools | {"vn": strict})
    async with run_gateway(config) as gateway:
        for _ in range(6):
            await gateway.accept(1, pool="vn", country="VN")
        assert gateway.engine.core.pools["vn"].spilled
        elsewhere = {"gb": WAITING.pools["gb"], "asia": pool_settings("beta", countries=("VN",))}
        gateway.reconfigure(evolve(config, pools=elsewhere))
        await trio.sleep(6)
        assert len(gateway.carriers["beta"].sent) == 6
        gateway.reconfigure(evolve(config, pools=config.pools | {"vn": evolve(strict, when_full="refuse")}))
        assert gateway.submit(1, pool="vn", country="VN").refused == []
        gateway.carrier.bind()
        await gateway.settle()
        await end_all(gateway)


async def test_a_recorded_attempt_that_comes_back_without_a_route_is_parked() -> None:
    """At most once: its row says that it waits in the store, whatever was noted of its attempt before."""
    tables = Tables()
    config = config_of(message_classes={"default": MessageClassSettings(in_doubt="fail")})
    async with run_gateway(config, MemoryStore(tables)) as gateway:
        message = await gateway.accept_one(pool="vn", country="VN")
        await gateway.settle()
        assert gateway.sent == [message.seq]
        gateway.reconfigure(evolve(config, pools={"gb": config.pools["gb"]}))
        gateway.carrier.link.return_unsent()
        await gateway.settle()
        assert (tables.messages[message.seq].state, tables.messages[message.seq].parked) == (MessageState.QUEUED, True)
        gateway.reconfigure(config)
        gateway.carrier.bind()
        await trio.sleep(6)
        assert gateway.sent == [message.seq] * 2
        await end_all(gateway)
