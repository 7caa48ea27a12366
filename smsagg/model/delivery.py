"""What waits to be handed to an account: delivery receipts and messages from handsets (MO)."""

from enum import IntEnum

from attrs import define


class DeliveryKind(IntEnum):
    RECEIPT = 0
    """Final delivery receipt (SMPP 3.4 §5.2.12, esm_class 0x04)."""
    INTERMEDIATE = 1
    """Intermediate notification (esm_class 0x20)."""
    MO = 2
    """Message from a handset."""


@define(eq=False)
class Delivery:
    """One ``deliver_sm`` owed to an account, kept until the account acknowledged it. Instants are UTC milliseconds."""

    delivery_id: int
    account: str
    kind: DeliveryKind
    service_type: str
    source_addr_ton: int
    source_addr_npi: int
    source_addr: str
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: str
    esm_class: int
    protocol_id: int
    data_coding: int
    body: bytes
    tlvs: bytes
    """Further TLVs, wire form (MO only)."""
    message_id: str
    """The reported message's id; ``""`` for MO."""
    message_state: int
    """``message_state`` of SMPP 3.4 §5.2.28; 0 for MO."""
    error_code: int
    created_at: int
    expires_at: int
    country: str = ""
    accepted_at: int = 0
    """When the reported message was accepted; 0 for MO."""
    attempts: int = 0
    next_attempt_at: int = 0
    parked: bool = False
    """Waits in the store only; no copy is in memory."""
