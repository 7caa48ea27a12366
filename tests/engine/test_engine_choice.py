"""Which carrier gets what where that depends on the destination: price, quality, margin, health of a country."""

from collections import Counter
from random import Random
from typing import Any

import pytest
import trio
from attrs import evolve

from smsagg.config.schema import Config, Duration, MessageClassSettings, PoolMember, QualitySettings, RetrySettings
from smsagg.engine.health.health import Health
from smsagg.model import Message, MessageState
from smsagg.model.trail import read_trail
from smsagg.pricing import CardRow, Currencies, DestinationKind, RateCard
from smsagg.queueing import ReadyQueue
from smsagg.smpp.status import ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.store.memory import MemoryStore
from smsagg.tables import Tables
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

GB, FR = "447700900123", "33612345678"
DESTINATIONS: tuple[dict[str, Any], ...] = (
    {"destination_addr": GB, "country": "GB"},
    {"destination_addr": FR, "country": "FR"},
)
RETRY = RetrySettings(first=Duration(5), multiplier=1, jitter=0, attempts_max=1_000)


def card(**prices: int) -> RateCard:
    """Prices by country, in micro-units."""
    rows = [CardRow(DestinationKind.COUNTRY, country, unit, "EUR") for country, unit in prices.items()]
    return RateCard(rows, Currencies())


def tables(**cards: RateCard) -> Tables:
    return Tables(cards=cards)


def config_of(*carriers: str | PoolMember, window: int = 10, long_messages: str = "as_is", **pool: Any) -> Config:
    names = [one if isinstance(one, str) else one.carrier for one in carriers]
    return make_config(
        accounts={"acme": account_settings("acme"), "other": account_settings("other")},
        carriers={name: carrier_settings(FakeSettings(window=window, long_messages=long_messages)) for name in names},
        pools={"gb": pool_settings(*carriers, **({"policy": "least_cost"} | pool))},
        message_classes={"default": MessageClassSettings(retry=RETRY)},
    )


def shares(gateway: FakeGateway) -> dict[str, int]:
    return {name: len(carrier.sent) for name, carrier in gateway.carriers.items()}


async def accept(gateway: FakeGateway, count: int, destination_addr: str = GB, **fields: Any) -> list[Message]:
    country = {"44": "GB", "33": "FR"}[destination_addr[:2]]
    messages = await gateway.accept(count, destination_addr=destination_addr, country=country, **fields)
    await gateway.settle()
    return messages


def reasons(message: Message) -> list[str]:
    return [line.reason for line in read_trail(message.trail)]


# --- price ---


async def test_the_cheapest_for_each_country() -> None:
    """In one pool, whatever the order of the carriers in it."""
    cards = tables(alpha=card(GB=20_000, FR=10_000), beta=card(GB=10_000, FR=20_000))
    async with run_gateway(config_of("alpha", "beta"), tables=cards) as gateway:
        british = await accept(gateway, 3)
        french = await accept(gateway, 2, FR)
        assert {message.carrier for message in british} == {"beta"}
        assert {message.carrier for message in french} == {"alpha"}
        assert reasons(french[0]) == ["least_cost 0.01 EUR, 2 of 2 with room"]


async def test_by_prefix_and_network() -> None:
    """Numbers of one country may have different prices."""
    alpha = RateCard(
        [
            CardRow(DestinationKind.PREFIX, "44", 20_000, "EUR"),
            CardRow(DestinationKind.PREFIX, "447700", 1_000, "EUR"),
            CardRow(DestinationKind.NETWORK, "23415", 500, "EUR"),
        ],
        Currencies(),
    )
    async with run_gateway(config_of("alpha", "beta"), tables=tables(alpha=alpha, beta=card(GB=10_000))) as gateway:
        cheap = await accept(gateway, 1)
        dear = await accept(gateway, 1, "447911123456")
        network = await accept(gateway, 1, "447911123456", network="23415")
        assert [message.carrier for message in (*cheap, *dear, *network)] == ["alpha", "beta", "alpha"]


