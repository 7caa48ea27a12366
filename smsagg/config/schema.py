"""The shape of the configuration file: one attrs class a table; every key, its type, its default and its meaning.

Values are checked for their own sense here (``validator``), and against each other in :mod:`smsagg.config.check`.
"""

from typing import Any

from attrs import Factory, define, field

from smsagg.config.abuse import AbuseSettings as AbuseSettings
from smsagg.config.abuse import AccountAbuseSettings as AccountAbuseSettings
from smsagg.config.amounts import Amount as Amount
from smsagg.config.amounts import CurrencyCode as CurrencyCode
from smsagg.config.amounts import Margin as Margin
from smsagg.config.choice_settings import ProbeSettings as ProbeSettings
from smsagg.config.choice_settings import QualitySettings as QualitySettings
from smsagg.config.compliance_settings import ComplianceSettings as ComplianceSettings
from smsagg.config.consent_settings import AccountConsentSettings as AccountConsentSettings
from smsagg.config.consent_settings import ConsentSettings as ConsentSettings
from smsagg.config.directory_settings import AccountHttpSettings as AccountHttpSettings
from smsagg.config.directory_settings import ApiKeySettings as ApiKeySettings
from smsagg.config.directory_settings import DirectorySettings as DirectorySettings
from smsagg.config.directory_settings import OperatorSettings as OperatorSettings
from smsagg.config.http_settings import HttpSettings as HttpSettings
from smsagg.config.money_settings import CapSettings as CapSettings
from smsagg.config.money_settings import MoneySettings as MoneySettings
from smsagg.config.money_settings import QuotaSettings as QuotaSettings
from smsagg.config.protection_settings import EncryptionSettings
from smsagg.config.retention_settings import AccountRetentionSettings as AccountRetentionSettings
from smsagg.config.retention_settings import RetentionSettings as RetentionSettings
from smsagg.config.routing_settings import LookupSettings as LookupSettings
from smsagg.config.routing_settings import RoutingSettings as RoutingSettings
from smsagg.config.shaping_settings import CountrySettings as CountrySettings
from smsagg.config.shaping_settings import ShapingRuleSettings as ShapingRuleSettings
from smsagg.config.units import DataFile as DataFile
from smsagg.config.units import Duration as Duration
from smsagg.config.units import HostPort as HostPort
from smsagg.config.units import Octets as Octets
from smsagg.config.units import Rate as Rate
from smsagg.config.units import StatusCode as StatusCode
from smsagg.config.validators import (
    above,
    at_least,
    between,
    each,
    network,
    not_empty,
    octets_at_most,
    one_of,
    one_word,
    sender,
    sender_pattern,
    tag,
    time_zone,
)
from smsagg.config.verification_settings import VerificationSettings as VerificationSettings
from smsagg.config.webhook_settings import CallbackSettings as CallbackSettings
from smsagg.config.webhook_settings import WebhookSendingSettings as WebhookSendingSettings
from smsagg.config.webhook_settings import WebhookSettings as WebhookSettings

LENIENCES = ("missing_nul", "interface_version_0", "odd_ton_npi")
TRANSLITERATIONS = ("none", "typographic", "latin", "all")
NATIONAL_LANGUAGES = (
    "turkish", "spanish", "portuguese", "bengali", "gujarati", "hindi", "kannada", "malayalam", "oriya", "punjabi",
    "tamil", "telugu", "urdu",
)  # fmt: skip
POLICIES = ("priority", "weighted", "least_cost", "quality", "combined")
PART_RECEIPTS = ("all", "first", "last", "worst")
MARGIN_GUARDS = ("off", "warn", "refuse")
ESME_RSUBMITFAIL = StatusCode(0x45)


@define(frozen=True)
class TlsListenSettings:
    """``[server.tls]``: a second SMPP listener, TLS 1.2 at least; absent: none."""

    certificate_file: str = field(validator=not_empty)
    """PEM file with our certificate and the chain above it."""
    key_file: str = field(validator=not_empty)
    """PEM file with its private key."""
    smpp_listen: HostPort = HostPort("127.0.0.1:2776")
    client_ca_file: str = ""
    """PEM file of the authorities that sign our clients' certificates; empty: clients are not asked for one."""
    client_certificates: str = field(default="required", validator=one_of("required", "optional"))
    """With ``client_ca_file``: whether a client that shows no certificate may bind. A wrong one may never."""


