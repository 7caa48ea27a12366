"""Rules, country paces and caps per number at work in a running engine."""

from typing import Any

import pytest
import trio
import trio.testing

from smsagg.config.schema import (
    Config,
    CountrySettings,
    Duration,
    MessageClassSettings,
    PoolMember,
    Rate,
    RetrySettings,
    RoutingSettings,
    ShapingRuleSettings,
    StatusCode,
)
from smsagg.model import Accepted, Message, MessageState, Outcome, Refused
from smsagg.smpp.status import ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.testing.carrier import FakeCarrier
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    make_message,
    pool_settings,
    run_gateway,
)

RETRY = RetrySettings(first=Duration(2), multiplier=1, jitter=0, attempts_max=1_000)


def config_of(*rules: ShapingRuleSettings, **sections: Any) -> Config:
    """Two carriers, the first one preferred, without circuits; GB and VN go to the one pool."""
    defaults: dict[str, Any] = {
        "pools": {"gb": pool_settings(PoolMember("alpha", rank=0), PoolMember("beta", rank=1))},
        "carriers": {name: carrier_settings(circuit_failures=0) for name in ("alpha", "beta")},
        "message_classes": {"default": MessageClassSettings(retry=RETRY)},
        "shaping_rules": rules,
    }
    return make_config(**(defaults | sections))


def rule(**values: Any) -> ShapingRuleSettings:
    defaults: dict[str, Any] = {"name": "rule", "action": "suspend", "error_share": 0.5, "lasting": Duration(30.0)}
    return ShapingRuleSettings(**(defaults | values))


def failing_share(carrier: FakeCarrier, share: float, country: str = "") -> None:
    """A carrier that refuses so many of its messages for now."""
    count = [0]

    def answer(message: Message) -> Outcome:
        count[0] += 1
        is_bad = country in ("", message.country) and (count[0] * share) % 1 < share
        return Refused(message, ESME_RSYSERR) if is_bad else Accepted(message, carrier.next_id())

    carrier.answer_with(answer)


async def traffic(gateway: FakeGateway, seconds: int, per_s: int = 10, **fields: Any) -> list[Message]:
    messages = []
    for _ in range(seconds):
        messages += await gateway.accept(per_s, **fields)
        await trio.sleep(1)
    return messages


def sent_to(gateway: FakeGateway, name: str) -> int:
    return len(gateway.carriers[name].sent)


async def test_a_suspended_carrier_has_nothing_until_its_time_is_over() -> None:
    """And is given another chance then, with what happened before forgotten."""
    async with run_gateway(config_of(rule())) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        failing_share(alpha, 0.8)
        await traffic(gateway, 10)
        (action,) = gateway.engine.shaper.actions()
        assert (action.subject, action.rule.name) == (("alpha", ""), "rule")
        assert "error_share" in action.reason
        before = sent_to(gateway, "alpha")
        alpha.accept_all()
        await traffic(gateway, 15)
        assert sent_to(gateway, "alpha") == before
        await traffic(gateway, 20)
        assert sent_to(gateway, "alpha") > before + 20
        assert list(gateway.engine.shaper.actions()) == []


async def test_it_can_be_ended_by_hand() -> None:
    """``smsagg carrier resume`` does; and the metric follows."""
    async with run_gateway(config_of(rule(lasting=Duration(3_600.0)))) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        failing_share(alpha, 0.8)
        await traffic(gateway, 10)
        engine = gateway.engine
        assert engine.core.carriers["alpha"].holds.sources() == [("rule rule", "suspend")]
        alpha.accept_all()
        assert engine.shaper.end_actions("alpha", "by the operator") == 1
        assert engine.core.carriers["alpha"].holds.sources() == []
        before = sent_to(gateway, "alpha")
        await traffic(gateway, 2)
        assert sent_to(gateway, "alpha") == before + 20


async def test_the_last_carrier_is_not_suspended() -> None:
    """Unless the rule says so: messages would have nowhere to go."""
    for leave_last in (True, False):
        config = config_of(rule(leave_last=leave_last), pools={"gb": pool_settings("alpha")})
        async with run_gateway(config) as gateway:
            failing_share(gateway.carriers["alpha"], 0.8)
            await traffic(gateway, 10)
            assert len(list(gateway.engine.shaper.actions())) == (0 if leave_last else 1)


