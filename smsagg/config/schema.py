"""The shape of the configuration file: one attrs class a table; every key, its type, its default and its meaning.

Values are checked for their own sense here (``validator``), and against each other in :mod:`smsagg.config.check`.
"""

from typing import Any, NewType

from attrs import Factory, define, field

Duration = NewType("Duration", float)
"""Seconds; in TOML a string with a unit: ``"500ms"``, ``"30s"``, ``"5m"``, ``"2h"``, ``"3d"``."""
Rate = NewType("Rate", float)
"""Events per second; in TOML ``"100/s"``, ``"600/m"``, ``"1000/h"``."""
Octets = NewType("Octets", int)
"""A size; in TOML an integer or ``"64KiB"``, ``"1MiB"``."""
HostPort = NewType("HostPort", str)
"""``host:port``; an IPv6 host in brackets; port 0 lets the system choose."""


@define(frozen=True)
class ServerSettings:
    """``[server]``: the SMPP listener and the process."""

    smpp_listen: HostPort = HostPort("127.0.0.1:2775")
    http_listen: HostPort = HostPort("127.0.0.1:8080")
    """``/metrics``, ``/healthz``, ``/readyz``."""
    system_id: str = "smsagg"
    """What we call ourselves in bind responses, at most 15 octets."""
    shutdown_deadline: Duration = Duration(10.0)
    sessions_max: int = 10_000
    sessions_per_address_max: int = 1_000
    accept_deadline: Duration = Duration(8.0)
    """A message whose commit took longer is refused and unwound, since its client has given up."""


@define(frozen=True)
class SessionSettings:
    """``[session]``: limits and timers of every SMPP session with an ESME (SMPP 3.4 §7.2)."""

    session_init_timeout: Duration = Duration(5.0)
    enquire_link_interval: Duration = Duration(30.0)
    inactivity_timeout: Duration = Duration(300.0)
    response_timeout: Duration = Duration(10.0)
    pdu_octets_max: Octets = Octets(70_000)
    tlvs_max: int = 64
    pdu_deadline: Duration = Duration(10.0)
    """A PDU that began to arrive must be whole by then."""
    outbox_octets_max: Octets = Octets(1 << 20)
    write_deadline: Duration = Duration(30.0)
    """A peer that reads nothing for so long while we have something to write is cut."""
    deliver_window: int = 100
    """Outstanding deliver_sm per session."""


@define(frozen=True)
class StoreSettings:
    """``[store]``: the embedded SQLite store."""

    path: str = "var/smsagg.db"
    group_max: int = 2_000
    """Rows in one commit at most, so that a commit stays short."""
    free_octets_min: Octets = Octets(64 << 20)
    """Below this much free disk new messages are refused."""
    live_messages_in_memory_max: int = 200_000
    """Messages in memory that wait for their carrier's receipt; the rest is looked up in the store."""
    scheduled_in_memory_max: int = 50_000
    parked_receipts_max: int = 100_000
    parked_receipt_ttl: Duration = Duration(3_600.0)
    """How long a carrier receipt that matches nothing is kept for its submit_sm_resp."""


@define(frozen=True)
class AccountSettings:
    """``[accounts.NAME]``: one customer. NAME is the account; ``system_id`` is what its ESMEs bind with."""

    system_id: str
    password_hash: str
    """From ``smsagg hash-password`` (argon2)."""
    enabled: bool = True
    binds_max: int = 10
    window_max: int = 1_000
    """submit_sm received and unanswered, per session."""
    rate: Rate | None = None
    """Messages per second over all binds; none: unlimited."""
    burst: int | None = None
    """Messages above the rate that may come at once; default: one second's worth."""
    queue_max: int = 1_000_000
    """Messages accepted and not yet with a carrier."""
    networks: tuple[str, ...] = ()
    """Networks that may bind (``"192.0.2.0/24"``); empty: any."""
    message_class: str = "default"
    priority_max: int = 3
    deliveries_in_memory_max: int = 10_000
    mo_numbers: tuple[str, ...] = ()
    """Destination addresses whose MO belongs to this account; ``"*"`` takes what nobody else owns."""