@define(frozen=True)
class HttpsListenSettings:
    """``[server.https]``: a second port for the HTTP API, TLS 1.2 at least; absent: none."""

    certificate_file: str = field(validator=not_empty)
    """As of ``[server.tls]``, and so are the others."""
    key_file: str = field(validator=not_empty)
    listen: HostPort = HostPort("127.0.0.1:8443")
    client_ca_file: str = ""
    client_certificates: str = field(default="optional", validator=one_of("required", "optional"))


@define(frozen=True)
class BindFailureSettings:
    """``[server.bind_failures]``: what wrong binds cost who makes them."""

    free: int = field(default=3, validator=at_least(0))
    """Failures of one system_id from one address that are answered at once."""
    delay_first: Duration = field(default=Duration(0.25), validator=above(0))
    """Delay of the next refusal; it doubles from there."""
    delay_max: Duration = field(default=Duration(4.0), validator=above(0))
    ban_after: int = field(default=10, validator=at_least(1))
    """Failures of one system_id from one address until it is banned there."""
    address_ban_after: int = field(default=50, validator=at_least(1))
    """Failures of one address (IPv6: its /64) with any system_id until it is banned."""
    ban: Duration = field(default=Duration(300.0), validator=above(0))
    forget_after: Duration = field(default=Duration(900.0), validator=above(0))
    """Without a failure for so long the count begins again."""
    remembered_max: int = field(default=10_000, validator=at_least(1))
    """Addresses, and pairs of address and system_id, that are counted; who failed longest ago is forgotten first."""


@define(frozen=True)
class ServerSettings:
    """``[server]``: the SMPP listener and the process."""

    smpp_listen: HostPort = HostPort("127.0.0.1:2775")
    http_listen: HostPort = HostPort("127.0.0.1:8080")
    """``/metrics``, ``/healthz``, ``/readyz``."""
    system_id: str = field(default="smsagg", validator=octets_at_most(15))
    """What we call ourselves in bind responses, at most 15 octets."""
    shutdown_deadline: Duration = field(default=Duration(10.0), validator=above(0))
    sessions_max: int = field(default=10_000, validator=at_least(1))
    sessions_per_address_max: int = field(default=1_000, validator=at_least(1))
    accept_deadline: Duration = field(default=Duration(8.0), validator=above(0))
    """A message whose commit took longer is refused and unwound, since its client has given up."""
    control_socket: str = "auto"
    """Unix socket for operators' commands: ``auto``: the store's path and ``.control``; empty: none."""
    proxy_protocol_networks: tuple[str, ...] = field(default=(), validator=each(network))
    """Balancers: each of their connections begins with a PROXY protocol header (version 1 or 2) that is believed."""
    bind_failures: BindFailureSettings = Factory(BindFailureSettings)
    tls: TlsListenSettings | None = None
    https: HttpsListenSettings | None = None


@define(frozen=True)
class SessionSettings:
    """``[session]``: limits and timers of every SMPP session with an ESME (SMPP 3.4 §7.2)."""

    session_init_timeout: Duration = field(default=Duration(5.0), validator=above(0))
    enquire_link_interval: Duration = field(default=Duration(30.0), validator=above(0))
    inactivity_timeout: Duration = field(default=Duration(300.0), validator=above(0))
    response_timeout: Duration = field(default=Duration(10.0), validator=above(0))
    pdu_octets_max: Octets = field(default=Octets(70_000), validator=at_least(512))
    tlvs_max: int = field(default=64, validator=at_least(1))
    pdu_deadline: Duration = field(default=Duration(10.0), validator=above(0))
    """A PDU that began to arrive must be whole by then."""
    outbox_octets_max: Octets = field(default=Octets(1 << 20), validator=at_least(4_096))
    write_deadline: Duration = field(default=Duration(30.0), validator=above(0))
    """A peer that reads nothing for so long while we have something to write is cut."""
    deliver_window: int = field(default=100, validator=between(1, 65_535))
    """Outstanding deliver_sm per session."""


