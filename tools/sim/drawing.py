"""Draws a whole world from a seed: configuration, carriers and their moods, faults.

What is written in it is drawn in :mod:`tools.sim.drawing_texts`.

Everything is small on purpose: limits of two or three make queues spill, windows fill and look-ups miss with a few
dozen messages, so that a run costs milliseconds and thousands of them see what one long run would not.
"""

from collections.abc import Sequence
from random import Random

from attrs import evolve

from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.config.schema import (
    AccountSettings,
    CarrierSettings,
    Config,
    Duration,
    HostPort,
    LongMessageSettings,
    MessageClassSettings,
    MoRouteSettings,
    MoSettings,
    PoolMember,
    PoolSettings,
    Rate,
    ReceiptSettings,
    RetrySettings,
    RoutingSettings,
    SenderSettings,
    ServerSettings,
    SessionSettings,
    StoreSettings,
)
from tools.sim.disk import DiskPlan
from tools.sim.drawing_money import draw_money
from tools.sim.drawing_reloads import draw_reloads
from tools.sim.drawing_texts import draw_customer, draw_handset_messages
from tools.sim.network import Weather
from tools.sim.scenario import (
    CARRIER_GRACE_S,
    CARRIERS,
    FAILPOINTS,
    FAULTS,
    KEYWORD,
    KEYWORD_NUMBER,
    PASSWORD,
    PREFIXES,
    SHOP,
    SOURCE,
    CustomerPlan,
    PlannedFault,
    Scenario,
    SupplierPlan,
)

LONG_FORMS = ("as_is", "as_is", "udh", "udh16", "sar", "payload")


def draw(seed: int) -> Scenario:
    """The world of ``seed``."""
    rng = Random(f"{seed} scenario")
    duration_s = rng.uniform(3.0, 8.0)
    carriers = CARRIERS[: rng.choice((1, 2, 2, 3, 4))]
    timeout_s = rng.choice((1.0, 2.0))
    is_calm = rng.random() < 0.25
    is_fair = is_calm and rng.random() < 0.8
    suppliers = {name: _supplier(rng, name, timeout_s, duration_s, is_fair) for name in carriers}
    accounts = [f"acme{number}" for number in range(rng.choice((1, 1, 2, 3)))]
    classes = {name: _message_class(rng, name) for name in ("default", "once")}
    class_of = {account: "once" if rng.random() < 0.3 else "default" for account in accounts}
    total = rng.choice((4, 10, 18, 30)) if rng.random() < 0.97 else 100
    customers = tuple(
        draw_customer(rng, account, duration_s, total // len(accounts) + 1, class_of[account] == "once")
        for account in accounts
    )
    config = _config(rng, carriers, suppliers, customers, classes)
    configs = [config]
    if rng.random() < 0.3:  # who restarts it may have changed the pools, and how carriers want long messages
        changed = {name: _in_another_form(rng, settings) for name, settings in config.carriers.items()}
        configs.append(evolve(config, pools=_pools(rng, carriers), carriers=changed))
    configs, tables = draw_money(seed, configs)
    faults = () if is_calm else _faults(rng, duration_s)
    reloads, reloading = ((), ()) if is_calm else draw_reloads(seed, configs[0], duration_s)
    return Scenario(
        seed,
        tuple(configs),
        customers,
        suppliers,
        tuple(sorted((*faults, *reloading), key=lambda fault: fault.at)),
        (rng.choice(FAILPOINTS), rng.randrange(1, 8)) if not is_calm and rng.random() < 0.4 else None,
        rng.randrange(50, 1500) if not is_calm and rng.random() < 0.4 else None,
        duration_s,
        Weather(latency_s=(0.0005, rng.choice((0.002, 0.02, 0.1))), split=rng.choice((0.0, 0.2, 0.7))),
        DiskPlan(commit_s=(0.0002, rng.choice((0.001, 0.01, 0.1))), tell_s=(0.0, rng.choice((0.0, 0.002, 0.05)))),
        rng.choice((200, 2_000, 100_000)),
        is_fair,
        tables,
        reloads,
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
        long_messages=LongMessageSettings(
            parts_wait=Duration(rng.choice((0.0, 0.3, 1.0))),
            parts_waiting_max=rng.choice((2, 1_000, 1_000)),
            siblings_window=Duration(rng.choice((1.0, 3.0))),
            open_groups_max=rng.choice((1, 1_000, 1_000)),
        ),
        mo_routes=_mo_routes(rng, customers),
        mo=MoSettings(
            reassembly_timeout=Duration(rng.choice((1.0, 3.0, 5.0))), parts_max=rng.choice((2, 5, 1_000, 1_000))
        ),
    )


def _mo_routes(rng: Random, customers: tuple[CustomerPlan, ...]) -> tuple[MoRouteSettings, ...]:
    """A number that belongs to one by keyword, and now and then to another without."""
    if rng.random() < 0.5:
        return ()
    reassemble = rng.choice((None, True, False))
    route = MoRouteSettings(customers[-1].account, KEYWORD_NUMBER, KEYWORD, reassemble=reassemble)
    if rng.random() < 0.5:
        return (route,)
    return route, MoRouteSettings(customers[0].account, KEYWORD_NUMBER)


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
        deliver_with="data_sm" if plan.version >= 0x34 and rng.random() < 0.15 else "deliver_sm",
        reassemble=rng.random() < 0.5,
        senders=_senders(rng),
        encoding="smart" if rng.random() < 0.1 else None,
        long_receipts=rng.choice(("worst", "worst", "first", "last", "all")),
        part_receipts=rng.choice(("all", "all", "worst", "first", "last")),
    )


