"""What can go wrong for a client."""

from collections.abc import Sequence
from typing import Any


class ApiError(Exception):
    """The API answered with a problem (RFC 9457)."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status = status
        self.kind = str(document.get("type", "")).removeprefix("problems/")
        """What it is, in words that never change: ``"no-credit"``."""
        self.detail = str(document.get("detail", ""))
        self.errors: Sequence[dict[str, Any]] = document.get("errors", ())
        """Members of the request that are wrong: ``path`` and ``detail``."""
        super().__init__(f"{status} {self.kind}: {self.detail}")


class Unreachable(Exception):
    """The API did not answer, also when asked again. Whether it took what was asked for is not known."""


class BadSignature(Exception):
    """A webhook that is not from the API, or an old one that somebody sends again."""