async def test_who_is_full_gives_way_to_the_next_cheapest() -> None:
    """And the trail says who was before it."""
    cards = tables(alpha=card(GB=10_000), beta=card(GB=20_000), gamma=card(GB=15_000))
    async with run_gateway(config_of("alpha", "beta", "gamma"), tables=cards) as gateway:
        messages = await accept(gateway, 25)
        assert shares(gateway) == {"alpha": 10, "beta": 5, "gamma": 10}
        assert reasons(messages[-1]) == ["least_cost 0.02 EUR, 1 of 3 with room, before it alpha full, gamma full"]


async def test_equal_prices_share_by_weight() -> None:
    """Nobody of them is preferred."""
    cards = tables(alpha=card(GB=10_000), beta=card(GB=10_000))
    config = config_of(PoolMember("alpha", weight=3), PoolMember("beta"), window=1_000)
    async with run_gateway(config, tables=cards) as gateway:
        for _ in range(40):
            await accept(gateway, 10)
        assert abs(shares(gateway)["alpha"] - 300) <= 8


async def test_without_a_price_comes_last_or_not_at_all() -> None:
    """As the pool says."""
    cards = tables(alpha=card(GB=10_000), beta=card(FR=10_000))
    async with run_gateway(config_of("beta", "alpha"), tables=cards) as gateway:
        messages = await accept(gateway, 12)
        assert shares(gateway) == {"alpha": 10, "beta": 2}
        assert reasons(messages[-1])[0].startswith("least_cost unpriced, 1 of 2 with room, before it alpha full")
    async with run_gateway(config_of("beta", "alpha", unpriced="refuse"), tables=cards) as gateway:
        await accept(gateway, 12)
        assert shares(gateway) == {"alpha": 10, "beta": 0}


async def test_waits_for_the_cheaper_one_while_it_is_only_full() -> None:
    """No longer than it says; a carrier that is down is not waited for."""
    cards = tables(alpha=card(GB=10_000), beta=card(GB=20_000))
    config = config_of("alpha", "beta", wait_for_cheaper=Duration(2))
    async with run_gateway(config, tables=cards) as gateway:
        await accept(gateway, 12)
        assert shares(gateway) == {"alpha": 10, "beta": 0}
        await trio.sleep(1)
        gateway.carriers["alpha"].link.accept(gateway.carriers["alpha"].outstanding[:1])
        await gateway.settle()
        assert shares(gateway) == {"alpha": 11, "beta": 0}
        await trio.sleep(1.1)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 11, "beta": 1}
        gateway.carriers["alpha"].link.is_bound = False
        await accept(gateway, 3)
        assert shares(gateway) == {"alpha": 11, "beta": 4}


async def test_nobody_waits_for_the_carrier_that_just_failed_him() -> None:
    """However cheap it is: the next one takes the message as soon as it is due."""
    cards = tables(alpha=card(GB=10_000), beta=card(GB=20_000))
    async with run_gateway(config_of("alpha", "beta", wait_for_cheaper=Duration(60)), tables=cards) as gateway:
        (message,) = await accept(gateway, 1)
        gateway.carriers["alpha"].refuse(ESME_RSYSERR)
        await trio.sleep(6)
        await gateway.settle()
        assert message.carrier == "beta"
        assert reasons(message)[1] == "least_cost 0.02 EUR, 2 of 2 with room"


