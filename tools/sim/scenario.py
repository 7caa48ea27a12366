"""Draws a whole world from a seed: configuration, customers and their messages, carriers and their moods, faults.

Everything is small on purpose: limits of two or three make queues spill, windows fill and look-ups miss with a few
dozen messages, so that a run costs milliseconds and thousands of them see what one long run would not.
"""

from math import inf
from random import Random

from attrs import define, evolve, field

from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.config.schema import (
    AccountSettings,
    CarrierSettings,
    Config,
    Duration,
    HostPort,
    MessageClassSettings,
    PoolMember,
    PoolSettings,
    Rate,
    ReceiptSettings,
    RetrySettings,
    RoutingSettings,
    ServerSettings,
    SessionSettings,
    StoreSettings,
)
from tools.sim.disk import DiskPlan
from tools.sim.network import Weather
from tools.sim.wire import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER

CARRIERS = ("alpha", "bravo", "charlie", "delta")
PREFIXES = {"GB": "447700900", "FR": "336123456", "DE": "491512345", "ES": "346123456"}
UNROUTED = "819012345"
"""A country that no pool names."""
PASSWORD = "secret"
CARRIER_GRACE_S = 3.0
QUERIED_AFTER_S = (0.0, 6.0)


@define(frozen=True)
class PlannedSubmit:
    """One submit_sm, and what its sender does about it later."""

    at: float
    nonce: str
    destination: str
    registered_delivery: int
    validity_s: float = inf
    delay_s: int = 0
    """schedule_delivery_time, from the submit."""
    priority: int = 0
    in_payload: bool = False
    """The text goes as a message_payload TLV."""
    cancel_after_s: float | None = None
    """From its acknowledgement."""
    query_after_s: float | None = None


@define(frozen=True)
class CustomerPlan:
    """One account's systems."""

    account: str
    binds: tuple[int, ...]
    """command_id of each."""
    window: int
    messages: tuple[PlannedSubmit, ...]
    answer_s: tuple[float, float]
    """How soon a deliver_sm is answered."""
    again: float
    """Share of deliver_sm answered ESME_RX_T_APPN: come again."""
    never: float
    """Share never answered."""
    refused: float
    """Share answered ESME_RX_R_APPN: the last word."""
    at_most_once: bool
    mo_numbers: tuple[str, ...]
    """Whose MO are its own."""


@define(frozen=True)
class SupplierPlan:
    """One SMSC's moods. Shares are between 0 and 1."""

    latency_s: tuple[float, float]
    receipt_s: tuple[float, float]
    errors: tuple[tuple[int, float], ...] = ()
    response_lost: float = 0.0
    response_late: float = 0.0
    response_doubled: float = 0.0
    response_without_id: float = 0.0
    receipt_missing: float = 0.0
    receipt_early: float = 0.0
    receipt_doubled: float = 0.0
    receipt_out_of_order: float = 0.0
    receipt_contradicted: float = 0.0
    receipt_unknown: float = 0.0
    states: tuple[tuple[int, float], ...] = ((2, 1.0),)
    deliver_window: int = 10
    hex_ids: bool = False
    """Ids are hexadecimal in responses and decimal in receipts."""
    mo: int = 0
    """Messages from handsets, in all."""
    response_timeout_s: float = 2.0
    """The gateway's, for its attempts."""


@define(frozen=True)
class PlannedFault:
    """Something goes wrong; the nemesis knows what ``kind`` means."""

    at: float
    kind: str
    lasting_s: float


@define(frozen=True)
class Scenario:
    """All that a seed decides before the clock starts."""

    seed: int
    configs: tuple[Config, ...]
    """The first life has the first, and so on, round and round: they differ in pools."""
    customers: tuple[CustomerPlan, ...]
    suppliers: dict[str, SupplierPlan]
    faults: tuple[PlannedFault, ...]
    failpoint: tuple[str, int] | None
    """Kill the gateway when it comes there for so many times."""
    kill_at_step: int | None
    """Kill it after so many steps of any task."""
    duration_s: float
    weather: Weather = field(factory=Weather)
    disk: DiskPlan = field(factory=DiskPlan)
    room_octets: int = 2_000

    @property
    def config(self) -> Config:
        """For what they all share."""
        return self.configs[0]


