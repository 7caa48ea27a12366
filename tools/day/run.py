"""One day under one way of choosing: the real engine over a store in memory, in virtual time."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import trio
import trio.testing
from attrs import define, field

from smsagg.config.schema import AccountSettings, CarrierSettings, Config, PoolMember, PoolSettings
from smsagg.engine import Engine
from smsagg.model import Message, MessageState, Refusal
from smsagg.observe.metrics import Metrics
from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import MemoryStore
from smsagg.tables import Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import make_message
from tools.day.carrier import DayCarrier, DaySettings, Taken
from tools.day.scenario import HOUR_S, HOURS, SUPPLIERS, Submit

GRACE_S = 600.0
"""After the day: what was accepted ends."""


@define(frozen=True)
class Way:
    """One way of choosing: what ``[pools.NAME]`` says."""

    name: str
    pool: Mapping[str, Any]
    order: Callable[[str, str], float] = lambda country, carrier: 0
    """Rank of a carrier in a country, lowest first; only orders matter."""


@define
class Day:
    """What a day was like."""

    way: Way
    submits: list[Submit]
    refused: int
    history: list[Message]
    taken: dict[str, list[Taken]]
    """By carrier: the truth."""
    unfinished: int
    probes: set[int] = field(factory=set)


def run_day(way: Way, submits: list[Submit], seed: int, tables: Tables, **sections: Any) -> Day:
    """Let the day pass; ``sections`` are further parts of the configuration."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(_pass, way, submits, seed, tables, sections, clock=clock)


def config_of(way: Way, **sections: Any) -> Config:
    """A pool for each country with all carriers that serve it."""
    countries = sorted({country for supplier in SUPPLIERS.values() for country in supplier.offers})
    pools = {country.lower(): _pool(way, country) for country in countries}
    carriers = {
        name: CarrierSettings(type="day", settings=DaySettings(supplier.rate)) for name, supplier in SUPPLIERS.items()
    }
    accounts = {name: AccountSettings(system_id=name, password_hash="") for name in ("shop", "bank", "fleet")}
    return Config(accounts=accounts, carriers=carriers, pools=pools, **sections)


def _pool(way: Way, country: str) -> PoolSettings:
    serving = [name for name, supplier in SUPPLIERS.items() if country in supplier.offers]
    ranked = sorted(serving, key=lambda name: way.order(country, name))
    members = tuple(PoolMember(name, rank=rank) for rank, name in enumerate(ranked))
    return PoolSettings(carriers=members, countries=(country,), **way.pool)


async def _pass(way: Way, submits: list[Submit], seed: int, tables: Tables, sections: dict[str, Any]) -> Day:
    config = config_of(way, **sections)
    store, clock = MemoryStore(), FakeClock()
    engine = Engine(config, store, clock, Random(f"{seed} engine"), Metrics("day"), tables=tables)
    carriers = {
        name: DayCarrier(name, settings.settings, engine, clock, Random(f"{seed} {name}"))
        for name, settings in config.carriers.items()
    }
    engine.connect(carriers, await store.recover(clock.now_ms(), engine.retries_due_by))
    store.on_commit = lambda _seconds, _changes: engine.dispatcher.wake()
    refused = 0
    async with trio.open_nursery() as nursery:
        await nursery.start(engine.run)
        for carrier in carriers.values():
            await nursery.start(carrier.run)
        began_at = trio.current_time()
        for submit in submits:
            await trio.sleep_until(began_at + submit.at_s)
            refused += not _submit(engine, submit, clock.now_ms())
        await trio.sleep_until(began_at + HOURS * HOUR_S + GRACE_S)
        nursery.cancel_scope.cancel()
    taken = {name: carrier.taken for name, carrier in carriers.items()}
    return Day(way, submits, refused, list(store.tables.history.values()), taken, len(store.tables.messages))


def _submit(engine: Engine, submit: Submit, now: int) -> bool:
    account = engine.accounts[submit.account]
    message = make_message(now, account=submit.account, destination_addr=submit.msisdn, ttl_s=HOUR_S)
    refusal = engine.admission.admit(account, message, submit.msisdn, now)
    taken = refusal or engine.intake.take(account, message, now)
    if isinstance(taken, Refusal):
        return False
    engine.intake.number(taken)
    engine.intake.commit(taken, _heard)
    return True


def _heard(status: int) -> None:
    assert status == ESME_ROK, status


__all__ = ["Day", "MessageState", "Way", "config_of", "run_day"]