async def test_a_price_that_changes_counts_from_its_instant() -> None:
    """Without anybody's doing."""
    async with run_gateway(config_of("alpha", "beta"), tables=Tables()) as probe:
        at = probe.clock.now_ms() + 60_000
    alpha = RateCard(
        [
            CardRow(DestinationKind.COUNTRY, "GB", 10_000, "EUR", effective_until=at),
            CardRow(DestinationKind.COUNTRY, "GB", 30_000, "EUR", effective_from=at),
        ],
        Currencies(),
    )
    async with run_gateway(config_of("alpha", "beta"), tables=tables(alpha=alpha, beta=card(GB=20_000))) as gateway:
        before = await accept(gateway, 1)
        await trio.sleep(80)
        after = await accept(gateway, 1)
        assert [message.carrier for message in (*before, *after)] == ["alpha", "beta"]


@pytest.mark.parametrize("policy", ["priority", "least_cost"])
@pytest.mark.parametrize("guard", ["refuse", "warn"])
async def test_a_carrier_that_costs_more_than_a_message_brings(guard: str, policy: str) -> None:
    """Is not taken, or taken and counted; messages of accounts without a guard go there."""
    cards = tables(alpha=card(GB=10_000), beta=card(GB=30_000))
    config = config_of("alpha", "beta", policy=policy)
    guarded = account_settings("acme", margin_guard=guard)
    config = make_config(accounts=config.accounts | {"acme": guarded}, carriers=config.carriers, pools=config.pools)
    async with run_gateway(config, tables=evolve(cards, prices={"acme": card(GB=20_000)})) as gateway:
        messages = await accept(gateway, 12, revenue=20_000)
        assert shares(gateway) == {"alpha": 10, "beta": 0 if guard == "refuse" else 2}
        warned = gateway.metrics.choice_margins["gb", "beta"].n
        assert warned == (0 if guard == "refuse" else shares(gateway)["beta"])
        if guard == "refuse":
            told = gateway.engine.core.pools["gb"].explain(messages[-1], gateway.clock.monotonic_s())
            assert [(one.carrier, one.verdict, one.why) for one in told][1:] == [("beta", "refused", "margin")]
            await accept(gateway, 3, account="other", revenue=20_000)
            assert shares(gateway) == {"alpha": 10, "beta": 3}


async def test_another_policy_and_other_prices_while_messages_wait() -> None:
    """What waits goes by them, and back again; nothing is lost on the way."""
    plain, by_cost = config_of("alpha", "beta", policy="priority"), config_of("alpha", "beta")
    first, second = card(GB=10_000, FR=20_000), card(GB=20_000, FR=10_000)
    async with run_gateway(plain) as gateway:
        engine = gateway.engine
        waiting = await accept(gateway, 40)
        waiting += await accept(gateway, 40, FR, body=b"x" * 400, in_payload=True)
        assert shares(gateway) == {"alpha": 10, "beta": 10}
        engine.reconfigure(by_cost, tables(alpha=first, beta=second), gateway.carriers)
        for carrier in gateway.carriers.values():
            carrier.accept()
        await gateway.settle()
        assert {message.country for message in gateway.carriers["alpha"].outstanding} == {"GB"}
        assert {message.country for message in gateway.carriers["beta"].outstanding} == {"FR"}
        engine.reconfigure(by_cost, tables(alpha=second, beta=first), gateway.carriers)
        for carrier in gateway.carriers.values():
            carrier.accept()
        await gateway.settle()
        assert {message.country for message in gateway.carriers["alpha"].outstanding} == {"FR"}
        engine.reconfigure(plain, Tables(), gateway.carriers)
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        await gateway.settle()
        assert all(message.state is MessageState.ENROUTE for message in waiting)
        assert isinstance(engine.core.pools["gb"].ready, ReadyQueue)


# --- order and fairness ---


async def test_a_country_whose_carriers_are_blocked_blocks_no_other() -> None:
    """Though its messages stand before the others', and they go first when it is free again."""
    cards = tables(alpha=card(GB=10_000), beta=card(FR=10_000))
    async with run_gateway(config_of("alpha", "beta", unpriced="refuse"), tables=cards) as gateway:
        british = await accept(gateway, 500)
        french = await accept(gateway, 8, FR)
        assert shares(gateway) == {"alpha": 10, "beta": 8}
        gateway.carriers["alpha"].accept()
        await gateway.settle()
        assert [sent.seq for sent in gateway.carriers["alpha"].sent] == seqs(british)[:20]
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == seqs(french)