@define(frozen=True)
class StoreSettings:
    """``[store]``: the embedded SQLite store."""

    path: str = field(default="var/smsagg.db", validator=not_empty)
    group_max: int = field(default=2_000, validator=at_least(1))
    """Rows in one commit at most, so that a commit stays short."""
    free_octets_min: Octets = Octets(64 << 20)
    """Below this much free disk new messages are refused."""
    live_messages_in_memory_max: int = field(default=200_000, validator=at_least(1))
    """Messages in memory that wait for their carrier's receipt; the rest is looked up in the store."""
    scheduled_in_memory_max: int = field(default=50_000, validator=at_least(1))
    parked_receipts_max: int = field(default=100_000, validator=at_least(1))
    parked_receipt_ttl: Duration = field(default=Duration(3_600.0), validator=above(0))
    """How long a carrier receipt that matches nothing is kept for its submit_sm_resp."""
    history_ttl: Duration = field(default=Duration(2_592_000.0), validator=above(0))
    """How long a message that is over is kept, text and all, for query_sm and for whoever reads the file."""
    region: str = field(default="", validator=tag)
    """Where the file is, in the operator's own word: accounts with a ``residency`` need theirs."""
    encryption: EncryptionSettings = Factory(EncryptionSettings)


@define(frozen=True)
class SenderSettings:
    """``[accounts.NAME.senders]``: what an account may send from; absent: anything, as it writes it."""

    allowed: tuple[str, ...] | None = field(default=None, validator=each(sender_pattern))
    """Names, numbers, and beginnings of them (``"4477009*"``); none: all that have the form of a sender."""
    default: str = field(default="", validator=sender)
    """For submits without a source address, and for those that are replaced; always allowed."""
    when_not_allowed: str = field(default="refuse", validator=one_of("refuse", "replace"))
    """``refuse`` with ESME_RINVSRCADR, or ``replace`` by ``default``."""
    set_ton_npi: bool = False
    """Set source_addr_ton and source_addr_npi by the form of the address, whatever the submit says."""
    short_code_digits_max: int = field(default=8, validator=between(1, 15))
    """Numbers of so many digits are short codes."""
    from_pool: str = ""
    """Number pool (``smsagg numbers pool``) that gives each message its sender; empty: none does."""
    from_pool_by_country: dict[str, str] = Factory(dict)
    """Other pools for destinations in these countries (ISO 3166)."""
    pool_names: tuple[str, ...] | None = field(default=None, validator=each(sender))
    """Submit with one of these as the source address, or without one, to get a sender of the pool; other source
    addresses stay as they are. None: every message gets one."""


@define(frozen=True)
class OutbindSettings:
    """``[accounts.NAME.outbind]``: call the account's ESME when something is due for it and it is not bound."""

    address: HostPort
    password: str = field(default="", repr=False, validator=octets_at_most(8))
    """What we show the ESME, if it wants to know who calls; not the account's password."""
    connect_timeout: Duration = field(default=Duration(10.0), validator=above(0))
    retry_first: Duration = field(default=Duration(5.0), validator=above(0))
    """Pause after a call that led to nothing; it doubles up to ``retry_max``."""
    retry_max: Duration = field(default=Duration(300.0), validator=above(0))


