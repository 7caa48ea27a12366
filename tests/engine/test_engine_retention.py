"""What is kept for how long: rules by period, applied in steps, through restarts and changes of the configuration."""

import attrs
import orjson
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.retention_settings import CountryRetentionSettings
from smsagg.config.schema import (
    AccountRetentionSettings,
    Config,
    Duration,
    RetentionSettings,
    StoreSettings,
)
from smsagg.engine.ending import retention as module
from smsagg.engine.ending.retention import INTERVAL_S, KIND, history_ttl, periods_of
from smsagg.model import MessageState
from smsagg.store.base import RetentionPlace, RetentionRule, RetentionSubject
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway, seqs

DAY_S = 86_400


def config_of(
    bodies: float | None = None, numbers: float | None = None, **accounts: AccountRetentionSettings
) -> Config:
    names = {"acme", *accounts}
    return make_config(
        accounts={name: account_settings(name, retention=accounts.get(name)) for name in names},
        retention=RetentionSettings(*(None if days is None else Duration(days * DAY_S) for days in (bodies, numbers))),
        store=StoreSettings(history_ttl=Duration(30 * DAY_S)),
    )


def own(**days: float) -> AccountRetentionSettings:
    return AccountRetentionSettings(**{name: Duration(value * DAY_S) for name, value in days.items()})


def test_a_country_s_period_is_a_rule_beside_those_of_accounts() -> None:
    """For everybody's messages to it, so whichever period is the shorter counts."""
    config = config_of(5, acme=own(bodies=2))
    countries = {
        "DE": CountryRetentionSettings(bodies=Duration(DAY_S)),
        "FR": CountryRetentionSettings(bodies=Duration(DAY_S), numbers=Duration(3 * DAY_S)),
    }
    found = periods_of(attrs.evolve(config, retention=attrs.evolve(config.retention, countries=countries)))
    assert found[: len(periods_of(config))] == periods_of(config)
    assert [(period.key, period.rule.is_exempting, period.rule.accounts) for period in found[2:]] == [
        ("bodies 86400s to DE,FR", True, frozenset()),
        ("numbers 259200s to FR", True, frozenset()),
    ]


OWN = st.one_of(st.none(), st.builds(own, bodies=st.sampled_from([1, 2, 5])), st.builds(own, history=st.just(3)))


@given(st.sampled_from([None, 1, 2, 5]), OWN, OWN)
def test_every_account_is_concerned_from_its_own_period_on(
    general: int | None, one: AccountRetentionSettings | None, two: AccountRetentionSettings | None
) -> None:
    """By a rule of exactly that period, by all longer ones, and by no shorter one."""
    config = config_of(general, one=one or own(), two=two or own())
    for account, settings in (("one", one), ("two", two), ("acme", None), ("gone", None)):
        period = (settings and settings.bodies) or (general and general * DAY_S)
        concerned = sorted(
            rule.seconds
            for rule in periods_of(config)
            if rule.rule.subject is RetentionSubject.BODIES
            and (account in rule.rule.accounts) != rule.rule.is_exempting
        )
        all_periods = sorted(r.seconds for r in periods_of(config) if r.rule.subject is RetentionSubject.BODIES)
        assert concerned == [seconds for seconds in all_periods if period is not None and seconds >= period]


def test_history_of_one_account_goes_sooner_or_later() -> None:
    """The longest period is the limit of all; who has a shorter one has a rule."""
    config = config_of(one=own(history=90), two=own(history=3))
    assert history_ttl(config) == 90 * DAY_S
    rules = {period.seconds / DAY_S: period.rule for period in periods_of(config)}
    assert set(rules) == {3, 30}
    assert (rules[3].accounts, rules[3].is_exempting) == ({"two"}, False)
    assert (rules[30].accounts, rules[30].is_exempting) == ({"one"}, True)
    assert periods_of(config_of()) == []


async def finish(gateway: FakeGateway, count: int = 1) -> list[int]:
    """Messages that are accepted, sent and delivered now."""
    messages = await gateway.accept(count, body=b"secret words")
    await gateway.settle()
    ids = gateway.carrier.accept()
    await gateway.settle()
    gateway.carrier.receipts((carrier_id, MessageState.DELIVERED) for carrier_id in ids)
    await gateway.settle()
    return seqs(messages)


async def pass_days(gateway: FakeGateway, days: float) -> None:
    """And as long as a round takes to come."""
    gateway.clock.jump_wall(days * DAY_S)
    await trio.sleep(INTERVAL_S + 2)
    await gateway.settle()


