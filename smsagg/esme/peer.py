"""Who is at the other end of a connection: what limits, networks and accounts ask of it."""

from attrs import define


@define(frozen=True)
class Peer:
    """A connected host; the same from the connection's arrival to its end."""

    address: str
    """As :func:`~smsagg.policy.networks.canonical_address` writes it."""
    is_encrypted: bool = False
    """It speaks TLS with us, or with a trusted balancer in front of us."""
    certificate_names: frozenset[str] = frozenset()
    """DNS names and common names of the certificate that it showed and that was verified; lower case."""
