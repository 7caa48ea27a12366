"""Carriers that come, change and leave while others go on; in virtual time."""

from random import Random
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from smsagg.carriers.base import Carrier
from smsagg.carriers.fleet import DRAIN_S, LOOK_S, Fleet, is_same_peer, may_stay
from smsagg.carriers.smpp import SmppCarrier
from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.config.schema import CarrierSettings, Duration, HostPort, Rate
from smsagg.testing.carrier import FakeCarrier, FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import carrier_settings

GRACE_S = 100.0


class Staying(FakeCarrier):
    """One that takes a while to be drained."""

    def __init__(self, name: str, settings: FakeSettings) -> None:
        super().__init__(name, settings, None, FakeClock(), Random(1))  # type: ignore[arg-type]
        self.drained_at: list[float] = []
        self.ended_at: float | None = None
        self.drain_s = 3.0

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            self.ended_at = trio.current_time()

    async def drain(self) -> None:
        self.drained_at.append(trio.current_time())
        await trio.sleep(self.drain_s)


class Port:
    """A fleet, and what it asked and told."""

    def __init__(self, **settings: CarrierSettings) -> None:
        self.made: list[Staying] = []
        self.forgotten: list[Carrier] = []
        self.awaited = True
        self.fleet = Fleet(settings, self._make, self._awaits, lambda: 7, self.forgotten.append)

    def _make(self, name: str, settings: CarrierSettings) -> Staying:
        self.made.append(Staying(name, settings.settings))
        return self.made[-1]

    async def _awaits(self, _name: str, up_to_seq: int) -> bool:
        assert up_to_seq == 7
        return self.awaited

    def change(self, **settings: CarrierSettings) -> None:
        plan = self.fleet.plan(settings)
        self.fleet.retune(plan)
        self.fleet.follow(plan, settings, GRACE_S)


def in_virtual_time(test: Any) -> None:
    trio.run(test, clock=MockClock(autojump_threshold=0))


ALPHA, OTHER = carrier_settings(), carrier_settings(FakeSettings(window=7))
FORM = carrier_settings(FakeSettings(long_messages="udh"))


def test_carriers_come_change_and_leave() -> None:
    """Who is told new settings goes on; who is replaced has a follower; who comes is run."""

    async def test() -> None:
        port = Port(alpha=ALPHA, beta=ALPHA)
        alpha, beta = port.made
        async with trio.open_nursery() as nursery:
            await port.fleet.start(nursery)
            plan = port.fleet.plan({"alpha": FORM, "beta": OTHER, "gamma": ALPHA})
            assert (set(plan.retuned), plan.replaced, plan.added, plan.removed) == (
                {"alpha"},
                ("beta",),
                ("gamma",),
                (),
            )
            assert alpha.settings.long_messages == "as_is"
            port.change(alpha=FORM, beta=OTHER, gamma=ALPHA)
            assert alpha.settings.long_messages == "udh"
            assert list(port.fleet.carriers) == ["alpha", "beta", "gamma"]
            assert port.fleet.carriers["alpha"] is alpha
            assert port.fleet.carriers["beta"] is not beta
            await trio.sleep(GRACE_S - 1)
            assert beta.drained_at == []
            assert port.fleet.leaving == 1
            await trio.sleep(10)
            assert beta.drained_at == [GRACE_S]
            assert beta.ended_at == GRACE_S + 3
            assert port.forgotten == [beta]
            assert port.fleet.leaving == 0
            nursery.cancel_scope.cancel()

    in_virtual_time(test)


def test_a_carrier_leaves_when_its_receipts_are_there() -> None:
    """Not before, and long before the grace is over."""

    async def test() -> None:
        port = Port(alpha=ALPHA, beta=ALPHA)
        _, beta = port.made
        async with trio.open_nursery() as nursery:
            await port.fleet.start(nursery)
            port.change(alpha=ALPHA)
            await trio.sleep(3 * LOOK_S + 1)
            assert beta.drained_at == []
            port.awaited = False
            await trio.sleep(LOOK_S)
            assert beta.drained_at == [4 * LOOK_S]
            nursery.cancel_scope.cancel()

    in_virtual_time(test)


