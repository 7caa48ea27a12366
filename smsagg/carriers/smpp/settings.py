"""``[carriers.NAME]`` with ``type = "smpp"``."""

import os

from attrs import Factory, define, field

from smsagg.carriers.smpp.parts import FORMS
from smsagg.config.schema import Duration, HostPort, Octets, Rate
from smsagg.config.validators import above, at_least, between, octets_at_most, one_of
from smsagg.receipts.dialect import CONVERSIONS, LETTER_CASES
from smsagg.receipts.rules import ReceiptRules
from smsagg.receipts.settings import STANDARD_DIALECT, DialectSettings, IdSettings, known_dialect, make_rules
from smsagg.text import DefaultCoding

BINDS = ("transceiver", "pair")
VERSIONS = {"3.4": 0x34, "5.0": 0x50}
VALIDITIES = ("none", "relative", "absolute")


LIVE_KEYS = frozenset(
    {
        "rate", "connect_timeout", "reconnect_first", "reconnect_max", "dialect", "resp_id", "receipt_id", "id_case",
        "id_strip_zeros", "receipts", "validity", "source_addr_ton", "source_addr_npi", "service_type", "data_coding_0",
        "long_messages", "segment_octets_max",
    }
)  # fmt: skip
"""Read anew for each attempt, each receipt or each connection; all others are those of a bind."""


@define(frozen=True)
class TlsSettings:
    """``[carriers.NAME.tls]``: present means the connection is TLS (1.2 at least)."""

    ca_file: str = ""
    """PEM file of the authorities that may have signed the carrier's certificate; empty: the system's."""
    certificate_file: str = ""
    """Our own certificate chain, when the carrier asks for one."""
    key_file: str = ""
    server_name: str = ""
    """Name expected in the certificate; empty: the host."""


@define(frozen=True)
class SmppSettings:
    """One upstream SMSC and how to bind to it."""

    address: HostPort
    system_id: str = field(validator=octets_at_most(15, at_least=1))
    password: str = field(default="", repr=False, validator=octets_at_most(64))
    password_env: str = ""
    """Environment variable that holds the password, instead of ``password``."""
    system_type: str = field(default="", validator=octets_at_most(12))
    interface_version: str = field(default="3.4", validator=one_of(*VERSIONS))
    """What we say when we bind: ``3.4``, or ``5.0``, whose carriers may tell how congested they are."""
    bind: str = field(default="transceiver", validator=one_of(*BINDS))
    """``transceiver``, or ``pair``: a transmitter and a receiver for each link."""
    links: int = field(default=1, validator=at_least(1))
    window: int = field(default=10, validator=between(1, 65_535))
    """submit_sm outstanding on a link."""
    rate: Rate | None = field(default=None, validator=above(0))
    """Messages per second on a link; none: unlimited."""
    enquire_link_interval: Duration = field(default=Duration(30.0), validator=above(0))
    response_timeout: Duration = field(default=Duration(60.0), validator=above(0))
    """After so long without an answer an attempt is in doubt. Longer than the carrier's slowest honest answer:
    what is sent again too soon arrives twice."""
    connect_timeout: Duration = field(default=Duration(10.0), validator=above(0))
    """For the connection, the TLS handshake and the bind."""
    reconnect_first: Duration = field(default=Duration(1.0), validator=above(0))
    reconnect_max: Duration = field(default=Duration(60.0), validator=above(0))
    pdu_octets_max: Octets = field(default=Octets(70_000), validator=at_least(512))
    deliver_unanswered_max: int = field(default=1_000, validator=at_least(1))
    """deliver_sm of the carrier whose effect is not committed yet; above it the carrier hears ESME_RTHROTTLED."""
    dialect: str = field(default=STANDARD_DIALECT, validator=known_dialect)
    """How this carrier writes ids and receipts: a preset, or ``learn``: standard, and the id rule that its first
    receipts show. The keys below and ``receipts`` override the preset."""
    resp_id: str | None = field(default=None, validator=one_of(*CONVERSIONS))
    """What to do with the id of submit_sm_resp: ``as_is``, ``hex_to_decimal``, ``decimal_to_hex``."""
    receipt_id: str | None = field(default=None, validator=one_of(*CONVERSIONS))
    """The same for the id in receipts."""
    id_case: str | None = field(default=None, validator=one_of(*LETTER_CASES))
    """``keep``, ``lower`` or ``upper``: both ids are folded to it."""
    id_strip_zeros: bool | None = None
    """Leading zeros of both ids do not count."""
    receipts: DialectSettings = Factory(DialectSettings)
    validity: str = field(default="none", validator=one_of(*VALIDITIES))
    """validity_period sent on: ``none``, ``relative`` or ``absolute``. We expire messages ourselves in any case."""
    source_addr_ton: int | None = field(default=None, validator=between(0, 255))
    """Overrides for every message sent to this carrier; none: as the customer wrote them."""
    source_addr_npi: int | None = field(default=None, validator=between(0, 255))
    service_type: str | None = field(default=None, validator=octets_at_most(5))
    data_coding_0: str = field(default="gsm", validator=one_of(*(default.value for default in DefaultCoding)))
    """What this carrier means by data_coding 0, its default alphabet: ``gsm`` (one septet an octet), ``gsm_packed``
    (eight septets in seven octets), ``latin1`` or ``ascii``. Bodies are recoded on the way out and in."""
    long_messages: str = field(default="as_is", validator=one_of(*FORMS))
    """How it wants messages of several parts: ``as_is`` (as the customer submitted them), ``udh``, ``udh16`` (header
    elements with references of 8 and 16 bits), ``sar`` (TLVs), ``payload`` (whole, in message_payload)."""
    segment_octets_max: int = field(default=140, validator=between(20, 140))
    """On air, headers included: what is longer is cut, with ``udh``, ``udh16`` and ``sar``."""
    tls: TlsSettings | None = None

    def __attrs_post_init__(self) -> None:
        if self.password_env and self.password_env not in os.environ:
            raise ValueError(f"password_env: the environment has no {self.password_env}")
        if not (self.secret.isascii() and self.secret.isprintable()):
            raise ValueError(f"password_env: {self.password_env} holds what is not printable ASCII")

    @property
    def secret(self) -> str:
        """The password to bind with."""
        return os.environ[self.password_env] if self.password_env else self.password

    @property
    def default_coding(self) -> DefaultCoding:
        """``data_coding_0``."""
        return DefaultCoding(self.data_coding_0)

    def make_rules(self) -> ReceiptRules:
        """How this carrier writes ids and receipts."""
        ids = IdSettings(self.resp_id, self.receipt_id, self.id_case, self.id_strip_zeros)
        return make_rules(self.dialect, ids, self.receipts)