async def test_accounts_and_lanes_are_served_as_in_any_pool() -> None:
    """Accounts take turns, a higher priority goes first."""
    cards = tables(alpha=card(GB=10_000, FR=10_000))
    async with run_gateway(config_of("alpha", window=1), tables=cards) as gateway:
        await accept(gateway, 1)
        await accept(gateway, 200)
        await accept(gateway, 200, FR, account="other")
        (urgent,) = await accept(gateway, 1, priority=2)
        order: list[Message] = []
        for _ in range(101):
            gateway.carriers["alpha"].accept()
            await gateway.settle()
            order += gateway.carriers["alpha"].outstanding
        assert order[0] is urgent
        counts = Counter(message.account for message in order[1:])
        assert abs(counts["acme"] - counts["other"]) <= 4


async def test_a_failed_message_goes_to_another_carrier_first() -> None:
    """Though it is dearer; to the same one when there is no other."""
    cards = tables(alpha=card(GB=10_000), beta=card(GB=20_000))
    async with run_gateway(config_of("alpha", "beta"), tables=cards) as gateway:
        (message,) = await accept(gateway, 1)
        gateway.carriers["alpha"].refuse(ESME_RSYSERR)
        await trio.sleep(6)
        await gateway.settle()
        assert message.carrier == "beta"
        gateway.carriers["alpha"].lose()
        gateway.carriers["beta"].refuse(ESME_RSYSERR)
        await trio.sleep(6)
        await gateway.settle()
        assert message.carrier == "beta"
        gateway.carriers["beta"].accept()
        await gateway.settle()
        lines = read_trail(message.trail)
        assert [(line.link, line.outcome) for line in lines] == [
            ("alpha/1", "ESME_RSYSERR temporary"),
            ("beta/1", "ESME_RSYSERR temporary"),
            ("beta/1", "accepted"),
        ]
        assert lines[2].reason.endswith("though it just failed, for want of another")
        stored = await gateway.find(message)
        assert stored is not None
        assert stored.trail == message.trail


async def test_the_parts_of_a_long_message_stay_together() -> None:
    """On one link, though their carrier is full before the last."""
    cards = tables(alpha=card(GB=10_000), beta=card(GB=20_000))
    config = config_of("alpha", "beta", window=4, long_messages="udh")
    async with run_gateway(config, tables=cards) as gateway:
        messages = await accept(gateway, 2, body=b"x" * 400, in_payload=True)
        assert len(messages) == 6
        for _ in range(3):
            for carrier in gateway.carriers.values():
                carrier.accept()
            await gateway.settle()
            await trio.sleep(1)
        carriers = {group: {m.carrier for m in messages if m.group_seq == group} for group in (1, 4)}
        assert all(len(names) == 1 for names in carriers.values()), carriers
        assert all(message.state is MessageState.ENROUTE for message in messages)
        assert all(len(read_trail(message.trail)) == 1 for message in messages)


async def test_long_messages_that_have_no_room_stay_in_their_order() -> None:
    """They are not taken out of the queue to be put back."""
    config = config_of("alpha", window=6, long_messages="udh")
    async with run_gateway(config, tables=tables(alpha=card(GB=10_000, FR=10_000))) as gateway:
        messages: list[Message] = []
        for place in range(20):
            messages += await accept(gateway, 1, GB if place % 2 else FR, body=b"x" * 400, in_payload=True)
        assert len(gateway.engine.core.pools["gb"].ready) >= 17
        for _ in range(40):
            gateway.carriers["alpha"].accept()
            await gateway.settle()
            await trio.sleep(0.1)
        went = [sent.seq for sent in gateway.carriers["alpha"].sent]
        assert sorted(went) == seqs(messages)
        french = [message.seq for message in messages if message.country == "FR"]
        assert [seq for seq in went if seq in french] == french
        assert [seq for seq in went if seq not in french] == [seq for seq in seqs(messages) if seq not in french]