@define(frozen=True)
class RetrySettings:
    """``[message_classes.NAME.retry]``: exponential back-off."""

    first: Duration = Duration(2.0)
    multiplier: float = 2.0
    max: Duration = Duration(300.0)
    jitter: float = 0.2
    """Share of the delay that is random, 0 to 1."""
    attempts_max: int = 20
    """Attempts that counted after which the message is UNDELIVERABLE."""


@define(frozen=True)
class MessageClassSettings:
    """``[message_classes.NAME]``: how a kind of traffic is treated."""

    ttl: Duration = Duration(86_400.0)
    """Life of a message whose submit_sm names no validity_period."""
    ttl_max: Duration = Duration(604_800.0)
    """A longer validity_period is cut to this."""
    in_doubt: str = field(default="resend")
    """``resend``: at least once. ``fail``: at most once."""
    schedule_max: Duration = Duration(2_592_000.0)
    """A schedule_delivery_time further away is refused."""
    retry: RetrySettings = Factory(RetrySettings)


@define(frozen=True)
class ReceiptSettings:
    """``[receipts]``: delivery receipts on their way to the accounts."""

    ttl: Duration = Duration(259_200.0)
    retry_first: Duration = Duration(5.0)
    retry_max: Duration = Duration(600.0)
    carrier_grace: Duration = Duration(3_600.0)
    """How long after expires_at a carrier may still report; then the message is UNKNOWN."""


@define(frozen=True)
class PoolMember:
    """One carrier in a pool."""

    carrier: str
    weight: int = 1
    """Share under ``weighted``."""
    rank: int = 0
    """Order under ``priority``: lowest first; equal ranks share."""


@define(frozen=True)
class PoolSettings:
    """``[pools.NAME]``: the carriers of a country (or of several)."""

    carriers: tuple[PoolMember, ...]
    """In TOML: names, or tables with ``carrier``, ``weight``, ``rank``."""
    policy: str = field(default="priority")
    """``priority`` or ``weighted``."""
    countries: tuple[str, ...] = ()
    """ISO 3166 codes routed here."""
    backup: str = ""
    """Pool whose carriers are tried when none of ours has a bound link."""
    queue_max: int = 20_000
    """Ready messages in memory."""
    when_full: str = field(default="spill")
    """``spill`` to the store, or ``refuse`` with ESME_RMSGQFUL."""


@define(frozen=True)
class RoutingSettings:
    """``[routing]``."""

    default_pool: str = ""
    """Pool for countries that no pool names; empty: such messages are refused (ESME_RINVDSTADR)."""


@define(frozen=True)
class CarrierSettings:
    """``[carriers.NAME]``: ``type`` picks the plug-in, ``settings`` is the plug-in's own class, already checked.

    The keys common to every type stand here; all others belong to the plug-in.
    """

    type: str
    settings: Any
    temporary: tuple[int, ...] = ()
    """command_status values to treat as temporary on this carrier, beside the built-in table."""
    throttled: tuple[int, ...] = ()
    permanent: tuple[int, ...] = ()
    circuit_failures: int = 20
    """Failures in a row after which the circuit opens; 0: never."""
    circuit_open: Duration = Duration(10.0)
    """How long an open circuit waits before one probe."""
    receipts: str = field(default="always")
    """``always`` ask for receipts, or ``as_asked`` by the customer."""


@define(frozen=True)
class LogSettings:
    """``[log]``."""

    level: str = "info"
    format: str = "auto"
    """``json``, ``console``, or ``auto``: console on a terminal."""


@define(frozen=True)
class Config:
    """The whole file."""

    accounts: dict[str, AccountSettings]
    carriers: dict[str, CarrierSettings]
    pools: dict[str, PoolSettings]
    server: ServerSettings = Factory(ServerSettings)
    session: SessionSettings = Factory(SessionSettings)
    store: StoreSettings = Factory(StoreSettings)
    routing: RoutingSettings = Factory(RoutingSettings)
    receipts: ReceiptSettings = Factory(ReceiptSettings)
    message_classes: dict[str, MessageClassSettings] = Factory(dict)
    log: LogSettings = Factory(LogSettings)
