"""One part of a long message from a handset, which waits in the store for the others."""

from attrs import define

from smsagg.model.carrier_event import CarrierMo


@define(eq=False)
class MoPart:
    """Answered to the carrier, and owed to an account since. Instants are UTC milliseconds."""

    part_id: int
    """Primary key in the store."""
    carrier: str
    reference: int
    is_wide: bool
    """The reference has 16 bits, else 8."""
    total: int
    """Parts of the message, 2 to 255."""
    number: int
    """Which of them this is, 1 to ``total``."""
    received_at: int
    mo: CarrierMo
    """As the carrier brought it; without a handle once it was answered."""