async def test_a_backup_is_asked_when_nobody_is_usable() -> None:
    """Not when everybody is full."""
    config = make_config(
        carriers={name: carrier_settings(FakeSettings(window=5)) for name in ("alpha", "beta")},
        pools={
            "gb": pool_settings("alpha", policy="least_cost", backup="world"),
            "world": pool_settings("beta"),
        },
    )
    async with run_gateway(config, tables=tables(alpha=card(GB=1))) as gateway:
        await accept(gateway, 8)
        assert shares(gateway) == {"alpha": 5, "beta": 0}
        gateway.carriers["alpha"].link.is_bound = False
        gateway.carriers["alpha"].events.on_capacity(gateway.carriers["alpha"].link)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 5, "beta": 3}
        assert "backup pool world" in reasons(gateway.carriers["beta"].outstanding[0])[0]


async def test_throttled_messages_wait_at_the_front_of_their_group() -> None:
    """And go when the link may again."""
    async with run_gateway(config_of("alpha", window=2), tables=tables(alpha=card(GB=1))) as gateway:
        messages = await accept(gateway, 6)
        gateway.carriers["alpha"].refuse(ESME_RTHROTTLED)
        gateway.carriers["alpha"].accept_all()
        await trio.sleep(60)
        await gateway.settle()
        assert all(message.state is MessageState.ENROUTE for message in messages)
        assert [sent.seq for sent in gateway.carriers["alpha"].sent][:4] == [*seqs(messages)[:2], *seqs(messages)[:2]]


@pytest.mark.parametrize("policy", ["weighted", "least_cost", "quality", "combined"])
async def test_accounts_get_equal_shares_whatever_the_policy(policy: str) -> None:
    """Of whatever room there is at a time, over countries with other prices: within 5 per cent and a turn."""
    rng = Random(policy)
    cards = tables(alpha=card(GB=10_000, FR=20_000), beta=card(GB=20_000, FR=10_000))
    config = config_of("alpha", "beta", window=15, policy=policy)
    async with run_gateway(config, tables=cards) as gateway:
        for _ in range(30):
            for account in ("acme", "other"):
                await gateway.accept(20, account=account, **rng.choice(DESTINATIONS))
        account_of = {message.seq: message.account for message in gateway.engine.core.live.values()}
        before = {name: len(carrier.sent) for name, carrier in gateway.carriers.items()}
        for _ in range(40):
            carrier = rng.choice(list(gateway.carriers.values()))
            carrier.link.accept(carrier.outstanding[: rng.randint(1, 15)])
            await gateway.settle()
        went: Counter[str] = Counter()
        for name, carrier in gateway.carriers.items():
            went.update(account_of[one.seq] for one in carrier.sent[before[name] :])
        assert sum(went.values()) > 200
        assert abs(went["acme"] - went["other"]) <= 0.05 * sum(went.values()) + 8, went


# --- health by country ---


def health_of(gateway: FakeGateway) -> Health:
    return gateway.engine.core.health


async def test_a_way_that_is_stopped_is_not_gone_and_the_others_are() -> None:
    """In a pool that asks nothing by country otherwise; and when it opens again what waits goes."""
    config = config_of("alpha", policy="priority", window=100)
    async with run_gateway(config) as gateway:
        health, alpha = health_of(gateway), gateway.engine.core.carriers["alpha"]
        health.way(alpha, "GB").holds.stop("test", "for a test")
        health.changed(alpha, "GB")
        await accept(gateway, 20)
        await accept(gateway, 7, FR)
        assert shares(gateway) == {"alpha": 7}
        health.way(alpha, "GB").holds.release("test")
        health.changed(alpha, "GB")
        gateway.engine.dispatcher.wake()
        await gateway.settle()
        assert shares(gateway) == {"alpha": 27}
        await accept(gateway, 5)
        assert shares(gateway) == {"alpha": 32}
        assert isinstance(gateway.engine.core.pools["gb"].ready, ReadyQueue)