async def test_slow_is_a_rate() -> None:
    """Half of what it took, and the other carrier has the rest."""
    async with run_gateway(config_of(rule(action="slow", rate=Rate(2.0), lasting=Duration(600.0)))) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        failing_share(alpha, 0.8)
        await traffic(gateway, 10)
        alpha.accept_all()
        before = sent_to(gateway, "alpha")
        await traffic(gateway, 50)
        assert sent_to(gateway, "alpha") - before == pytest.approx(100, abs=5)


@pytest.mark.parametrize("policy", ["priority", "weighted"])
async def test_shift_leaves_a_share(policy: str) -> None:
    """Of what the carrier would get otherwise; with weights, of its weight."""
    members = PoolMember("alpha", rank=0), PoolMember("beta", rank=1)
    config = config_of(
        rule(action="shift", share=0.2, lasting=Duration(600.0)), pools={"gb": pool_settings(*members, policy=policy)}
    )
    async with run_gateway(config) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        failing_share(alpha, 0.9)
        await traffic(gateway, 20)
        assert len(list(gateway.engine.shaper.actions())) == 1
        alpha.accept_all()
        before = sent_to(gateway, "alpha"), sent_to(gateway, "beta")
        await traffic(gateway, 100)
        by_alpha, by_beta = sent_to(gateway, "alpha") - before[0], sent_to(gateway, "beta") - before[1]
        assert by_alpha == pytest.approx(200 if policy == "priority" else 1_000 * 0.2 / 1.2, rel=0.2)
        assert by_beta >= 1_000 - by_alpha - 20


async def test_one_country_is_suspended_alone() -> None:
    """The carrier's other countries go on."""
    async with run_gateway(config_of(rule(country="*"))) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        failing_share(alpha, 0.9, "VN")
        for _ in range(10):
            await gateway.accept(5, country="VN")
            await gateway.accept(5, country="GB")
            await trio.sleep(1)
        assert [action.subject for action in gateway.engine.shaper.actions()] == [("alpha", "VN")]
        vietnamese = await gateway.accept(5, country="VN")
        british = await gateway.accept(5, country="GB")
        await gateway.settle()
        assert {message.carrier for message in vietnamese} == {"beta"}
        assert {message.carrier for message in british} == {"alpha"}


async def test_statuses_and_receipts_are_seen() -> None:
    """Conditions on a status, on delivery and on response time hold for what carriers do."""
    rules = (
        rule(name="busy", error_share=None, status_count=10, statuses=(StatusCode(0x0401),)),
        rule(name="lost", error_share=None, delivery_below=0.5, carrier="beta", country="GB", leave_last=False),
        rule(name="late", error_share=None, response_latency=Duration(2.0), action="slow", samples_min=5),
    )
    async with run_gateway(config_of(*rules)) as gateway:
        alpha, beta = gateway.carriers.values()
        alpha.answer_with(lambda message: Refused(message, 0x0401))
        beta.accept_all()
        await gateway.accept(30)
        await trio.sleep(5)
        assert [(a.rule.name, a.subject) for a in gateway.engine.shaper.actions()] == [("busy", ("alpha", ""))]
        beta.receipt(*(f"beta-{number}" for number in range(1, 31)), state=MessageState.UNDELIVERABLE)
        await gateway.settle()
        await trio.sleep(2)
        assert {a.rule.name for a in gateway.engine.shaper.actions()} == {"busy", "lost"}
    async with run_gateway(config_of(rules[2])) as gateway:
        for _ in range(8):
            await gateway.accept(3)
            await trio.sleep(3)
            gateway.carriers["alpha"].accept()
        assert [(a.rule.name, a.subject) for a in gateway.engine.shaper.actions()] == [("late", ("alpha", ""))]


async def test_another_configuration_ends_actions_of_rules_that_changed() -> None:
    """Those of rules that stay as they were go on."""
    stays, goes = rule(name="stays", lasting=Duration(600.0)), rule(name="goes", lasting=Duration(600.0))
    async with run_gateway(config_of(stays, goes)) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        failing_share(alpha, 0.8)
        await traffic(gateway, 10)
        engine = gateway.engine
        assert {action.rule.name for action in engine.shaper.actions()} == {"stays", "goes"}
        changed = rule(name="goes", lasting=Duration(700.0))
        new = rule(name="new", error_share=None, status_count=10, statuses=(StatusCode(0x0401),))
        engine.reconfigure(config_of(stays, changed, new), engine.core.tables, gateway.carriers)
        assert {action.rule.name for action in engine.shaper.actions()} == {"stays"}
        assert engine.core.carriers["alpha"].holds.sources() == [("rule stays", "suspend")]


