"""Which carrier gets what: policies, backups, fairness between accounts, lanes, carriers that pools share."""

from collections import Counter
from typing import Any

import trio

from smsagg.config.schema import Config, Duration, MessageClassSettings, PoolMember, RetrySettings
from smsagg.model import Message, MessageState
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    pool_settings,
    run_gateway,
    seqs,
)

RETRY = RetrySettings(first=Duration(5), multiplier=1, jitter=0, attempts_max=1_000)


def config_of(pools: dict[str, Any], carriers: dict[str, Any], **sections: Any) -> Config:
    return make_config(
        pools=pools,
        carriers=carriers,
        message_classes={"default": MessageClassSettings(retry=RETRY)},
        **sections,
    )


def shares(gateway: FakeGateway) -> dict[str, int]:
    return {name: len(carrier.sent) for name, carrier in gateway.carriers.items()}


# --- policies ---


async def test_priority_fills_the_first_rank_first() -> None:
    """The lowest rank takes all that its window allows; only what is over goes on to the next."""
    config = config_of(
        {"gb": pool_settings(PoolMember("alpha", rank=0), PoolMember("beta", rank=1))},
        {"alpha": carrier_settings(FakeSettings(window=10)), "beta": carrier_settings()},
    )
    async with run_gateway(config) as gateway:
        await gateway.accept(10)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 10, "beta": 0}
        await gateway.accept(5)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 10, "beta": 5}
        gateway.carriers["alpha"].accept()
        await gateway.accept(3)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 13, "beta": 5}


async def test_weights_are_kept() -> None:
    """Over many batches the shares are as the weights."""
    config = config_of(
        {"gb": pool_settings(PoolMember("alpha", weight=3), PoolMember("beta", weight=1), policy="weighted")},
        {"alpha": carrier_settings(), "beta": carrier_settings()},
    )
    async with run_gateway(config) as gateway:
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        for _ in range(100):
            await gateway.accept(4)
            await gateway.settle()
        assert sum(shares(gateway).values()) == 400
        assert abs(shares(gateway)["alpha"] - 300) <= 8


async def test_the_widest_link_of_a_carrier() -> None:
    """Several links of one carrier share by their free windows."""
    config = config_of({"gb": pool_settings("alpha")}, {"alpha": carrier_settings(FakeSettings(links=3, window=10))})
    async with run_gateway(config) as gateway:
        await gateway.accept(30)
        await gateway.settle()
        assert [link.in_flight for link in gateway.carrier.links] == [10, 10, 10]
        gateway.carrier.links[1].accept()
        await gateway.accept(5)
        await gateway.settle()
        assert [link.in_flight for link in gateway.carrier.links] == [10, 5, 10]


async def test_a_dead_bind_moves_its_traffic() -> None:
    """One of three binds gone: the others take what there is, and what it had (G13)."""
    config = config_of({"gb": pool_settings("alpha")}, {"alpha": carrier_settings(FakeSettings(links=3, window=10))})
    async with run_gateway(config) as gateway:
        messages = await gateway.accept(12)
        await gateway.settle()
        gateway.carrier.links[0].lose()
        await trio.sleep(1)
        assert sorted(seqs(gateway.carrier.outstanding)) == seqs(messages)
        assert gateway.carrier.links[0].in_flight == 0


async def test_the_rate_of_a_link_is_kept() -> None:
    """No more than the rate a second, and all of it."""
    config = config_of({"gb": pool_settings("alpha")}, {"alpha": carrier_settings(FakeSettings(rate=20.0))})
    async with run_gateway(config) as gateway:
        gateway.carrier.accept_all()
        await gateway.accept(150)
        await trio.sleep(5)
        assert 98 <= len(gateway.sent) <= 102


async def test_a_hundred_slow_carriers_are_all_kept_busy() -> None:
    """Each gives what its rate allows, none more and none less, and they take turns."""
    names = [f"c{number:03}" for number in range(100)]
    config = config_of(
        {"gb": pool_settings(*names)}, {name: carrier_settings(FakeSettings(rate=2.0, window=4)) for name in names}
    )
    async with run_gateway(config) as gateway:
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        await gateway.accept(1_500)
        await trio.sleep(5)
        assert all(9 <= sent <= 13 for sent in shares(gateway).values())


async def test_many_links_of_one_carrier_take_turns() -> None:
    """More links than are compared at a time: all get their part, and all windows are used."""
    config = config_of({"gb": pool_settings("alpha")}, {"alpha": carrier_settings(FakeSettings(links=30, window=5))})
    async with run_gateway(config) as gateway:
        await gateway.accept(160)
        await gateway.settle()
        assert [link.in_flight for link in gateway.carrier.links] == [5] * 30
        gateway.carrier.links[17].accept()
        await gateway.settle()
        assert gateway.carrier.links[17].in_flight == 5


async def test_a_bind_that_nobody_told_of_is_found() -> None:
    """Should the news of room ever be missed, the carrier is asked again within a second or so."""
    async with run_gateway(config_of({"gb": pool_settings("alpha")}, {"alpha": carrier_settings()})) as gateway:
        gateway.carrier.link.is_bound = False
        messages = await gateway.accept(3)
        await trio.sleep(10)
        assert not gateway.sent
        gateway.carrier.link.is_bound = True
        await trio.sleep(1.1)
        assert gateway.sent == seqs(messages)