@define(frozen=True)
class AccountSettings:
    """``[accounts.NAME]``: one customer. NAME is the account; ``system_id`` is what its ESMEs bind with."""

    system_id: str = field(validator=octets_at_most(15, at_least=1))
    password_hash: str = field(repr=False)
    """From ``smsagg hash-password`` (argon2)."""
    old_password_hash: str = field(default="", repr=False)
    """Of the password before, which is good as well until this is taken away; then sessions that used it are ended."""
    enabled: bool = True
    sandbox: bool = False
    """For trying things out: its messages go to simulated handsets only, whatever routes say, and cost nothing. What
    becomes of them is said by the numbers that they go to (:mod:`smsagg.sandbox`)."""
    residency: str = field(default="", validator=tag)
    """The region in which its data stays: the store's, and that of each carrier that its messages may go to; empty:
    anywhere."""
    binds_max: int = field(default=10, validator=at_least(1))
    window_max: int = field(default=1_000, validator=between(1, 65_535))
    """submit_sm received and unanswered, per session."""
    rate: Rate | None = None
    """Messages per second over all binds; none: unlimited."""
    burst: int | None = field(default=None, validator=at_least(1))
    """Messages above the rate that may come at once; default: one second's worth."""
    per_recipient: Rate | None = None
    """Of its messages, those to one destination number, instead of ``[routing] per_recipient``."""
    per_recipient_burst: int = field(default=10, validator=at_least(1))
    """With ``per_recipient``: so many at once."""
    queue_max: int = field(default=1_000_000, validator=at_least(1))
    """Messages accepted and not yet with a carrier."""
    networks: tuple[str, ...] = field(default=(), validator=each(network))
    """Networks that may bind (``"192.0.2.0/24"``); empty: any."""
    require_tls: bool = False
    """Binds that come without TLS are refused, as if the password were wrong."""
    certificate_names: tuple[str, ...] = field(default=(), validator=each(not_empty))
    """Names of which the client certificate of a bind must bear one (``[server.tls] client_ca_file``); empty: any."""
    senders: SenderSettings | None = None
    abuse: AccountAbuseSettings | None = None
    consent: AccountConsentSettings = Factory(AccountConsentSettings)
    message_class: str = "default"
    class_by_service_type: dict[str, str] = Factory(dict)
    """Message class by service_type, for submits whose service_type stands here; the others have ``message_class``."""
    tags: tuple[str, ...] = field(default=(), validator=each(tag))
    """What routing rules may tell its messages by."""
    priority_max: int = field(default=3, validator=between(0, 3))
    lenient: tuple[str, ...] = field(default=(), validator=each(one_of(*LENIENCES)))
    """Faults of its ESMEs to overlook: ``missing_nul`` (the last string of a request lacks its NUL),
    ``interface_version_0`` (they say 0x00 and mean 0x34), ``odd_ton_npi`` (the destination is an international number
    whatever its TON and NPI say). Each hides errors that others would be told of."""
    outbind: OutbindSettings | None = None
    deliver_with: str = field(default="deliver_sm", validator=one_of("deliver_sm", "data_sm"))
    """The operation by which receipts and MO come to its ESMEs."""
    deliveries_in_memory_max: int = field(default=10_000, validator=at_least(1))
    mo_numbers: tuple[str, ...] = ()
    """Destination addresses whose MO belongs to this account: whole, a prefix and ``*``, or ``"*"`` for what nobody
    else owns. Keywords and carriers need ``[[mo_routes]]``."""
    data_coding_0: str = field(default="gsm", validator=one_of("gsm", "latin1", "ascii"))
    """What its ESMEs mean by data_coding 0: GSM 03.38, or Latin-1 or ASCII, which go on as data_coding 3 and 1. MO is
    recoded for them."""
    encoding: str | None = field(default=None, validator=one_of("as_is", "smart"))
    """Of texts that it submits, instead of its message class's."""
    transliterate: str | None = field(default=None, validator=one_of(*TRANSLITERATIONS))
    """The same, for ``smart``."""
    national_languages: tuple[str, ...] = field(default=(), validator=each(one_of(*NATIONAL_LANGUAGES)))
    """The same; empty: its message class's."""
    long_receipts: str = field(default="worst", validator=one_of(*PART_RECEIPTS))
    """Of a message that we cut into parts: one receipt when all have ended, with the ``worst`` of their states; one as
    soon as the ``first`` or the ``last`` part has ended; or one for each part (``all``), under the same id."""
    part_receipts: str = field(default="all", validator=one_of(*PART_RECEIPTS))
    """The same of a message that is submitted in parts, each with an id of its own."""
    api_keys: dict[str, ApiKeySettings] = Factory(dict)
    """For the HTTP API, by name."""
    http: AccountHttpSettings = Factory(AccountHttpSettings)
    retention: AccountRetentionSettings | None = None
    webhooks: dict[str, WebhookSettings] = Factory(dict)
    """Endpoints that are told what happens, by name."""
    callbacks: CallbackSettings | None = None
    """How servers are told that messages name; none: messages name none, unless the account made a secret."""
    events: bool = False
    """Keep what happens for the API (``/v1/events``) also without a webhook."""
    inbound: str = field(default="smpp", validator=one_of("smpp", "http", "both"))
    """Where messages from handsets go: to the account's SMPP sessions, to its events, or to both."""
    reassemble: bool = False
    """Whether long MO comes as one deliver_sm rather than as the parts that the carrier brought."""
    price_list: DataFile | None = None
    """CSV of our prices to it (:mod:`smsagg.pricing.card_file`); none: its messages have no price."""
    currency: CurrencyCode | None = None
    """Of its prices and its balance; none: the base currency."""
    when_unpriced: str = field(default="allow", validator=one_of("allow", "refuse"))
    """What becomes of a message that the price list has no price for: it costs nothing, or is refused."""
    margin_guard: str | None = field(default=None, validator=one_of(*MARGIN_GUARDS))
    """When every carrier of the pool costs too much for what a message brings: ``refuse`` it, ``warn``, or ``off``;
    none: as the pool says."""
    margin_min: Margin | None = None
    """What must be left of the price, in the base currency (``"0.002"``) or as a share of it (``"10%"``); none: as the
    pool says."""
    billing: str = field(default="none", validator=one_of("none", "prepaid", "postpaid"))
    """Whether messages reserve their price of its balance: ``prepaid`` ones as far as it reaches, ``postpaid`` ones as
    far as it and ``credit_limit`` reach."""
    credit_limit: Amount | None = None
    """How much a ``postpaid`` account may owe; none: any amount."""
    no_credit_status: StatusCode = ESME_RSUBMITFAIL
    """What a message is refused with that the balance, a cap or a quota does not allow."""
    caps: CapSettings = Factory(CapSettings)
    caps_by_country: dict[str, CapSettings] = Factory(dict)
    """By ISO 3166 code."""
    quotas: QuotaSettings = Factory(QuotaSettings)
    quotas_by_country: dict[str, QuotaSettings] = Factory(dict)
    time_zone: str = field(default="UTC", validator=time_zone)
    """In which the days and months of caps, quotas and statements begin."""


