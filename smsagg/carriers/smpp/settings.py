"""``[carriers.NAME]`` with ``type = "smpp"``."""

import os

from attrs import define, field

from smsagg.config.schema import Duration, HostPort, Octets, Rate
from smsagg.receipts.dialect import CONVERSIONS, LETTER_CASES, IdDialect

BINDS = ("transceiver", "pair")
VALIDITIES = ("none", "relative", "absolute")


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
    system_id: str
    password: str = field(default="", repr=False)
    password_env: str = ""
    """Environment variable that holds the password, instead of ``password``."""
    system_type: str = ""
    bind: str = "transceiver"
    """``transceiver``, or ``pair``: a transmitter and a receiver for each link."""
    links: int = 1
    window: int = 10
    """submit_sm outstanding on a link."""
    rate: Rate | None = None
    """Messages per second on a link; none: unlimited."""
    enquire_link_interval: Duration = Duration(30.0)
    response_timeout: Duration = Duration(60.0)
    """After so long without an answer an attempt is in doubt. Longer than the carrier's slowest honest answer:
    what is sent again too soon arrives twice."""
    connect_timeout: Duration = Duration(10.0)
    """For the connection, the TLS handshake and the bind."""
    reconnect_first: Duration = Duration(1.0)
    reconnect_max: Duration = Duration(60.0)
    pdu_octets_max: Octets = Octets(70_000)
    deliver_unanswered_max: int = 1_000
    """deliver_sm of the carrier whose effect is not committed yet; above it the carrier hears ESME_RTHROTTLED."""
    resp_id: str = "as_is"
    """What to do with the id of submit_sm_resp: ``as_is``, ``hex_to_decimal``, ``decimal_to_hex``."""
    receipt_id: str = "as_is"
    """The same for the id in receipts."""
    id_case: str = "keep"
    """``keep``, ``lower`` or ``upper``: both ids are folded to it."""
    id_strip_zeros: bool = False
    """Leading zeros of both ids do not count."""
    validity: str = "none"
    """validity_period sent on: ``none``, ``relative`` or ``absolute``. We expire messages ourselves in any case."""
    source_addr_ton: int | None = None
    """Overrides for every message sent to this carrier; none: as the customer wrote them."""
    source_addr_npi: int | None = None
    service_type: str | None = None
    tls: TlsSettings | None = None

    def __attrs_post_init__(self) -> None:
        _one_of("bind", self.bind, BINDS)
        _one_of("validity", self.validity, VALIDITIES)
        _one_of("resp_id", self.resp_id, CONVERSIONS)
        _one_of("receipt_id", self.receipt_id, CONVERSIONS)
        _one_of("id_case", self.id_case, LETTER_CASES)
        if self.links < 1 or self.window < 1:
            raise ValueError("links and window must be at least 1")
        if len(self.system_id) > 15:
            raise ValueError("system_id has at most 15 octets (SMPP 3.4 §5.2.1)")
        if self.password_env and self.password_env not in os.environ:
            raise ValueError(f"password_env: the environment has no {self.password_env}")

    @property
    def secret(self) -> str:
        """The password to bind with."""
        return os.environ[self.password_env] if self.password_env else self.password

    @property
    def dialect(self) -> IdDialect:
        """How this carrier writes ids."""
        return IdDialect(self.resp_id, self.receipt_id, self.id_case, self.id_strip_zeros)


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{key} must be one of {', '.join(allowed)}")