def test_a_retuning_can_be_taken_back() -> None:
    """The rest of the step failed."""

    async def test() -> None:
        port = Port(alpha=ALPHA)
        plan = port.fleet.plan({"alpha": FORM})
        port.fleet.retune(plan)
        port.fleet.retune(plan, back=True)
        assert port.made[0].settings == ALPHA.settings

    in_virtual_time(test)


def test_an_end_in_order_waits_for_those_that_leave() -> None:
    """Nobody waits for receipts any more; all are drained, and who does not end holds up for a while only."""

    async def test() -> None:
        port = Port(alpha=ALPHA, beta=ALPHA, gamma=ALPHA)
        alpha, beta, gamma = port.made
        async with trio.open_nursery() as nursery:
            await port.fleet.start(nursery)
            port.change(alpha=ALPHA)
            gamma.drain_s = 1_000
            await trio.sleep(1)
            await port.fleet.drain()
            assert alpha.drained_at == beta.drained_at == gamma.drained_at == [1.0]
            assert trio.current_time() == 1 + DRAIN_S
            nursery.cancel_scope.cancel()

    in_virtual_time(test)


SMPP = CarrierSettings("smpp", SmppSettings(HostPort("smsc.example:2775"), "us", password="one"))


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ({"rate": Rate(5)}, True),
        ({"long_messages": "udh", "service_type": "x", "dialect": "8x8"}, True),
        ({"rate": Rate(5), "window": 3}, False),
        ({"password": "two"}, False),
        ({"response_timeout": Duration(5)}, False),
        ({"links": 2}, False),
    ],
)
def test_which_changes_a_carrier_lives_through(change: dict[str, Any], stays: bool) -> None:
    """What is decided for each message or receipt, and not what its bind was made with."""
    carrier = SmppCarrier("alpha", SMPP.settings, None, FakeClock(), Random(1))  # type: ignore[arg-type]
    wanted = evolve(SMPP, settings=evolve(SMPP.settings, **change))
    assert may_stay(carrier, SMPP, wanted) is stays
    assert may_stay(carrier, SMPP, evolve(SMPP, type="simulated")) is False


def test_a_follower_at_the_same_smsc_hears_the_receipts() -> None:
    """With another password or more links; not as somebody else, or somewhere else, or in this process."""
    assert is_same_peer(SMPP, evolve(SMPP, settings=evolve(SMPP.settings, links=3, password="two")))
    assert not is_same_peer(SMPP, evolve(SMPP, settings=evolve(SMPP.settings, system_id="them")))
    assert not is_same_peer(SMPP, evolve(SMPP, settings=evolve(SMPP.settings, address=HostPort("other:1"))))
    assert not is_same_peer(ALPHA, OTHER)
    assert not is_same_peer(SMPP, ALPHA)


def test_an_smpp_carrier_heeds_what_it_is_told() -> None:
    """The rate on every link, with what the bucket had; the rules of its ids."""

    async def test() -> None:
        limited = evolve(SMPP.settings, rate=Rate(30), links=2)
        carrier = SmppCarrier("alpha", limited, None, FakeClock(), Random(1))  # type: ignore[arg-type]
        for settings in (evolve(limited, rate=Rate(50)), evolve(limited, rate=None), limited):
            carrier.reconfigure(settings)
            for link in carrier.links:
                assert link.settings is settings
                rate = link._bucket.rate_per_s if link._bucket is not None else None
                assert rate == settings.rate
        assert not carrier.learns_ids
        carrier.reconfigure(evolve(limited, dialect="learn"))
        assert carrier.learns_ids
        carrier.reconfigure(evolve(limited, resp_id="hex_to_decimal"))
        assert carrier.links[0].rules.ids.of_submit_sm_resp("ff") == "255"

    in_virtual_time(test)