FAULTS = {
    "kill": 5.0,
    "kill twice": 1.5,
    "stop": 1.0,
    "carrier reset": 3.0,
    "carrier dark": 1.5,
    "carrier pause": 1.5,
    "carrier unbind": 1.5,
    "carrier down": 1.5,
    "carrier silent": 1.5,
    "carrier refuses": 1.5,
    "carrier refuses binds": 1.0,
    "carrier mute": 1.0,
    "esme reset": 2.0,
    "esme dark": 1.0,
    "esme pause": 1.5,
    "esme unbind": 1.0,
    "disk full": 1.0,
    "disk failed": 1.0,
    "disk stalled": 1.5,
    "disk hiccup": 1.0,
    "clock jump": 1.0,
    "network slow": 1.0,
}
"""Kinds and how often each is drawn."""

FAILPOINTS = (
    "read submit_sm",
    "read submit_sm_resp",
    "read deliver_sm",
    "read deliver_sm_resp",
    "before commit",
    "commit accepted",
    "commit taken",
    "commit attempt",
    "commit finished",
    "commit delivered",
    "commit parked",
    "before write submit_sm",
    "before write submit_sm_resp",
    "before write deliver_sm",
    "before write deliver_sm_resp",
    "after write submit_sm",
    "after write submit_sm_resp",
    "after write deliver_sm",
    "after write deliver_sm_resp",
)
"""Where a process can die; together the rows of crash and restart: around each read, commit and write."""