@define(frozen=True)
class LongMessageSettings:
    """``[long_messages]``: messages of several parts, on their way together."""

    parts_wait: Duration = field(default=Duration(2.0), validator=at_least(0))
    """How long a part waits for the others before it is sent without them."""
    parts_waiting_max: int = field(default=10_000, validator=at_least(0))
    """Parts that wait so; beyond, none waits."""
    siblings_window: Duration = field(default=Duration(300.0), validator=above(0))
    """Parts that a customer submits within this time after the first belong together, if their addresses, reference
    and total are the same."""
    open_groups_max: int = field(default=100_000, validator=at_least(1))
    """Messages that miss parts and are remembered so; beyond, the oldest are taken for complete."""


@define(frozen=True)
class RetrySettings:
    """``[message_classes.NAME.retry]``: exponential back-off."""

    first: Duration = field(default=Duration(2.0), validator=above(0))
    multiplier: float = field(default=2.0, validator=between(1, 100))
    max: Duration = field(default=Duration(300.0), validator=above(0))
    jitter: float = field(default=0.2, validator=between(0, 1))
    """Share of the delay that is random, 0 to 1."""
    attempts_max: int = field(default=20, validator=at_least(1))
    """Attempts that counted after which the message is UNDELIVERABLE."""


@define(frozen=True)
class MessageClassSettings:
    """``[message_classes.NAME]``: how a kind of traffic is treated."""

    ttl: Duration = field(default=Duration(86_400.0), validator=above(0))
    """Life of a message whose submit_sm names no validity_period."""
    ttl_max: Duration = field(default=Duration(604_800.0), validator=above(0))
    """A longer validity_period is cut to this."""
    in_doubt: str = field(default="resend", validator=one_of("resend", "fail"))
    """``resend``: at least once. ``fail``: at most once."""
    schedule_max: Duration = field(default=Duration(2_592_000.0), validator=at_least(0))
    """A schedule_delivery_time further away is refused."""
    encoding: str = field(default="as_is", validator=one_of("as_is", "smart"))
    """``as_is``: the octets are sent on as they came. ``smart``: texts in UCS-2, Latin-1 and ASCII become GSM 03.38
    when all of the text fits it and it takes no more segments."""
    transliterate: str | None = field(default=None, validator=one_of(*TRANSLITERATIONS))
    """How far ``smart`` may replace what GSM 03.38 has not: ``none``; ``typographic``: quotes, dashes, spaces and such;
    ``latin`` (the default): also Latin letters by those without the accent; ``all``: also other scripts and emoji."""
    national_languages: tuple[str, ...] = field(default=(), validator=each(one_of(*NATIONAL_LANGUAGES)))
    """National tables (3GPP TS 23.038) that ``smart`` may use to make one segment of several: ``"turkish"``,
    ``"hindi"`` and so on, as far as the handsets know them."""
    retry: RetrySettings = Factory(RetrySettings)