async def test_a_way_is_paced() -> None:
    """At most so many a second go, and the rest follows by time alone."""
    async with run_gateway(config_of("alpha", policy="weighted", window=1_000)) as gateway:
        health, alpha = health_of(gateway), gateway.engine.core.carriers["alpha"]
        health.way(alpha, "GB").holds.slow("test", 10, "for a test", gateway.clock.monotonic_s())
        health.changed(alpha, "GB")
        await accept(gateway, 100)
        await trio.sleep(5)
        await gateway.settle()
        assert 45 <= shares(gateway)["alpha"] <= 61


async def test_a_share_that_is_shifted_goes_to_the_others() -> None:
    """Under priority a first rank gives up what it is told to; under weighted its share of its share."""
    for policy, expected in (("priority", 250), ("weighted", 143)):
        config = config_of(PoolMember("alpha"), PoolMember("beta", rank=1), policy=policy, window=10_000)
        async with run_gateway(config) as gateway:
            health, alpha = health_of(gateway), gateway.engine.core.carriers["alpha"]
            alpha.holds.shift("test", 0.25, "for a test")
            health.changed(alpha, "")
            for _ in range(200):
                await accept(gateway, 5)
            assert sum(shares(gateway).values()) == 1_000
            assert abs(shares(gateway)["alpha"] - expected) <= 70, (policy, shares(gateway))


# --- quality ---


def experienced(gateway: FakeGateway, carrier: str, country: str, delivered: int, failed: int) -> None:
    """What was seen of a carrier."""
    cell = gateway.engine.core.experience.cell(carrier, country)
    cell.delivered += delivered
    cell.failed += failed
    cell.accepted += delivered + failed
    gateway.engine.core.quality.sample(gateway.clock.now_ms())


async def test_the_best_carrier_of_each_country() -> None:
    """By what was experienced there."""
    async with run_gateway(config_of("alpha", "beta", policy="quality", window=1_000)) as gateway:
        experienced(gateway, "alpha", "GB", 900, 100)
        experienced(gateway, "beta", "GB", 600, 400)
        experienced(gateway, "alpha", "FR", 100, 900)
        experienced(gateway, "beta", "FR", 900, 100)
        british = await accept(gateway, 50)
        french = await accept(gateway, 50, FR)
        assert {message.carrier for message in british} == {"alpha"}
        assert {message.carrier for message in french} == {"beta"}
        assert reasons(british[0])[0].startswith("quality 0.")


async def test_some_messages_go_to_see_whether_others_are_better() -> None:
    """A share of the traffic, and at least one in a time."""
    config = config_of("alpha", "beta", policy="quality", window=100_000)
    async with run_gateway(config) as gateway:
        experienced(gateway, "alpha", "GB", 900, 100)
        experienced(gateway, "beta", "GB", 800, 200)
        for _ in range(40):
            await accept(gateway, 50)
        assert 15 <= shares(gateway)["beta"] <= 25
        explored = shares(gateway)["beta"]
        experienced(gateway, "beta", "GB", 0, 20_000)
        for _ in range(10):
            await trio.sleep(30)
            await accept(gateway, 50)
        assert 4 <= shares(gateway)["beta"] - explored <= 6
        assert "exploring" in reasons(gateway.carriers["beta"].outstanding[-1])[0]


