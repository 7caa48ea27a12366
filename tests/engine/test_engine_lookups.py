"""Looking up ported numbers: what is asked, what is remembered, and that nobody waits for long."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import RoutingSettings
from smsagg.config.units import Duration
from smsagg.engine.admission.lookups import FAILURES_MAX, PAUSE_S, Lookups
from smsagg.resolvers.base import Resolver, ResolverError
from smsagg.routing.networks import NetworkRange, NetworkTable
from smsagg.tables import Tables
from smsagg.testing.gateway import FakeGateway, make_config, make_message, run_gateway
from smsagg.testing.resolver import FakeResolver, lookup_settings

NUMBER, OTHER, FRENCH = "447700900123", "447700900124", "33612345678"


@asynccontextmanager
async def gateway_with(resolver: Resolver, **settings: Any) -> AsyncIterator[FakeGateway]:
    config = make_config(routing=RoutingSettings(lookup=lookup_settings(**settings)))
    async with run_gateway(config, tables=Tables(resolver=resolver)) as gateway:
        await wait_all_tasks_blocked()
        yield gateway


async def ask(lookups: Lookups, *numbers: str) -> list[str]:
    """What is known of each after waiting."""
    await lookups.wait(lookups.start(numbers))
    return [lookups.network(number, "GB") for number in numbers]


def results(gateway: FakeGateway) -> dict[Any, float]:
    return {result: value.n for result, value in gateway.metrics.lookups.items()}


async def test_a_number_is_looked_up_once() -> None:
    """And its answer remembered, also when nothing is known."""
    resolver = FakeResolver({NUMBER: "23415"})
    async with gateway_with(resolver) as gateway:
        lookups = gateway.engine.lookups
        assert lookups.network(NUMBER, "GB") == ""
        assert await ask(lookups, NUMBER, OTHER) == ["23415", ""]
        assert await ask(lookups, NUMBER, OTHER) == ["23415", ""]
        assert sorted(resolver.asked) == [NUMBER, OTHER]
        assert results(gateway) == {"by_prefix": 1, "found": 1, "not_found": 1, "remembered": 4}


async def test_answers_are_asked_for_again_when_their_time_is_up() -> None:
    """The empty ones sooner."""
    resolver = FakeResolver({NUMBER: "23415"})
    async with gateway_with(resolver, ttl=Duration(100.0), negative_ttl=Duration(10.0)) as gateway:
        lookups = gateway.engine.lookups
        await ask(lookups, NUMBER, OTHER)
        await trio.sleep(10)
        resolver.networks[OTHER] = "23410"
        assert await ask(lookups, NUMBER, OTHER) == ["23415", "23410"]
        assert sorted(resolver.asked) == [NUMBER, OTHER, OTHER]


async def test_who_asks_for_the_same_number_waits_for_the_same_answer() -> None:
    """Also when the one who asked first goes away."""
    resolver = FakeResolver({NUMBER: "23415"}, gate=trio.Event())
    async with gateway_with(resolver) as gateway, trio.open_nursery() as nursery:
        lookups = gateway.engine.lookups
        first = trio.CancelScope()

        async def ask_first() -> None:
            with first:
                await ask(lookups, NUMBER)

        nursery.start_soon(ask_first)
        await wait_all_tasks_blocked()
        nursery.start_soon(ask, lookups, NUMBER)
        await wait_all_tasks_blocked()
        first.cancel()
        await wait_all_tasks_blocked()
        assert resolver.gate is not None
        resolver.gate.set()
        await wait_all_tasks_blocked()
        assert lookups.network(NUMBER, "GB") == "23415"
        assert resolver.asked == [NUMBER]


async def test_nobody_waits_longer_than_the_deadline() -> None:
    """The answer is taken for unknown, and not remembered."""
    resolver = FakeResolver({NUMBER: "23415"}, gate=trio.Event())
    async with gateway_with(resolver, deadline=Duration(0.5)) as gateway:
        began = trio.current_time()
        assert await ask(gateway.engine.lookups, NUMBER) == [""]
        assert trio.current_time() - began == pytest.approx(0.5)
        await wait_all_tasks_blocked()
        assert results(gateway) == {"timeout": 1, "by_prefix": 1}
        resolver.gate = None
        assert await ask(gateway.engine.lookups, NUMBER) == ["23415"]


async def test_only_so_many_are_under_way() -> None:
    """Above it nobody waits, however many come in one read."""
    resolver = FakeResolver(gate=trio.Event())
    async with gateway_with(resolver, concurrency_max=2) as gateway:
        lookups = gateway.engine.lookups
        numbers = [f"44770090{n:04}" for n in range(10)]
        assert len(lookups.start(numbers)) == 2
        assert len(lookups.start(numbers[:3])) == 2, "the same two"
        await wait_all_tasks_blocked()
        assert sorted(resolver.asked) == numbers[:2]
        assert results(gateway)["no_room"] == 9


@pytest.mark.parametrize("error", [ResolverError("gone"), RuntimeError("a bug of the plug-in")])
async def test_an_error_is_no_answer(error: Exception) -> None:
    """After several in a row nobody waits for a while; then one tries again."""
    resolver = FakeResolver({NUMBER: "23415"}, error=error)
    async with gateway_with(resolver) as gateway:
        lookups = gateway.engine.lookups
        for _ in range(FAILURES_MAX):
            assert await ask(lookups, NUMBER) == [""]
        assert lookups.start([NUMBER]) == []
        assert len(resolver.asked) == FAILURES_MAX
        resolver.error = None
        await trio.sleep(PAUSE_S)
        assert len(lookups.start([NUMBER, OTHER])) == 1, "one tries"
        await wait_all_tasks_blocked()
        assert await ask(lookups, NUMBER, OTHER) == ["23415", ""]


async def test_an_answer_that_is_no_network_is_an_error() -> None:
    """Whatever a plug-in says."""
    async with gateway_with(FakeResolver({NUMBER: "vodafone"})) as gateway:
        assert await ask(gateway.engine.lookups, NUMBER) == [""]
        assert results(gateway)["error"] == 1


async def test_numbers_of_other_countries_are_not_looked_up() -> None:
    """Nor those that the resolver knows at once."""
    resolver = FakeResolver(at_once={NUMBER: "23415", OTHER: ""})
    async with gateway_with(resolver) as gateway:
        lookups = gateway.engine.lookups
        assert lookups.start([FRENCH, NUMBER, OTHER]) == []
        assert [lookups.network(NUMBER, "GB"), lookups.network(OTHER, "GB"), lookups.network(FRENCH, "FR")] == [
            "23415",
            "",
            "",
        ]
        assert results(gateway) == {"known": 1, "not_listed": 1}


async def test_a_ported_number_has_its_present_network() -> None:
    """And one of which nothing is known that of its prefix."""
    resolver = FakeResolver(at_once={NUMBER: "23415", OTHER: ""})
    config = make_config(routing=RoutingSettings(lookup=lookup_settings()))
    tables = Tables(resolver=resolver, networks=NetworkTable([NetworkRange("4477", "23410")]))
    async with run_gateway(config, tables=tables) as gateway:
        now = gateway.clock.now_ms()
        for digits, network in ((NUMBER, "23415"), (OTHER, "23410")):
            message = make_message(now, destination_addr=digits)
            assert gateway.engine.admission.admit(gateway.engine.accounts["acme"], message, digits, now) is None
            assert message.network == network


async def test_a_reload_asks_the_new_resolver_and_lets_the_old_one_answer() -> None:
    """What the old one was asked is remembered unless somebody else is asked now."""
    old, new = FakeResolver({NUMBER: "23415"}, gate=trio.Event()), FakeResolver({OTHER: "23410"})
    async with gateway_with(old) as gateway:
        engine, lookups = gateway.engine, gateway.engine.lookups
        waited_for = lookups.start([NUMBER])
        await wait_all_tasks_blocked()
        engine.reconfigure(gateway.config, Tables(resolver=new), gateway.carriers)
        await wait_all_tasks_blocked()
        assert (old.running, new.running) == (1, 1)
        assert old.gate is not None
        old.gate.set()
        await lookups.wait(waited_for)
        assert lookups.network(NUMBER, "GB") == "23415"
        assert await ask(lookups, OTHER) == ["23410"]
        await trio.sleep(5)
        assert (old.running, new.running) == (0, 1)
        other = evolve(gateway.config, routing=RoutingSettings(lookup=evolve(lookup_settings(), type="other")))
        engine.reconfigure(other, Tables(resolver=new), gateway.carriers)
        assert lookups.network(NUMBER, "GB") == ""
        engine.reconfigure(make_config(), Tables(), gateway.carriers)
        assert not lookups.is_on
        assert lookups.start([NUMBER]) == []


async def test_an_answer_that_comes_when_somebody_else_is_asked_is_not_remembered() -> None:
    """An operator who changes the resolver has no use for what the one before says."""
    old, new = FakeResolver({NUMBER: "23415"}, gate=trio.Event()), FakeResolver({NUMBER: "23410"})
    async with gateway_with(old) as gateway:
        engine, lookups = gateway.engine, gateway.engine.lookups
        waited_for = lookups.start([NUMBER])
        await wait_all_tasks_blocked()
        other = evolve(gateway.config, routing=RoutingSettings(lookup=evolve(lookup_settings(), type="other")))
        engine.reconfigure(other, Tables(resolver=new), gateway.carriers)
        await wait_all_tasks_blocked()
        assert old.gate is not None
        old.gate.set()
        await lookups.wait(waited_for)
        assert lookups.network(NUMBER, "GB") == ""
        assert await ask(lookups, NUMBER) == ["23410"]


async def test_what_is_asked_while_a_resolver_starts_waits_for_it() -> None:
    """Nobody is told that it does not answer, and it is not left alone for that: also when it comes back."""
    old, new = FakeResolver({NUMBER: "23415"}), FakeResolver({NUMBER: "23410"})
    async with gateway_with(old) as gateway:
        engine, lookups = gateway.engine, gateway.engine.lookups
        numbers = [str(int(NUMBER) + n) for n in range(FAILURES_MAX + 1)]
        await wait_all_tasks_blocked()
        for resolver in (new, old):
            engine.reconfigure(gateway.config, Tables(resolver=resolver), gateway.carriers)
        assert await ask(lookups, *numbers) == ["23415", *[""] * FAILURES_MAX]
        await trio.sleep(5)
        assert (old.running, new.running) == (1, 0)
        engine.reconfigure(gateway.config, Tables(resolver=new), gateway.carriers)
        later = [str(int(NUMBER) + 100 + n) for n in range(FAILURES_MAX + 1)]
        await ask(lookups, *later)
        assert sorted(new.asked) == later


async def test_a_resolver_that_ends_by_an_error_ends_nothing_else() -> None:
    """Its messages have the networks of their prefixes."""

    class Broken(FakeResolver):
        async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
            raise RuntimeError("a bug of the plug-in")

    async with gateway_with(Broken()) as gateway:
        assert await ask(gateway.engine.lookups, NUMBER) == [""]
        await gateway.accept_one()
