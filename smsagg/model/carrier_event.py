"""What a carrier tells us on its own: receipts for messages it took, and messages from handsets."""

from attrs import define

from smsagg.model.cause import Cause
from smsagg.model.message import MessageState


@define(eq=False)
class CarrierReceipt:
    """A carrier's report about a message that it took earlier."""

    carrier_message_id: str
    """Normalised by the carrier's dialect."""
    state: MessageState
    """ENROUTE for every report that is not final."""
    error_code: int
    """The carrier's ``err`` field, 0 when absent or not numeric."""
    done_at: int
    """UTC milliseconds as the carrier wrote it, 0 when absent."""
    handle: object = None
    """The adapter's own, to answer this report with."""
    cause: Cause = Cause.NONE
    """Why it failed, where it did."""
    raw_id: str = ""
    """The id as the carrier wrote it, for whoever matches it by another rule; ``""``: as above."""
    text: bytes = b""
    """The text of the report, for people to look at when it matches nothing."""
    msisdn: str = ""
    """Whom the reported message was for, in digits; ``""`` when the report does not say."""
    oddity: str = ""
    """What is odd about it: ``"ids_differ"`` (its TLV and its text name different messages), ``"unknown_state"`` (a
    word that no table knows), ``""`` for nothing."""
    parked_as: str = ""
    """The id under which the store has it already, since it matched nothing before; ``""``: it has just come."""
    parked_at: int = 0
    """When it was put there, UTC ms."""
    matched_as: str = ""
    """The ``carrier_message_id`` of its message by an operator's word, whatever its own id says."""


@define(eq=False)
class CarrierAlert:
    """A handset that could not be reached is there again (``alert_notification``)."""

    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    """The handset."""
    esme_addr_ton: int
    esme_addr_npi: int
    esme_addr: str
    """The number that asked to be told."""
    ms_availability_status: int | None
    """SMPP 3.4 §5.3.2.30; ``None``: the carrier did not say."""


@define(eq=False)
class CarrierMo:
    """A message from a handset (MO)."""

    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str
    service_type: str
    esm_class: int
    protocol_id: int
    data_coding: int
    body: bytes
    tlvs: bytes
    handle: object = None
    """The adapter's own, to answer this message with."""
    account: str = ""
    """Whose it is, where the carrier knows that: it answers a message of the sandbox."""
