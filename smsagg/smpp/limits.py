"""The limits of one connection: nothing in it grows beyond them."""

from attrs import define


@define(frozen=True)
class Limits:
    """What a :class:`~smsagg.smpp.connection.Connection` takes from its peer, and what it keeps of its own."""

    pdu_octets_max: int = 70_000
    """A larger ``command_length`` is an unusable header (ESME_RINVCMDLEN, and the session ends)."""
    tlvs_max: int = 64
    """A PDU with more is refused with ESME_ROPTPARNOTALLWD."""
    window_max: int = 100
    """Our requests that may be outstanding; above it :class:`~smsagg.smpp.errors.WindowFull`."""
    unanswered_max: int = 1_000
    """The peer's requests that the application has not answered; more are refused with ESME_RTHROTTLED."""
    held_octets_max: int = 131_072
    """Octets that wait behind an unanswered bind request; more are refused with ESME_RINVBNDSTS."""
    needs_nuls: bool = True
    """Refuse a C-octet string that ends with its PDU for want of a NUL. Off: take it as whole."""
    check_tlvs: bool = True
    """Refuse known TLVs of a wrong length or value. Off: take them as they are, and of a stream of TLVs that
    breaks off what is whole (carriers' receipts)."""


DEFAULT_LIMITS = Limits()