async def test_no_exploration_when_the_share_is_nothing() -> None:
    """Then the best gets all, as long as it has room."""
    config = config_of("alpha", "beta", policy="quality", window=100_000)
    config = make_config(
        carriers=config.carriers, pools=config.pools, accounts=config.accounts, quality=QualitySettings(explore=0)
    )
    async with run_gateway(config) as gateway:
        experienced(gateway, "alpha", "GB", 900, 100)
        experienced(gateway, "beta", "GB", 800, 200)
        await accept(gateway, 500)
        await trio.sleep(300)
        await accept(gateway, 500)
        assert shares(gateway) == {"alpha": 1_000, "beta": 0}


async def test_combined_takes_the_cheapest_of_the_good() -> None:
    """And the best there is when none is good."""
    cards = tables(alpha=card(GB=30_000), beta=card(GB=20_000), gamma=card(GB=10_000))
    config = config_of("alpha", "beta", "gamma", policy="combined", quality_min=0.8, window=1_000)
    async with run_gateway(config, tables=cards) as gateway:
        experienced(gateway, "alpha", "GB", 950, 50)
        experienced(gateway, "beta", "GB", 900, 100)
        experienced(gateway, "gamma", "GB", 300, 700)
        messages = await accept(gateway, 10)
        assert {message.carrier for message in messages} == {"beta"}
        assert reasons(messages[0])[0].startswith("combined 0.02 EUR 0.")
        experienced(gateway, "alpha", "GB", 0, 1_500)
        experienced(gateway, "beta", "GB", 0, 20_000)
        messages = await accept(gateway, 10)
        assert {message.carrier for message in messages} == {"alpha"}


async def test_who_reports_falsely_is_a_last_resort() -> None:
    """Taken only when nobody else is usable at all."""
    async with run_gateway(config_of("alpha", "beta", policy="quality", window=5)) as gateway:
        experienced(gateway, "alpha", "GB", 1_000, 0)
        gateway.engine.core.quality.probed("alpha", "GB", False, gateway.clock.now_ms())
        await accept(gateway, 8)
        assert shares(gateway) == {"alpha": 0, "beta": 5}
        gateway.carriers["beta"].link.is_bound = False
        gateway.carriers["beta"].events.on_capacity(gateway.carriers["beta"].link)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 3, "beta": 5}


async def test_scores_outlive_the_process() -> None:
    """What was learned is there at the next start."""
    config = config_of("alpha", "beta", policy="quality", window=1_000)
    async with run_gateway(config) as gateway:
        experienced(gateway, "alpha", "GB", 500, 500)
        experienced(gateway, "beta", "GB", 950, 50)
        await trio.sleep(70)
        await gateway.settle()
        store_tables = gateway.store.tables  # type: ignore[attr-defined]
    async with run_gateway(config, MemoryStore(store_tables)) as gateway:
        messages = await accept(gateway, 10)
        assert {message.carrier for message in messages} == {"beta"}


# --- explain ---


async def test_every_candidate_is_explained() -> None:
    """Who would be taken, who could, who is full, held or refused, and why."""
    cards = tables(alpha=card(GB=10_000), beta=card(GB=20_000), gamma=card(GB=15_000), delta=card(FR=1))
    config = config_of("alpha", "beta", "gamma", "delta", "epsilon", unpriced="refuse")
    async with run_gateway(config, tables=cards) as gateway:
        await accept(gateway, 10)
        gateway.carriers["gamma"].link.is_bound = False
        (message,) = await accept(gateway, 1, revenue=25_000)
        pool = gateway.engine.core.pools["gb"]
        told = {one.carrier: one for one in pool.explain(message, gateway.clock.monotonic_s())}
        assert {name: one.verdict for name, one in told.items()} == {
            "alpha": "full",
            "beta": "taken",
            "gamma": "held",
            "delta": "refused",
            "epsilon": "refused",
        }
        assert (told["beta"].cost, told["beta"].margin, told["beta"].window) == (20_000, 5_000, 9)
        assert told["delta"].why == "no price"
        assert "delivery" in told["beta"].quality