@define(frozen=True)
class ReceiptSettings:
    """``[receipts]``: delivery receipts on their way to the accounts."""

    ttl: Duration = field(default=Duration(259_200.0), validator=above(0))
    retry_first: Duration = field(default=Duration(5.0), validator=above(0))
    retry_max: Duration = field(default=Duration(600.0), validator=above(0))
    carrier_grace: Duration = field(default=Duration(3_600.0), validator=at_least(0))
    """How long after expires_at a carrier may still report; then the message is UNKNOWN."""
    error_codes: str = field(default="carrier", validator=one_of("carrier", "canonical"))
    """``err`` in the accounts' receipts: as the ``carrier`` wrote it, or our number for its ``canonical`` cause, which
    means the same whatever the carrier."""


@define(frozen=True)
class PoolMember:
    """One carrier in a pool."""

    carrier: str
    weight: int = field(default=1, validator=at_least(1))
    """Share under ``weighted``."""
    rank: int = field(default=0, validator=at_least(0))
    """Order under ``priority``: lowest first; equal ranks share."""


@define(frozen=True)
class PoolSettings:
    """``[pools.NAME]``: the carriers of a country (or of several)."""

    carriers: tuple[PoolMember, ...] = field(validator=not_empty)
    """In TOML: names, or tables with ``carrier``, ``weight``, ``rank``."""
    policy: str = field(default="priority", validator=one_of(*POLICIES))
    """``priority``; ``weighted``; ``least_cost``: by the carriers' rate cards; ``quality``: by how they fare in the
    message's country; ``combined``: least cost among those of at least ``quality_min``."""
    wait_for_cheaper: Duration = field(default=Duration(0.0), validator=at_least(0))
    """With ``least_cost``, ``quality`` and ``combined``: how long a message waits for a better carrier that is healthy
    but full before it goes to the next one."""
    unpriced: str = field(default="last", validator=one_of("last", "refuse"))
    """With ``least_cost`` and ``combined``: a carrier whose rate card has no price for the message comes ``last``, or
    not at all (``refuse``)."""
    quality_min: float = field(default=0.8, validator=between(0, 1))
    """With ``combined``: the score from which a carrier counts as good."""
    countries: tuple[str, ...] = ()
    """ISO 3166 codes routed here."""
    backup: str = ""
    """Pool whose carriers are tried when none of ours has a bound link."""
    queue_max: int = field(default=20_000, validator=at_least(1))
    """Ready messages in memory."""
    when_full: str = field(default="spill", validator=one_of("spill", "refuse"))
    """``spill`` to the store, or ``refuse`` with ESME_RMSGQFUL."""
    margin_guard: str = field(default="off", validator=one_of(*MARGIN_GUARDS))
    """Of accounts that do not say."""
    margin_min: Margin = Factory(Margin)
    """Likewise."""


@define(frozen=True)
class MoRouteSettings:
    """``[[mo_routes]]``: whose a message from a handset is. The most specific route wins: a whole number, then the
    longer prefix; then one with a keyword; then one of a carrier."""

    account: str
    number: str = "*"
    """What the handset wrote to: whole, a prefix and ``*``, or ``*`` alone."""
    keyword: str = field(default="", validator=one_word)
    """First word of the text, in any case; empty: any text."""
    carrier: str = ""
    """Carrier that brings it; empty: any."""
    reassemble: bool | None = None
    """Parts of a long message as one deliver_sm; none: as the account says."""


@define(frozen=True)
class MoSettings:
    """``[mo]``: messages from handsets."""

    reassembly_timeout: Duration = field(default=Duration(300.0), validator=above(0))
    """How long the parts of a message wait for the others; then they are delivered as they are."""
    parts_max: int = field(default=100_000, validator=at_least(1))
    """Parts that wait; above it those that wait longest are delivered as they are."""
    parts_octets_max: Octets = field(default=Octets(64 << 20), validator=at_least(65_536))
    """The same for the octets of their texts."""
    loop_messages_max: int = field(default=20, validator=at_least(1))
    """Messages within ``loop_window`` from one number of ours to another; more are refused, for two accounts that
    answer each other by themselves never stop."""
    loop_window: Duration = field(default=Duration(60.0), validator=above(0))


