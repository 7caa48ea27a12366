"""What may be allowed (scopes), and what people of a role may do.

A scope is what an endpoint asks for. A role is a set of scopes; a key or a client has those of its role, or fewer.
Scopes of :data:`OPERATORS_SCOPES` are the operator's own: nobody of an account ever has one.
"""

from collections.abc import Mapping

ACCOUNTS_SCOPES = (
    "messages:write", "messages:read", "events:read", "texts:read", "webhooks:read", "webhooks:write",
    "templates:read", "templates:write", "verifications:write", "consent:read", "consent:write", "senders:read",
    "senders:write", "numbers:read", "numbers:write", "keywords:read", "keywords:write", "users:read", "users:write",
    "personal-data:write", "audit:read",
)  # fmt: skip
"""What callers of an account may be allowed, on that account. ``texts:read``: to see texts and whole numbers, which
are masked for others."""
OPERATORS_SCOPES = ("admin:read", "admin:write", "compliance:write")
SCOPES = ACCOUNTS_SCOPES + OPERATORS_SCOPES

ACCOUNTS_ROLES = ("owner", "developer", "analyst", "compliance")
OPERATORS_ROLES = ("operator", "compliance", "analyst")
ROLES = ("owner", "developer", "analyst", "compliance", "operator")

DANGEROUS = ("keys", "users", "personal-data", "freeze", "delete")
"""Operations that may ask for a second factor: keys and clients made and revoked; people made, changed and removed;
personal data erased and exported; accounts frozen and let go; pools, numbers and the like taken away."""

_READING = frozenset(scope for scope in SCOPES if scope.endswith(":read")) - {"texts:read", "audit:read"}
_PROTECTING = {"texts:read", "audit:read", "consent:write", "personal-data:write", "compliance:write"}

SCOPES_OF: Mapping[str, frozenset[str]] = {
    "owner": frozenset(ACCOUNTS_SCOPES),
    "developer": frozenset(ACCOUNTS_SCOPES) - {"users:write", "personal-data:write", "audit:read"},
    "analyst": _READING,
    "compliance": _READING | _PROTECTING,
    "operator": _READING | _PROTECTING | {"admin:write"},
}
"""By role, on either side; see :func:`scopes_of`."""


def scopes_of(role: str, account: str) -> frozenset[str]:
    """What one of this role may do as somebody of ``account``; ``""``: as one of the operator's own."""
    return SCOPES_OF[role] - frozenset(OPERATORS_SCOPES) if account else SCOPES_OF[role]