class WatchedStore(MemoryStore):
    """Notes from where on rules are applied."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.calls: list[int] = []

    async def apply_retention(
        self, rule: RetentionRule, done_before: int, place: RetentionPlace, limit: int
    ) -> RetentionPlace:
        self.calls.append(place.seq)
        return await super().apply_retention(rule, done_before, place, limit)


def places(tables: Tables) -> dict[str, int]:
    """How far each rule has come, by seq."""
    return {key: orjson.loads(value)["place"][0] for (kind, key), value in tables.entities.items() if kind == KIND}


async def test_texts_and_numbers_go_and_query_receipt_and_money_stay() -> None:
    """A receipt that waits for its account is delivered after the text is gone, and the message is known (J17)."""
    async with run_gateway(config_of(bodies=0.5, numbers=1)) as gateway:
        await finish(gateway)
        before = await gateway.store.find_message(1)
        await pass_days(gateway, 0.4)
        young = await gateway.store.find_message(1)
        assert before is not None
        assert young is not None
        assert young.body == b"secret words"
        await pass_days(gateway, 1)
        sink = gateway.attach()
        await gateway.settle()
        (receipt,) = sink.received
        assert (receipt.source_addr, receipt.destination_addr) == ("447700900123", "ACME")
        assert receipt.message_id == before.message_id
        found = await gateway.engine.control.find("acme", before.message_id)
        assert found is not None
        assert (found.body, found.destination_addr) == (b"", "44770•••")
        assert (found.state, found.done_at) == (MessageState.DELIVERED, before.done_at)
        assert (found.price, found.revenue, found.cost) == (before.price, before.revenue, before.cost)
        gateway.assert_nothing_is_held()


async def test_the_receipt_of_the_whole_has_the_number_though_a_part_has_lost_it() -> None:
    """The part that came first was over long ago; its group ends now, with a part missing."""
    config = config_of(bodies=0.5, numbers=0.5)
    acme = attrs.evolve(config.accounts["acme"], part_receipts="worst")
    async with run_gateway(attrs.evolve(config, accounts={"acme": acme})) as gateway:
        for number in (1, 2):
            header = bytes((5, 0, 3, 77, 3, number))
            await gateway.accept(esm_class=0x40, body=header + b"secret", ttl_s=5 * DAY_S)
        await trio.sleep(5)
        ids = gateway.carrier.accept()
        await gateway.settle()
        gateway.carrier.receipts([(ids[0], MessageState.DELIVERED)])
        await pass_days(gateway, 1)
        first = await gateway.store.find_message(1)
        assert first is not None
        assert first.destination_addr == "44770•••"
        sink = gateway.attach()
        gateway.carrier.receipts([(ids[1], MessageState.DELIVERED)])
        await pass_days(gateway, 0)
        (receipt,) = sink.received
        assert receipt.source_addr == "447700900123"
        assert receipt.message_state == MessageState.DELIVERED


async def test_a_restart_goes_on_where_it_was_and_a_changed_rule_begins_anew() -> None:
    """How far a rule came is kept with the rule; rules that there are no more leave nothing."""
    clock, tables = FakeClock(), Tables()

    async def live(config: Config, messages: int = 0) -> list[int]:
        store = WatchedStore(tables)
        async with run_gateway(config, store, clock) as gateway:
            if messages:
                await finish(gateway, messages)
            await pass_days(gateway, 8 if messages else 1)
            return store.calls

    await live(config_of(bodies=7), 3)
    assert places(tables) == {"bodies 604800s": 3}
    assert set(await live(config_of(bodies=7))) == {3}
    assert 0 in await live(config_of(bodies=7, acme=own(bodies=8)))
    assert places(tables) == {}
    await live(config_of(numbers=1))
    assert set(places(tables)) == {"numbers 86400s"}


async def test_a_round_is_bounded_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many batches and no more in a round, a round a second as long as there is more to do."""
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(module, "BATCHES", 3)
    async with run_gateway(config_of(bodies=7)) as gateway:
        await finish(gateway, 9)
        await trio.sleep(INTERVAL_S)
        gateway.clock.jump_wall(8 * DAY_S)
        left: list[int] = []
        for _ in range(30):
            await trio.sleep(0.5)
            await gateway.settle()
            found = await gateway.store.find_messages(1, 9)
            left.append(sum(message.body != b"" for message in found))
        assert set(left) - {9} == {3, 0}


async def test_a_change_of_the_configuration_is_heeded() -> None:
    """From the next round on."""
    async with run_gateway(config_of()) as gateway:
        await finish(gateway)
        await pass_days(gateway, 2)
        core = gateway.engine.core
        core.config = config_of(bodies=1)
        gateway.engine._sweeper.reconfigure()
        await pass_days(gateway, 0)
        message = await gateway.store.find_message(1)
        assert message is not None
        assert message.body == b""


async def test_without_a_period_nothing_is_asked() -> None:
    """Who does not use it does not pay for it."""
    store = MemoryStore()
    store.apply_retention = None  # type: ignore[assignment,method-assign]
    async with run_gateway(config_of(), store) as gateway:
        await finish(gateway)
        await pass_days(gateway, 1)
