"""What the ends of verifications say of carriers and prefixes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
import trio
from attrs import evolve

from smsagg.config.schema import VerificationSettings
from smsagg.config.units import Duration, MessageLimit
from smsagg.engine.verification.turns import Turns
from smsagg.engine.verification.verifications import Begun
from smsagg.model import Message
from smsagg.smpp.status import ESME_ROK
from smsagg.store.base import Changes
from smsagg.store.memory import MemoryStore
from smsagg.testing.gateway import FakeGateway, make_config, make_message, run_gateway

ELSEWHERE, PUMPED = "447911000000", "447700900000"


@asynccontextmanager
async def running(store: MemoryStore | None = None, **settings: Any) -> AsyncIterator[FakeGateway]:
    verification = VerificationSettings(**({"recipient_limits": (), "prefix_limits": ()} | settings))
    async with run_gateway(make_config(verification=verification), store) as gateway:
        yield gateway


async def begin(gateway: FakeGateway, code: str = "123456", to: str = PUMPED, ttl_ms: int = 60_000) -> str:
    """A verification whose message a carrier has."""
    engine, now = gateway.engine, gateway.clock.now_ms()
    message = make_message(now, destination_addr=to, country="GB", is_secret=True)
    taken = engine.intake.take(engine.accounts["acme"], message, now)
    assert isinstance(taken, list)
    engine.intake.number(taken)
    changes, told = Changes(), trio.Event()
    begun = Begun(engine.verifications.new_id(), code, "{}", "", ttl_ms)
    verification = engine.verifications.begin(begun, message, changes, now)

    def on_accepted(status: int) -> None:
        assert status == ESME_ROK
        told.set()

    engine.intake.commit(taken, on_accepted, changes)
    await told.wait()
    await gateway.settle()
    for carrier_id in gateway.carrier.accept():
        gateway.carrier.receipt(carrier_id)
    await gateway.settle()
    return verification.verification_id


async def test_what_recipients_did_is_told_to_the_judge_of_carriers() -> None:
    """A code that was typed in, and one that never was; wrong codes and cancelled verifications say nothing."""
    async with running(attempts_max=1) as gateway:
        service = gateway.engine.verifications
        right, wrong, cancelled, _expired = [await begin(gateway) for _ in range(4)]
        await service.check("acme", right, "123456")
        await service.check("acme", wrong, "000000")
        await service.cancel("acme", cancelled)
        await trio.sleep(63)
        cell = gateway.engine.core.experience.cell("alpha", "GB")
        assert (cell.asked, cell.converted) == (2, 1)
        ended = gateway.metrics.verifications_ended
        assert [ended["GB", state].n for state in ("approved", "failed", "cancelled", "expired")] == [1, 1, 1, 1]


async def test_a_prefix_whose_codes_nobody_types_in_raises_an_alarm() -> None:
    """Against the rest of the country, once there are enough of both."""
    async with running(collapse_codes=5) as gateway:
        service = gateway.engine.verifications
        for _ in range(6):
            await service.check("acme", await begin(gateway, to=ELSEWHERE), "123456")
        for _ in range(6):
            await begin(gateway)
        assert not list(gateway.engine.guard.alarms)
        await trio.sleep(63)
        [alarm] = gateway.engine.guard.alarms
        assert (alarm.finding.kind, alarm.finding.subject, alarm.finding.action) == ("conversion", "4477009", "monitor")
        assert alarm.finding.detail == "0% of codes typed in, 100% elsewhere in GB"


async def test_what_was_counted_still_counts_after_a_reload() -> None:
    """Unless the limits are others."""
    once = VerificationSettings(recipient_limits=(MessageLimit(1, 600),), prefix_limits=())
    async with run_gateway(make_config(verification=once)) as gateway:
        service, message = gateway.engine.verifications, make_message(gateway.clock.now_ms(), country="GB")
        assert service.count(message, gateway.clock.now_ms()) is None
        gateway.reconfigure(make_config(verification=evolve(once, attempts_max=2)))
        assert service.count(message, gateway.clock.now_ms()) is not None
        gateway.reconfigure(make_config(verification=evolve(once, recipient_limits=(MessageLimit(2, 600),))))
        assert service.count(message, gateway.clock.now_ms()) is None


async def test_the_text_with_the_code_is_gone_when_its_message_is_over() -> None:
    """Its record stays."""
    store = MemoryStore()
    async with running(store) as gateway:
        await begin(gateway)
        [over] = store.tables.history.values()
        assert isinstance(over, Message)
        assert (over.body, over.destination_addr) == (b"", PUMPED)


async def test_verifications_expire_across_a_restart_and_are_forgotten() -> None:
    """Whoever ran when their life was over."""
    store = MemoryStore()
    async with running(store) as gateway:
        verification_id = await begin(gateway)
        clock = gateway.clock
    async with run_gateway(
        make_config(verification=VerificationSettings(kept=Duration(60))), MemoryStore(store.tables), clock
    ) as gateway:
        await trio.sleep(61)
        await gateway.settle()
        found = await gateway.store.find_verification("acme", verification_id)
        assert found is not None
        assert (found.state, found.done_at, found.digests) == ("expired", found.expires_at, b"")
        await trio.sleep(130)
        assert await gateway.store.find_verification("acme", verification_id) is None


@pytest.mark.parametrize("seed", range(5))
async def test_checks_that_are_given_up_count_once_or_not_at_all(seed: int) -> None:
    """Callers go away at any moment: attempts never exceed the limit, and what is answered is in the store."""
    rng, store = Random(seed), MemoryStore()
    async with running(store, attempts_max=5) as gateway:
        verification_id = await begin(gateway)
        answered: list[int] = []

        async def one(patience_s: float) -> None:
            with trio.move_on_after(patience_s):
                checked = await gateway.engine.verifications.check("acme", verification_id, "000000")
                assert checked is not None
                answered.append(checked.verification.attempts)

        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(one, rng.choice([0.0, 0.0001, 10.0]))
        kept = store.tables.verifications[verification_id]
        assert kept.attempts <= 5
        assert max(answered) <= kept.attempts
        assert len(set(answered)) >= min(len(answered), 1)


async def test_turns_come_one_after_another_and_leave_nothing() -> None:
    """In the order of asking, also past those who gave up waiting."""
    turns, order = Turns(), list[int]()

    async def one(number: int, patience_s: float) -> None:
        with trio.move_on_after(patience_s):
            async with turns.turn("a"):
                order.append(number)
                await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        for number, patience_s in enumerate((9.0, 0.5, 9.0)):
            nursery.start_soon(one, number, patience_s)
            await trio.testing.wait_all_tasks_blocked()
        with turns.watching() as taken:
            assert taken == {"a"}
    assert order == [0, 2]
    assert len(turns) == 0
