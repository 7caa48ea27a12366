"""Rehearsals of outages: nothing is lost, messages move, and it ends."""

from typing import Any

import pytest
import trio

from smsagg.config.schema import Config, Duration, MessageClassSettings, PoolMember, RetrySettings, RoutingSettings
from smsagg.engine.health.alternatives import left_without
from smsagg.engine.health.drills import DrillKind
from smsagg.engine.health.health_gauges import add_health_sources
from smsagg.errors import ControlError
from smsagg.model import Accepted
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, pool_settings, run_gateway

RETRY = RetrySettings(first=Duration(2), multiplier=1, jitter=0, attempts_max=3)


def config_of(**sections: Any) -> Config:
    """Two carriers, the first one preferred."""
    members = PoolMember("alpha", rank=0), PoolMember("beta", rank=1)
    defaults: dict[str, Any] = {
        "pools": {"gb": pool_settings(*members, countries=("GB",))},
        "carriers": {name: carrier_settings() for name in ("alpha", "beta")},
        "message_classes": {"default": MessageClassSettings(retry=RETRY)},
    }
    return make_config(**(defaults | sections))


def shares(gateway: FakeGateway) -> dict[str, int]:
    return {name: len(carrier.sent) for name, carrier in gateway.carriers.items()}


async def traffic(gateway: FakeGateway, seconds: int, per_s: int = 10, **fields: Any) -> None:
    for _ in range(seconds):
        await gateway.accept(per_s, **fields)
        await trio.sleep(1)


async def test_an_outage_moves_everything_and_is_reported() -> None:
    """The other carrier has all meanwhile; the report tells how much moved; then it is as before."""
    async with run_gateway(config_of()) as gateway:
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        drills = gateway.engine.drills
        await traffic(gateway, 60)
        drill = drills.start("alpha", "", DrillKind.OUTAGE, 30, force=False)
        await traffic(gateway, 29)
        assert shares(gateway) == {"alpha": 600, "beta": 290}
        await trio.sleep(2.5)
        assert drill.ended_by == "time"
        assert list(drills.running()) == []
        (moved,) = drill.moved
        assert (moved.country, moved.total, moved.moved, moved.to) == ("GB", 290, 290, {"beta": 290})
        await traffic(gateway, 1)
        assert shares(gateway) == {"alpha": 610, "beta": 290}


@pytest.mark.parametrize("in_doubt", ["resend", "fail"])
async def test_what_is_rejected_goes_to_others_and_spends_no_attempt(in_doubt: str) -> None:
    """Refused by us and never handed to the carrier; its circuit opens, and messages of any class survive."""
    message_class = MessageClassSettings(retry=RETRY, in_doubt=in_doubt)
    async with run_gateway(config_of(message_classes={"default": message_class})) as gateway:
        gateway.carriers["beta"].accept_all()
        drill = gateway.engine.drills.start("alpha", "", DrillKind.REJECT, 60, force=False)
        messages = await gateway.accept(30)
        await trio.sleep(5)
        assert shares(gateway) == {"alpha": 0, "beta": 30}
        assert drill.refused >= 20
        assert {message.attempts for message in messages} == {1}
        await gateway.accept(5)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 0, "beta": 35}


async def test_a_rejected_message_with_nowhere_to_go_waits() -> None:
    """However long the drill lasts: no attempt is spent, and it is sent when the drill is over."""
    config = make_config(message_classes={"default": MessageClassSettings(retry=RETRY)})
    async with run_gateway(config) as gateway:
        drills = gateway.engine.drills
        with pytest.raises(ControlError, match="pools gb"):
            drills.start("alpha", "", DrillKind.REJECT, 60, force=False)
        drills.start("alpha", "", DrillKind.REJECT, 60, force=True)
        message = await gateway.accept_one()
        await trio.sleep(58)
        assert shares(gateway) == {"alpha": 0}
        await trio.sleep(15)
        assert gateway.sent == [message.seq]


async def test_throttling_slows_the_links_and_the_rest_moves() -> None:
    """What exceeds a tenth of the traffic before is throttled by us, and goes to the other carrier."""
    async with run_gateway(config_of()) as gateway:
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        await traffic(gateway, 60, per_s=20)
        drill = gateway.engine.drills.start("alpha", "", DrillKind.THROTTLE, 60, force=False)
        await traffic(gateway, 59, per_s=20)
        sent = shares(gateway)
        assert sent["alpha"] + sent["beta"] == 119 * 20
        assert sent["alpha"] - 1200 <= 200
        assert drill.refused > 0