async def test_a_carrier_that_leaves_takes_its_restrictions_along() -> None:
    """When it comes back it is as new, and nobody asks about countries for its sake meanwhile."""
    config = config_of(rule(action="shift", country="*", lasting=Duration(600.0)))
    async with run_gateway(config) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        failing_share(alpha, 0.9)
        await traffic(gateway, 10)
        engine = gateway.engine
        assert not engine.core.health.is_quiet
        others = {"pools": {"gb": pool_settings("beta")}, "carriers": {"beta": config.carriers["beta"]}}
        engine.reconfigure(config_of(*config.shaping_rules, **others), engine.core.tables, {"beta": beta})
        assert list(engine.shaper.actions()) == []
        assert engine.core.health.is_quiet
        engine.reconfigure(config, engine.core.tables, gateway.carriers)
        assert engine.core.health.is_quiet
        await gateway.accept(1)


async def test_a_country_has_a_rate_over_all_carriers() -> None:
    """Its messages wait, those of others do not."""
    async with run_gateway(config_of(countries={"VN": CountrySettings(rate=Rate(5.0))})) as gateway:
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        vietnamese = await gateway.accept(100, country="VN")
        british = await gateway.accept(100, country="GB")
        await trio.sleep(0.5)
        assert all(message.carrier for message in british)
        await trio.sleep(9.5)
        assert sum(bool(message.carrier) for message in vietnamese) == pytest.approx(50, abs=3)
        await trio.sleep(11)
        assert all(message.carrier for message in vietnamese)


async def test_a_country_where_much_goes_wrong_is_slowed() -> None:
    """Whatever carrier takes it; and it recovers."""
    config = config_of(countries={"VN": CountrySettings(adaptive=True)})
    async with run_gateway(config) as gateway:
        for carrier in gateway.carriers.values():
            failing_share(carrier, 0.9)
        await traffic(gateway, 20, country="VN")
        rate = gateway.engine.shaper.country_rates()["VN"]
        assert rate < 15
        gateway.engine.reconfigure(config, gateway.engine.core.tables, gateway.carriers)
        assert gateway.engine.shaper.country_rates()["VN"] == rate
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        await trio.sleep(240)
        await traffic(gateway, 10, country="VN")
        assert gateway.engine.shaper.country_rates()["VN"] > rate
        assert gateway.engine.accounts["acme"].queued == 0


def test_a_number_has_a_limit_over_all_accounts_and_accounts_their_own() -> None:
    """ESME_RTHROTTLED beyond it; reloading forgets nothing that stays as it was (K08)."""

    def config(own: float) -> Config:
        return make_config(
            accounts={
                "acme": account_settings("acme"),
                "other": account_settings("other"),
                "own": account_settings("own", per_recipient=Rate(own), per_recipient_burst=1),
            },
            routing=RoutingSettings(per_recipient=Rate(1 / 60), per_recipient_burst=3),
        )

    async def run() -> None:
        async with run_gateway(config(0.01)) as gateway:
            engine = gateway.engine

            def submit(account: str, number: str) -> int:
                message = make_message(gateway.clock.now_ms(), account=account)
                refusal = engine.admission.admit(engine.accounts[account], message, number, gateway.clock.now_ms())
                return 0 if refusal is None else refusal.command_status

            number = "447700900123"
            assert [submit(name, number) for name in ("acme", "other", "acme", "other")] == [0, 0, 0, ESME_RTHROTTLED]
            assert [submit("own", number) for _ in range(2)] == [0, ESME_RTHROTTLED]
            assert submit("acme", "447700900124") == 0
            engine.reconfigure(config(5.0), engine.core.tables, gateway.carriers)
            assert submit("acme", number) == ESME_RTHROTTLED
            assert submit("own", number) == 0
            await trio.sleep(61)
            assert submit("acme", number) == 0

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
