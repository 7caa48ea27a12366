"""Brings the logs of a finished run together."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.chaos.configuration import (
    ACCOUNT_RATES,
    ACCOUNTS,
    API_KEY,
    CARRIER_PASSWORD,
    CARRIERS,
    ENDPOINT_CONCURRENCY,
    ENQUIRE_LINK_INTERVAL_S,
    LINK_RATES_PER_S,
    MO_OWNERS,
    PARKED_RECEIPT_TTL_S,
    POOLS,
    RESPONSE_TIMEOUT_S,
    WATCH,
    WEB,
    Sizes,
)
from tools.chaos.endpoints import GONE, SECRETS
from tools.chaos.history import Fault, History, Rules, Stall
from tools.chaos.nemesis import SETTLE_S
from tools.chaos.store_dump import dump, read_journal
from tools.chaos.wire import ESME_RBINDFAIL
from tools.chaos.workload import CANARY

if TYPE_CHECKING:
    from tools.chaos.harness import Run

MACHINE = "machine"
STALL_SHARE = 0.5
"""Of a response timer: a stall of the harness so long may have been longer for others."""
BIND_FREED_S = ENQUIRE_LINK_INTERVAL_S + RESPONSE_TIMEOUT_S + 2.0
"""The place of a dead session is taken for so long at most."""


CAUSES = frozenset({"server", "esme", MACHINE})
"""Targets of faults that may end an ESME's session."""


def stalls_as_faults(stalls: Iterable[Stall], sizes: Sizes) -> list[Fault]:
    """Stalls in which timers may have fired: whoever was not let run then could neither ask nor answer."""
    return [
        Fault("stall", MACHINE, stall.began_at, stall.ended_at, sizes.copies_max, sizes.receipts_max)
        for stall in stalls
        if stall.ended_at - stall.began_at >= STALL_SHARE * RESPONSE_TIMEOUT_S
    ]


def collect(run: "Run", anomalies: list[str], is_drained: bool) -> History:
    """Everything that was seen and written down; the system has stopped."""
    system, log = run.system, run.esme.log
    history = History(
        submits=log.submits + run.application.submits,
        client_receipts=log.receipts,
        faults=run.nemesis.faults,
        visits=run.nemesis.visitor.visits,
        clock=run.nemesis.machine.clock.steps(system.server.starts),
        store=dump(system.store_path),
        anomalies=anomalies,
        is_drained=is_drained,
        cancels=log.cancels,
        queries=log.queries,
        calls=run.application.calls,
        told=run.endpoints.told,
        enquiries=run.watch.enquiries,
        client_mo=log.mo,
        breaches=log.breaches + run.application.breaches,
        samples=run.recorder.samples,
        stalls=run.recorder.stalls,
        starts=system.server.starts,
        life=run.life,
        overdue=run.network.overdue,
        outputs={
            "server.log": system.server.output.read_text(errors="replace"),
            "/metrics": run.recorder.scraped,
        },
        secrets={
            "the text of messages": CANARY,
            "the password of a carrier": CARRIER_PASSWORD,
            "an API key": API_KEY,
            **{f"the secret of the endpoint {name}": secret for name, secret in SECRETS.items()},
            **{f"the password of {account.name}": account.password for account in (*ACCOUNTS, WATCH)},
        },
        rules=_rules(system.sizes, run.settings.load.window),
        phases=run.phases,
    )
    for name in CARRIERS:
        carrier = read_journal(system.journal_path(name), name)
        history.carrier_submits += carrier.submits
        history.carrier_receipts += carrier.receipts
        history.carrier_mo += carrier.mo
        history.breaches += carrier.breaches
    return history


def _rules(sizes: Sizes, window: int) -> Rules:
    return Rules(
        sizes.link_window,
        sizes.links,
        sizes.deliver_window,
        RESPONSE_TIMEOUT_S,
        {name: float(rate) for name, rate in LINK_RATES_PER_S.items()},
        {
            account.name: (*ACCOUNT_RATES[account.name], account.binds * window)
            for account in ACCOUNTS
            if account.name in ACCOUNT_RATES
        },
        {carrier: pool for pool, carriers in POOLS.items() for carrier in carriers},
        MO_OWNERS,
        PARKED_RECEIPT_TTL_S,
        {WEB: tuple(name for name in SECRETS if name != GONE)},
        ENDPOINT_CONCURRENCY,
    )


def sessions_lost_for_nothing(lost: list[tuple[float, str]], faults: list[Fault]) -> list[str]:
    """Bound sessions must not end but by a fault of the server or of the ESME itself."""
    causes = [fault for fault in faults if fault.target in CAUSES]
    return [
        f"a session ended ({how}) with no fault"
        for at, how in lost
        if not any(fault.began_at <= at <= fault.ended_at + SETTLE_S for fault in causes)
    ]


def unexcused_refusals(refused: list[tuple[float, int]], faults: list[Fault]) -> list[str]:
    """A bind may be refused while the place of a session that died is not free yet, and only then."""
    causes = [fault for fault in faults if fault.target in CAUSES]
    return [
        f"a bind was refused with {status:#x}"
        for at, status in refused
        if status != ESME_RBINDFAIL
        or not any(fault.began_at <= at <= fault.ended_at + BIND_FREED_S for fault in causes)
    ]