def draw(seed: int) -> Scenario:
    """The world of ``seed``."""
    rng = Random(f"{seed} scenario")
    duration_s = rng.uniform(3.0, 8.0)
    carriers = CARRIERS[: rng.choice((1, 2, 2, 3, 4))]
    timeout_s = rng.choice((1.0, 2.0))
    suppliers = {name: _supplier(rng, timeout_s) for name in carriers}
    accounts = [f"acme{number}" for number in range(rng.choice((1, 1, 2, 3)))]
    classes = {name: _message_class(rng, name) for name in ("default", "once")}
    class_of = {account: "once" if rng.random() < 0.3 else "default" for account in accounts}
    total = rng.choice((5, 15, 25, 40)) if rng.random() < 0.97 else 150
    customers = tuple(
        _customer(rng, account, duration_s, total // len(accounts) + 1, class_of[account] == "once")
        for account in accounts
    )
    config = _config(rng, carriers, suppliers, customers, classes)
    configs = [config]
    if rng.random() < 0.3:  # who restarts it may have changed the pools
        configs.append(evolve(config, pools=_pools(rng, carriers)))
    is_calm = rng.random() < 0.1
    return Scenario(
        seed,
        tuple(configs),
        customers,
        suppliers,
        () if is_calm else _faults(rng, duration_s),
        (rng.choice(FAILPOINTS), rng.randrange(1, 8)) if not is_calm and rng.random() < 0.4 else None,
        rng.randrange(50, 1500) if not is_calm and rng.random() < 0.4 else None,
        duration_s,
        Weather(latency_s=(0.0005, rng.choice((0.002, 0.02, 0.1))), split=rng.choice((0.0, 0.2, 0.7))),
        DiskPlan(commit_s=(0.0002, rng.choice((0.001, 0.01, 0.1))), tell_s=(0.0, rng.choice((0.0, 0.002, 0.05)))),
        rng.choice((200, 2_000, 100_000)),
    )


def _config(
    rng: Random,
    carriers: tuple[str, ...],
    suppliers: dict[str, SupplierPlan],
    customers: tuple[CustomerPlan, ...],
    classes: dict[str, MessageClassSettings],
) -> Config:
    few = rng.random() < 0.5
    pools = _pools(rng, carriers)
    return Config(
        accounts=_accounts(rng, customers),
        carriers={name: _carrier(rng, name, suppliers[name]) for name in carriers},
        pools=pools,
        server=ServerSettings(accept_deadline=Duration(rng.choice((0.3, 2.0))), shutdown_deadline=Duration(2.0)),
        session=SessionSettings(
            session_init_timeout=Duration(1.0),
            enquire_link_interval=Duration(rng.choice((1.0, 4.0))),
            inactivity_timeout=Duration(rng.choice((6.0, 60.0))),
            response_timeout=Duration(rng.choice((1.0, 2.0))),
            pdu_deadline=Duration(2.0),
            write_deadline=Duration(rng.choice((1.0, 3.0))),
            deliver_window=rng.choice((1, 2, 5, 20)),
        ),
        store=StoreSettings(
            live_messages_in_memory_max=rng.choice((1, 3, 1_000)) if few else 1_000,
            scheduled_in_memory_max=rng.choice((1, 3, 1_000)) if few else 1_000,
            parked_receipts_max=rng.choice((2, 1_000)),
            parked_receipt_ttl=Duration(rng.choice((20.0, 600.0))),
        ),
        routing=RoutingSettings(default_pool=next(iter(pools)) if rng.random() < 0.5 else ""),
        receipts=ReceiptSettings(
            ttl=Duration(600.0),
            retry_first=Duration(0.5),
            retry_max=Duration(2.0),
            carrier_grace=Duration(CARRIER_GRACE_S),
        ),
        message_classes=classes,
    )


def _accounts(rng: Random, customers: tuple[CustomerPlan, ...]) -> dict[str, AccountSettings]:
    few = rng.random() < 0.5
    return {plan.account: _account(rng, plan, few) for plan in customers}


def _account(rng: Random, plan: CustomerPlan, few: bool) -> AccountSettings:
    return AccountSettings(
        system_id=plan.account,
        password_hash="",
        binds_max=len(plan.binds) if rng.random() < 0.3 else 10,
        window_max=rng.choice((2, 5, 100)),
        rate=Rate(20.0) if rng.random() < 0.2 else None,
        queue_max=rng.choice((3, 8, 1_000)) if few else 1_000,
        message_class="once" if plan.at_most_once else "default",
        deliveries_in_memory_max=rng.choice((1, 3, 100)) if few else 100,
        mo_numbers=plan.mo_numbers,
    )


def _message_class(rng: Random, name: str) -> MessageClassSettings:
    return MessageClassSettings(
        ttl=Duration(rng.choice((4.0, 8.0, 12.0))),
        ttl_max=Duration(30.0),
        in_doubt="fail" if name == "once" else "resend",
        schedule_max=Duration(60.0),
        retry=RetrySettings(
            first=Duration(rng.choice((0.1, 0.5))), multiplier=2.0, max=Duration(2.0), attempts_max=rng.choice((3, 20))
        ),
    )


def _pools(rng: Random, carriers: tuple[str, ...]) -> dict[str, PoolSettings]:
    countries = list(PREFIXES)
    names = ["west", "east"] if rng.random() < 0.6 else ["west"]
    backups = {"west": "", "east": rng.choice(("", "west"))}
    few = rng.random() < 0.5
    return {
        name: PoolSettings(
            carriers=tuple(
                PoolMember(carrier, weight=rng.randrange(1, 4), rank=rng.randrange(2))
                for carrier in rng.sample(carriers, rng.randrange(1, len(carriers) + 1))
            ),
            policy=rng.choice(("priority", "weighted")),
            countries=tuple(countries[index :: len(names)]),
            backup=backups[name],
            queue_max=rng.choice((1, 4, 1_000)) if few else 1_000,
            when_full=rng.choice(("spill", "spill", "refuse")),
        )
        for index, name in enumerate(names)
    }


def _carrier(rng: Random, name: str, plan: SupplierPlan) -> CarrierSettings:
    smpp = SmppSettings(
        address=HostPort(f"{name}:2775"),
        system_id="smsagg",
        password=PASSWORD,
        bind=rng.choice(("transceiver", "transceiver", "pair")),
        links=rng.choice((1, 1, 2)),
        window=rng.choice((1, 3, 10)),
        rate=Rate(rng.choice((5.0, 20.0))) if rng.random() < 0.2 else None,
        enquire_link_interval=Duration(rng.choice((1.0, 3.0))),
        response_timeout=Duration(plan.response_timeout_s),
        connect_timeout=Duration(1.0),
        reconnect_first=Duration(0.2),
        reconnect_max=Duration(1.0),
        deliver_unanswered_max=rng.choice((1, 1_000)),
        resp_id="hex_to_decimal" if plan.hex_ids else "as_is",
        validity=rng.choice(("none", "relative", "absolute")),
    )
    return CarrierSettings(
        type="smpp",
        settings=smpp,
        circuit_failures=rng.choice((0, 2, 20)),
        circuit_open=Duration(0.5),
        ask_receipts=rng.choice(("always", "always", "as_asked")),
    )


def _supplier(rng: Random, timeout_s: float) -> SupplierPlan:
    latency_s = (0.001, rng.choice((0.01, 0.1, 0.3)))
    receipt_s = (0.01, rng.choice((0.1, 1.0, 3.0)))
    mo = rng.choice((0, 0, 3))
    if rng.random() < 0.3:
        return SupplierPlan(latency_s, receipt_s, mo=mo, response_timeout_s=timeout_s)
    odd = rng.choice((0.02, 0.1, 0.3))

    def share() -> float:
        return odd * rng.random() if rng.random() < 0.5 else 0.0

    return SupplierPlan(
        latency_s,
        receipt_s,
        errors=tuple((status, share()) for status in (0x58, 0x14, 0x08, 0x45, 0x0B)),
        response_lost=share(),
        response_late=share(),
        response_doubled=share(),
        response_without_id=share() / 3,
        receipt_missing=share(),
        receipt_early=share(),
        receipt_doubled=share(),
        receipt_out_of_order=share(),
        receipt_contradicted=share(),
        receipt_unknown=share(),
        states=((2, 0.8), (5, 0.1), (8, 0.05), (3, 0.05)),
        deliver_window=rng.choice((1, 3, 10)),
        hex_ids=rng.random() < 0.2,
        mo=mo,
        response_timeout_s=timeout_s,
    )


def _customer(rng: Random, account: str, duration_s: float, count: int, at_most_once: bool) -> CustomerPlan:
    binds = rng.choice(
        (
            (BIND_TRANSCEIVER,),
            (BIND_TRANSCEIVER, BIND_TRANSCEIVER),
            (BIND_TRANSMITTER, BIND_RECEIVER),
            (BIND_TRANSMITTER, BIND_RECEIVER, BIND_TRANSCEIVER),
        )
    )
    bursts = [rng.uniform(0.1, duration_s) for _ in range(rng.randrange(1, 6))]
    messages = sorted(
        (
            _message(
                rng, f"{account}-{number}", rng.choice(bursts) if rng.random() < 0.7 else rng.uniform(0, duration_s)
            )
            for number in range(count)
        ),
        key=lambda message: message.at,
    )
    odd = rng.random() < 0.4
    return CustomerPlan(
        account,
        binds,
        rng.choice((1, 5, 20)),
        tuple(messages),
        (0.001, rng.choice((0.01, 0.5, 1.5))),
        rng.choice((0.0, 0.2)) if odd else 0.0,
        rng.choice((0.0, 0.1)) if odd else 0.0,
        rng.choice((0.0, 0.1)) if odd else 0.0,
        at_most_once,
        rng.choice((("12345", "*"), ("12345",))) if account.endswith("0") else (),
    )


def _message(rng: Random, nonce: str, at: float) -> PlannedSubmit:
    prefix = UNROUTED if rng.random() < 0.05 else rng.choice(list(PREFIXES.values()))
    validity_s = inf if rng.random() < 0.5 else float(rng.choice((1, 2, 5, 10)))
    return PlannedSubmit(
        at=at,
        nonce=nonce,
        destination=f"{rng.choice(('', '', '+', '00'))}{prefix}{rng.randrange(1000):03d}",
        registered_delivery=rng.choice((0, 1, 1, 1, 1, 2, 3, 0x11)),
        validity_s=validity_s,
        delay_s=rng.choice((1, 3)) if rng.random() < 0.1 and validity_s > 3 else 0,
        priority=rng.choice((0, 0, 0, 1, 3)),
        in_payload=rng.random() < 0.1,
        cancel_after_s=rng.uniform(0, 1.0) ** 3 * 4 if rng.random() < 0.15 else None,
        query_after_s=rng.uniform(*QUERIED_AFTER_S) if rng.random() < 0.15 else None,
    )


def _faults(rng: Random, duration_s: float) -> tuple[PlannedFault, ...]:
    kinds = rng.choices(list(FAULTS), list(FAULTS.values()), k=rng.choice((0, 1, 2, 3, 4, 5, 9)))
    faults = (PlannedFault(rng.uniform(0.2, duration_s), kind, rng.uniform(0.1, 3.0)) for kind in kinds)
    return tuple(sorted(faults, key=lambda fault: fault.at))
