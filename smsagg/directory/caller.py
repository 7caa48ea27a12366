"""Who makes a request, once it is known."""

from attrs import define, field


@define(frozen=True)
class Caller:
    """Somebody whom a credential let in."""

    account: str
    """``""``: one of the operator's own."""
    name: str
    """For people and the audit trail: ``key:crm``, ``user:ann``, ``client:erp``."""
    scopes: frozenset[str]
    """What it may do, see :mod:`smsagg.directory.roles`."""
    role: str
    expires_at: int | None = None
    """UTC milliseconds, from which on it is let in no more; ``None``: it does not expire."""
    user: str = ""
    """Whose credential it is, if a person's of that account."""
    credential: str = field(default="", repr=False)
    """What is kept of the secret that it showed."""