async def test_a_full_window_with_an_idle_backup_is_waited_for() -> None:
    """Own carriers bound and full: the backup is not asked, and the dispatcher rests until something happens."""
    config = config_of(
        {"gb": pool_settings("alpha", backup="world"), "world": pool_settings("beta")},
        {"alpha": carrier_settings(FakeSettings(window=1)), "beta": carrier_settings()},
    )
    async with run_gateway(config) as gateway:
        messages = await gateway.accept(3)
        await trio.sleep(30)
        assert shares(gateway) == {"alpha": 1, "beta": 0}
        gateway.carrier.accept_all()
        await gateway.settle()
        assert gateway.sent == seqs(messages)


# --- backups ---


async def test_the_backup_takes_over_when_nobody_is_bound() -> None:
    """The pool's own carriers are all unbound: its backup has the messages at once, and only until they are back."""
    config = config_of(
        {"gb": pool_settings("alpha", backup="world"), "world": pool_settings("beta")},
        {"alpha": carrier_settings(), "beta": carrier_settings()},
    )
    async with run_gateway(config) as gateway:
        alpha, beta = gateway.carriers["alpha"], gateway.carriers["beta"]
        await gateway.accept(2)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 2, "beta": 0}
        alpha.lose()
        await trio.sleep(1)
        assert shares(gateway) == {"alpha": 2, "beta": 2}
        alpha.bind()
        await gateway.accept(1)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 3, "beta": 2}
        assert len(beta.outstanding) == 2


async def test_backups_of_backups() -> None:
    """The chain is followed to the first pool with somebody bound."""
    config = config_of(
        {
            "gb": pool_settings("alpha", backup="eu"),
            "eu": pool_settings("beta", backup="world"),
            "world": pool_settings("gamma"),
        },
        {name: carrier_settings() for name in ("alpha", "beta", "gamma")},
    )
    async with run_gateway(config) as gateway:
        gateway.carriers["alpha"].lose()
        gateway.carriers["beta"].lose()
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carriers["gamma"].receipt(*gateway.carriers["gamma"].accept())
        await gateway.settle()
        found = await gateway.find(message)
        assert found is not None
        assert (found.state, found.carrier, found.pool) == (MessageState.DELIVERED, "gamma", "gb")


async def test_all_carriers_gone() -> None:
    """Messages wait for whoever binds first, own carrier or backup (E14)."""
    unbound = carrier_settings(FakeSettings(bound=False))
    config = config_of(
        {"gb": pool_settings("alpha", backup="world"), "world": pool_settings("beta")},
        {"alpha": unbound, "beta": unbound},
    )
    async with run_gateway(config) as gateway:
        messages = await gateway.accept(2)
        await trio.sleep(300)
        gateway.carriers["beta"].bind()
        await gateway.settle()
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == seqs(messages)


# --- fairness, lanes, shared carriers ---


async def test_one_account_does_not_hold_up_another() -> None:
    """A thousand messages of one account delay another's single one by a turn, not by a thousand (C13)."""
    config = make_config(
        accounts={name: account_settings(name) for name in ("acme", "small")},
        carriers={"alpha": carrier_settings(FakeSettings(bound=False, window=4))},
    )
    async with run_gateway(config) as gateway:
        await gateway.accept(1_000)
        single = await gateway.accept_one(account="small")
        gateway.carrier.bind()
        for _ in range(3):
            await gateway.settle()
            gateway.carrier.accept()
        assert single.seq in gateway.sent[:8]


async def test_a_higher_lane_goes_first() -> None:
    """Everything of a higher priority leaves before anything of a lower one."""
    config = make_config(carriers={"alpha": carrier_settings(FakeSettings(bound=False, window=5))})
    async with run_gateway(config) as gateway:
        by_priority: dict[int, list[Message]] = {}
        for priority in (0, 2, 1, 3):
            by_priority[priority] = await gateway.accept(7, priority=priority)
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == seqs([message for p in (3, 2, 1, 0) for message in by_priority[p]])


async def test_pools_that_share_a_carrier_take_turns() -> None:
    """Two pools with much to do and one carrier between them get about half of it each."""
    config = config_of(
        {"gb": pool_settings("alpha"), "vn": pool_settings("alpha")},
        {"alpha": carrier_settings(FakeSettings(window=10))},
    )
    async with run_gateway(config) as gateway:
        pools: Counter[str] = Counter()
        gateway.carrier.observe_sent = lambda messages: pools.update(message.pool for message in messages)
        await gateway.accept(500, pool="gb")
        await gateway.accept(500, pool="vn")
        for _ in range(50):
            await gateway.settle()
            gateway.carrier.accept()
        assert sum(pools.values()) >= 400
        assert min(pools.values()) >= 0.4 * sum(pools.values())


async def test_a_carrier_in_a_pool_and_its_backup() -> None:
    """Being member of both sends nothing twice."""
    config = config_of(
        {"gb": pool_settings("alpha", backup="world"), "world": pool_settings("alpha", "beta")},
        {"alpha": carrier_settings(), "beta": carrier_settings()},
    )
    async with run_gateway(config) as gateway:
        gateway.carriers["alpha"].lose()
        await gateway.accept(3)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 0, "beta": 3}


async def test_nothing_moves_while_the_dispatcher_is_stopped() -> None:
    """A stopping server starts no attempt; what is ready stays for the next start."""
    async with run_gateway() as gateway:
        gateway.engine.dispatcher.stopped = True
        await gateway.accept(3)
        await trio.sleep(10)
        assert gateway.sent == []