async def test_slow_is_a_tenth() -> None:
    """The other carrier has nine of ten."""
    async with run_gateway(config_of()) as gateway:
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        await traffic(gateway, 60, per_s=20)
        gateway.engine.drills.start("alpha", "", DrillKind.SLOW, 60, force=False)
        await traffic(gateway, 50, per_s=20)
        assert shares(gateway)["alpha"] - 1200 == pytest.approx(100, abs=15)


async def test_a_drill_ends_by_the_operator_and_with_the_process() -> None:
    """And a carrier has one at a time."""
    config = config_of()
    async with run_gateway(config) as gateway:
        drills = gateway.engine.drills
        drills.start("alpha", "", DrillKind.OUTAGE, 600, force=False)
        with pytest.raises(ControlError, match="has a drill already"):
            drills.start("alpha", "", DrillKind.REJECT, 600, force=False)
        with pytest.raises(ControlError, match="no carrier is left"):
            drills.start("beta", "", DrillKind.OUTAGE, 600, force=False)
        await gateway.accept_one()
        await gateway.settle()
        assert shares(gateway) == {"alpha": 0, "beta": 1}
        assert drills.stop("alpha").ended_by == "operator"
        await gateway.accept_one()
        await gateway.settle()
        assert shares(gateway) == {"alpha": 1, "beta": 1}
        with pytest.raises(ControlError, match="has no drill"):
            drills.stop("alpha")
        drills.start("alpha", "", DrillKind.OUTAGE, 600, force=False)
    async with run_gateway(config) as gateway:
        await gateway.accept_one()
        await gateway.settle()
        assert shares(gateway) == {"alpha": 1, "beta": 0}


async def test_restrictions_are_metrics() -> None:
    """Who holds what back, and which circuits are open."""
    async with run_gateway(config_of()) as gateway:
        engine = gateway.engine
        add_health_sources(gateway.metrics, engine)
        await engine.maintenance.drain("beta", unbind=False, reason="")
        engine.drills.start("alpha", "VN", DrillKind.REJECT, 60, force=True)
        engine.core.health.on_undelivered(engine.core.carriers["alpha"], "GB", trio.current_time())
        gateway.metrics.refresh()
        text = gateway.metrics.render()[0].decode()
        held = 'smsagg_shaping_actions{action="%s",carrier="%s",country="%s",source="%s"} 1.0'
        assert held % ("suspend", "beta", "all", "drain") in text
        assert held % ("reject", "alpha", "VN", "drill") in text
        assert 'smsagg_carrier_circuit_open{carrier="alpha",of="GB"} 1.0' in text
        assert 'smsagg_carrier_circuit_open{carrier="alpha",of="alpha/1"} 0.0' in text
        assert 'smsagg_carrier_link_rate{carrier="alpha",link="alpha/1"} +Inf' in text


async def test_what_is_outstanding_finishes() -> None:
    """An outage takes no answers away: nothing is sent twice for a rehearsal."""
    async with run_gateway(config_of()) as gateway:
        gateway.carriers["beta"].answer_with(lambda message: Accepted(message, "b"))
        messages = await gateway.accept(5)
        await gateway.settle()
        gateway.engine.drills.start("alpha", "", DrillKind.OUTAGE, 600, force=False)
        await trio.sleep(5)
        gateway.carriers["alpha"].accept()
        await gateway.settle()
        assert {message.carrier for message in messages} == {"alpha"}
        assert shares(gateway) == {"alpha": 5, "beta": 0}


async def test_who_is_left_without_a_carrier() -> None:
    """Pools that messages come to, for the country, and that have nobody else; backups alone have no messages."""
    carriers = {name: carrier_settings() for name in ("alpha", "beta", "gamma")}
    pools = {
        "gb": pool_settings("alpha", countries=("GB",), backup="spare"),
        "spare": pool_settings("beta"),
        "vn": pool_settings("gamma", countries=("VN",)),
        "world": pool_settings("gamma"),
    }
    config = make_config(carriers=carriers, pools=pools, routing=RoutingSettings(default_pool="world"))
    async with run_gateway(config) as gateway:
        core = gateway.engine.core

        def left(carrier: str, country: str = "") -> list[str]:
            return left_without(core, core.carriers[carrier], country, trio.current_time())

        assert (left("alpha"), left("beta")) == ([], [])
        assert left("gamma") == ["vn", "world"]
        assert (left("gamma", "VN"), left("gamma", "US"), left("gamma", "GB")) == (["vn"], ["world"], [])
        core.health.stop(core.carriers["beta"], "", "test", "stopped")
        assert (left("alpha"), left("alpha", "GB"), left("alpha", "VN")) == (["gb"], ["gb"], [])
        core.health.stop(core.carriers["gamma"], "VN", "test", "stopped")
        assert (left("gamma", "VN"), left("gamma", "US")) == ([], ["world"])