@define(frozen=True)
class NumberSettings:
    """``[numbers]``: the number inventory."""

    quarantine: Duration = field(default=Duration(604_800.0), validator=at_least(0))
    """How long a number is nobody's after it was somebody's, where its pool does not say."""
    conversation_ttl: Duration = field(default=Duration(7_776_000.0), validator=above(0))
    """After so long a silence it is forgotten from which number a recipient was written to."""
    conversations_in_memory_max: int = field(default=50_000, validator=at_least(1_000))
    """Recipients that memory knows; the others are looked up in the store."""


@define(frozen=True)
class CarrierSettings:
    """``[carriers.NAME]``: ``type`` picks the plug-in, ``settings`` is the plug-in's own class, already checked.

    The keys common to every type stand here; all others belong to the plug-in.
    """

    type: str
    settings: Any
    temporary: tuple[StatusCode, ...] = ()
    """command_status values to treat as temporary on this carrier, beside the built-in table."""
    throttled: tuple[StatusCode, ...] = ()
    permanent: tuple[StatusCode, ...] = ()
    circuit_failures: int = field(default=20, validator=at_least(0))
    """Failures in a row after which the circuit of a link, or of the carrier's way to a country, opens; 0: never."""
    circuit_open: Duration = field(default=Duration(10.0), validator=above(0))
    """How long an open circuit waits before one probe."""
    health_window: Duration = field(default=Duration(15.0), validator=at_least(0))
    """A link that answers none of its outstanding attempts for so long gets nothing more until it does; 0: only
    ``response_timeout`` counts."""
    circuit_delivery: float = field(default=0.0, validator=between(0, 1))
    """When less than this share of a country's receipts says delivered, its circuit opens, until a probe is delivered;
    0: never."""
    circuit_delivery_samples: int = field(default=50, validator=at_least(1))
    """Receipts within five minutes below which that is not concluded."""
    ask_receipts: str = field(default="always", validator=one_of("always", "as_asked"))
    """Ask the carrier for a receipt of every message (``always``), or only when the customer did (``as_asked``)."""
    regions: tuple[str, ...] = field(default=(), validator=each(tag))
    """Regions that it may be given messages of: for accounts with a ``residency``."""
    rate_card: DataFile | None = None
    """CSV of its prices to us (:mod:`smsagg.pricing.card_file`); none: what it costs is not known."""
    currency: CurrencyCode | None = None
    """Of rows that name none; none: the base currency."""


@define(frozen=True)
class LogSettings:
    """``[log]``."""

    level: str = field(default="info", validator=one_of("debug", "info", "warning", "error"))
    format: str = field(default="auto", validator=one_of("auto", "json", "console"))
    """``json``, ``console``, or ``auto``: console on a terminal."""


@define(frozen=True)
class Config:
    """The whole file."""

    accounts: dict[str, AccountSettings]
    carriers: dict[str, CarrierSettings]
    pools: dict[str, PoolSettings]
    server: ServerSettings = Factory(ServerSettings)
    http: HttpSettings = Factory(HttpSettings)
    operators: dict[str, OperatorSettings] = Factory(dict)
    directory: DirectorySettings = Factory(DirectorySettings)
    webhooks: WebhookSendingSettings = Factory(WebhookSendingSettings)
    session: SessionSettings = Factory(SessionSettings)
    store: StoreSettings = Factory(StoreSettings)
    routing: RoutingSettings = Factory(RoutingSettings)
    quality: QualitySettings = Factory(QualitySettings)
    probes: tuple[ProbeSettings, ...] = ()
    receipts: ReceiptSettings = Factory(ReceiptSettings)
    long_messages: LongMessageSettings = Factory(LongMessageSettings)
    message_classes: dict[str, MessageClassSettings] = Factory(dict)
    mo_routes: tuple[MoRouteSettings, ...] = ()
    mo: MoSettings = Factory(MoSettings)
    abuse: AbuseSettings = Factory(AbuseSettings)
    consent: ConsentSettings = Factory(ConsentSettings)
    compliance: ComplianceSettings = Factory(ComplianceSettings)
    verification: VerificationSettings = Factory(VerificationSettings)
    shaping_rules: tuple[ShapingRuleSettings, ...] = ()
    countries: dict[str, CountrySettings] = Factory(dict)
    money: MoneySettings = Factory(MoneySettings)
    retention: RetentionSettings = Factory(RetentionSettings)
    log: LogSettings = Factory(LogSettings)
    numbers: NumberSettings = Factory(NumberSettings)
