"""One run: start the system, load it, let the nemesis loose, heal, wait until nothing is left to do, stop, collect."""

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import trio
from attrs import define, field

from tools.chaos.checker import Report, check
from tools.chaos.esme import Esme, Load
from tools.chaos.history import Fault, History
from tools.chaos.nemesis import SETTLE_S, Nemesis, Plan
from tools.chaos.store_dump import dump, live, read_journal
from tools.chaos.system import ACCOUNTS, CARRIERS, Sizes, System, SystemFailed

POLL_S = 0.1
QUIET_S = 0.5
"""Nothing live, nothing owed, nothing unanswered for so long: drained."""


@define(frozen=True)
class Settings:
    """What a run is; all of it follows from the seed but the machine's own timing."""

    plan: Plan = field(factory=Plan)
    load: Load = field(factory=Load)
    sizes: Sizes = field(factory=Sizes)
    seed: int = 0
    drain_deadline_s: float = 60.0
    seed_bug: str = ""


def run(settings: Settings, folder: Path, tell: Callable[[str], None] = lambda _: None) -> tuple[Report, History]:
    """The report on one run in ``folder``, an empty one; takes the plan's time and at most the drain deadline."""
    history = trio.run(_run, settings, folder, tell)
    return check(history), history


async def _run(settings: Settings, folder: Path, tell: Callable[[str], None]) -> History:
    rng = Random(settings.seed)
    system = System(folder, rng, settings.sizes, settings.seed_bug)
    esme = Esme(system.port, ACCOUNTS, settings.load, rng)
    nemesis = Nemesis(system, esme, settings.plan, rng, tell)
    failures: list[str] = []
    is_drained = False
    try:
        await system.start()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(esme.run)
            try:
                await nemesis.run()
                esme.is_sending = False
                is_drained = await _drained(system, esme, settings.drain_deadline_s, tell)
            except SystemFailed as error:
                failures.append(str(error))
            esme.finish()
            lost = list(esme.log.sessions_lost)
            await system.stop()
            nursery.cancel_scope.cancel()
    finally:
        system.kill()
    anomalies = failures + system.anomalies() + _sessions_lost_for_nothing(lost, nemesis.faults)
    anomalies += [f"a bind was refused with {status:#x}" for _, status in esme.log.binds_refused]
    return _collect(system, esme, nemesis.faults, anomalies, is_drained)


async def _drained(system: System, esme: Esme, deadline_s: float, tell: Callable[[str], None]) -> bool:
    """Wait until the store holds nothing live and nothing owed, and every submit is answered."""
    began_at = time.monotonic()
    quiet_since: float | None = None
    messages = deliveries = -1
    while (now := time.monotonic()) - began_at < deadline_s:
        messages, deliveries = live(system.store_path)
        if messages or deliveries or esme.outstanding or esme.bound < esme.binds_wanted:
            quiet_since = None
        elif quiet_since is None:
            quiet_since = now
        elif now - quiet_since >= QUIET_S:
            tell(f"drained in {now - began_at:.1f} s")
            return True
        await trio.sleep(POLL_S)
    tell(
        f"not drained in {deadline_s:.0f} s: {messages} messages, {deliveries} receipts, {esme.outstanding} unanswered"
    )
    return False


def _sessions_lost_for_nothing(lost: list[tuple[float, str]], faults: list[Fault]) -> list[str]:
    """Bound sessions must not end but by a fault of the server or of the ESME itself."""
    causes = [fault for fault in faults if fault.target in ("server", "esme")]
    return [
        f"a session ended ({how}) with no fault"
        for at, how in lost
        if not any(fault.began_at <= at <= fault.ended_at + SETTLE_S for fault in causes)
    ]


def _collect(system: System, esme: Esme, faults: list[Fault], anomalies: list[str], is_drained: bool) -> History:
    history = History(
        submits=esme.log.submits,
        client_receipts=esme.log.receipts,
        faults=faults,
        store=dump(system.store_path),
        anomalies=anomalies,
        is_drained=is_drained,
    )
    for name in CARRIERS:
        submits, receipts = read_journal(system.journal_path(name), name)
        history.carrier_submits += submits
        history.carrier_receipts += receipts
    return history
