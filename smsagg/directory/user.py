"""People: of an account, or of the operator's own."""

from collections.abc import Mapping
from typing import Any

from attrs import asdict, define


@define(frozen=True)
class User:
    """A person; keys of theirs may what their role may, or less."""

    account: str
    """``""``: of the operator's own."""
    name: str
    role: str
    full_name: str = ""
    enabled: bool = True
    """False: none of their keys lets in."""
    created_at: int = 0
    """UTC milliseconds."""
    created_by: str = ""

    @property
    def path(self) -> str:
        """By which it is kept."""
        return f"{self.account}/{self.name}"

    def document(self) -> dict[str, Any]:
        """As it is kept."""
        document = asdict(self)
        del document["account"], document["name"]
        return document


def user_of(path: str, document: Mapping[str, Any]) -> User:
    """What :meth:`User.document` was made of."""
    account, _, name = path.rpartition("/")
    return User(account, name, **document)
