"""Draining a carrier for maintenance, and resuming it."""

import pytest
import trio

from smsagg.config.schema import Config, PoolMember
from smsagg.errors import ControlError, StoreFull
from smsagg.model import MessageState
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, pool_settings, run_gateway, seqs


def config_of() -> Config:
    members = PoolMember("alpha", rank=0), PoolMember("beta", rank=1)
    return make_config(
        pools={"gb": pool_settings(*members)}, carriers={name: carrier_settings() for name in ("alpha", "beta")}
    )


def shares(gateway: FakeGateway) -> dict[str, int]:
    return {name: len(carrier.sent) for name, carrier in gateway.carriers.items()}


async def test_a_drained_carrier_finishes_what_it_has() -> None:
    """It gets nothing new, its answers and receipts count, and it is used again when it is resumed."""
    async with run_gateway(config_of()) as gateway:
        engine, alpha = gateway.engine, gateway.carriers["alpha"]
        old = await gateway.accept(3)
        await gateway.settle()
        await engine.maintenance.drain("alpha", unbind=False, reason="")
        new = await gateway.accept(3)
        await gateway.settle()
        assert seqs(gateway.carriers["beta"].outstanding) == seqs(new)
        ids = alpha.accept()
        await gateway.settle()
        alpha.receipt(*ids)
        await gateway.settle()
        assert {message.state for message in old} == {MessageState.DELIVERED}
        assert await engine.maintenance.resume("alpha")
        assert not await engine.maintenance.resume("alpha")
        await gateway.accept(2)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 5, "beta": 3}


async def test_its_queue_moves_at_once() -> None:
    """What waited for room on it goes to the others without waiting for anything."""
    config = make_config(
        pools={"gb": pool_settings(PoolMember("alpha", rank=0), backup="world"), "world": pool_settings("beta")},
        carriers={name: carrier_settings() for name in ("alpha", "beta")},
    )
    async with run_gateway(config) as gateway:
        gateway.carriers["alpha"].link.window = 2
        messages = await gateway.accept(10)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 2, "beta": 0}
        await gateway.engine.maintenance.drain("alpha", unbind=False, reason="")
        await gateway.settle()
        assert seqs(gateway.carriers["beta"].outstanding) == seqs(messages[2:])


async def test_a_drain_outlives_the_process() -> None:
    """It is in force before anything is sent, and so is its end."""
    tables = Tables()
    async with run_gateway(config_of(), MemoryStore(tables)) as gateway:
        await gateway.engine.maintenance.drain("alpha", unbind=True, reason="their upgrade")
    async with run_gateway(config_of(), MemoryStore(tables)) as gateway:
        assert not gateway.carriers["alpha"].link.is_bound
        assert gateway.engine.maintenance.drains["alpha"].reason == "their upgrade"
        await gateway.accept(2)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 0, "beta": 2}
        await gateway.engine.maintenance.resume("alpha")
        assert gateway.carriers["alpha"].link.is_bound
        gateway.carriers["beta"].accept()
        await gateway.settle()
    async with run_gateway(config_of(), MemoryStore(tables)) as gateway:
        await gateway.accept(2)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 2, "beta": 0}


async def test_unbinding_waits_for_what_is_outstanding() -> None:
    """The links go when the last answer has come."""
    async with run_gateway(config_of()) as gateway:
        alpha = gateway.carriers["alpha"]
        await gateway.accept(3)
        await gateway.settle()
        await gateway.engine.maintenance.drain("alpha", unbind=True, reason="")
        assert alpha.link.is_bound
        alpha.link.accept(alpha.outstanding[:2])
        assert alpha.link.is_bound
        alpha.accept()
        assert not alpha.link.is_bound


async def test_what_cannot_be_recorded_is_not_in_force() -> None:
    """Nor is a carrier drained that is not there."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        await gateway.accept(1)
        await gateway.settle()
        store.break_down(StoreFull("full"))
        gateway.carriers["alpha"].accept()  # an outcome that cannot be recorded
        await trio.sleep(1)
        with pytest.raises(ControlError, match="cannot write now: full"):
            await gateway.engine.maintenance.drain("alpha", unbind=False, reason="")
        store.repair()
        await gateway.settle()
        with pytest.raises(ControlError, match="there are alpha, beta"):
            await gateway.engine.maintenance.drain("gamma", unbind=False, reason="")
        await gateway.accept(1)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 2, "beta": 0}


async def test_a_drain_that_nobody_waits_for_takes_effect() -> None:
    """The caller goes away before the commit: the drain is in the store, so it is in force."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        store.hold()
        with trio.move_on_after(1):
            await gateway.engine.maintenance.drain("alpha", unbind=False, reason="")
        store.release()
        await gateway.settle()
        assert "alpha" in gateway.engine.maintenance.drains
        await gateway.accept(1)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 0, "beta": 1}


async def test_a_drained_carrier_may_leave_the_configuration() -> None:
    """It is still drained when it comes back, unless it was resumed meanwhile."""
    config = config_of()
    async with run_gateway(config) as gateway:
        engine, beta = gateway.engine, gateway.carriers["beta"]
        without = make_config(pools={"gb": pool_settings("beta")}, carriers={"beta": config.carriers["beta"]})
        for resumed in (False, True):
            await engine.maintenance.drain("alpha", unbind=False, reason="")
            engine.reconfigure(without, engine.core.tables, {"beta": beta})
            if resumed:
                assert await engine.maintenance.resume("alpha")
            engine.reconfigure(config, engine.core.tables, gateway.carriers)
            assert engine.core.carriers["alpha"].holds.is_stopped is not resumed