def _senders(rng: Random) -> SenderSettings | None:
    """Rules by which the sender of all texts stays as it is, or becomes another."""
    draw = rng.random()
    if draw < 0.8:
        return None
    allowed = (SOURCE,) if draw < 0.9 else ("447*",)
    return SenderSettings(allowed=allowed, default=SHOP, when_not_allowed="replace")


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


def _members(rng: Random, carriers: tuple[str, ...]) -> tuple[PoolMember, ...]:
    return tuple(
        PoolMember(carrier, weight=rng.randrange(1, 4), rank=rng.randrange(2))
        for carrier in rng.sample(carriers, rng.randrange(1, len(carriers) + 1))
    )


def policy_of(members: Sequence[PoolMember], plain: str) -> str:
    """``plain``, or for a third of all pools one that goes by destination; not drawn, so that worlds stay as they
    were otherwise."""
    weights = sum(member.weight for member in members)
    return plain if weights % 3 else ("quality", "least_cost", "combined")[weights // 3 % 3]


def _pools(rng: Random, carriers: tuple[str, ...]) -> dict[str, PoolSettings]:
    countries = list(PREFIXES)
    names = ["west", "east"] if rng.random() < 0.6 else ["west"]
    backups = {"west": "", "east": rng.choice(("", "west"))}
    few = rng.random() < 0.5
    return {
        name: PoolSettings(
            carriers=(members := _members(rng, carriers)),
            policy=policy_of(members, rng.choice(("priority", "weighted"))),
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
        long_messages=rng.choice(LONG_FORMS),
        segment_octets_max=rng.choice((60, 140, 140)),
    )
    return CarrierSettings(
        type="smpp",
        settings=smpp,
        circuit_failures=rng.choice((0, 2, 20)),
        circuit_open=Duration(0.5),
        ask_receipts=rng.choice(("always", "always", "as_asked")),
    )


def _in_another_form(rng: Random, carrier: CarrierSettings) -> CarrierSettings:
    return evolve(carrier, settings=evolve(carrier.settings, long_messages=rng.choice(LONG_FORMS)))


def _supplier(rng: Random, name: str, timeout_s: float, duration_s: float, is_fair: bool) -> SupplierPlan:
    latency_s = (0.001, rng.choice((0.01, 0.1, 0.3)))
    receipt_s = (0.01, rng.choice((0.1, 1.0, 3.0)))
    mo = draw_handset_messages(rng, name, duration_s)
    is_data_sm = rng.random() < 0.15
    if is_fair or rng.random() < 0.3:
        return SupplierPlan(latency_s, receipt_s, mo=mo, is_data_sm=is_data_sm, response_timeout_s=timeout_s)
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
        hex_ids=(ids := rng.random()) < 0.2,
        zero_ids=ids > 0.8,
        mo=mo,
        is_data_sm=is_data_sm,
        response_timeout_s=timeout_s,
    )


def _faults(rng: Random, duration_s: float) -> tuple[PlannedFault, ...]:
    kinds = rng.choices(list(FAULTS), list(FAULTS.values()), k=rng.choice((0, 1, 2, 3, 4, 5, 9)))
    faults = (PlannedFault(rng.uniform(0.2, duration_s), kind, rng.uniform(0.1, 3.0)) for kind in kinds)
    return tuple(sorted(faults, key=lambda fault: fault.at))
