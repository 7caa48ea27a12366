"""The seam for whoever looks on: what sessions read and write, and what is decided about messages.

Nobody looks on most of the time, and then the seam costs one look at an attribute for a read, a write or a decision.
"""

from collections.abc import Callable
from typing import Protocol

from attrs import define

Address = tuple[str, int]


class Watch:
    """Where the one watcher is put up, and looked for."""

    __slots__ = ("watcher",)

    def __init__(self) -> None:
        self.watcher: Watcher | None = None


@define(eq=False)
class WatchedSession:
    """One association as an onlooker knows it."""

    watch: Watch
    side: str
    """``"esme"``: the peer is a customer; ``"carrier"``: the peer is an SMSC."""
    name: str
    """The peer's address, or the link's name."""
    local: Address
    peer: Address
    context_of: Callable[[int], object]
    """What stands behind an outstanding request of ours, by sequence_number; ``None`` when there is none."""
    partial: Callable[[], bytes]
    """What was read of the PDU that is not whole yet."""
    account: str = ""
    """The customer, once bound; ``""`` for carriers."""


class Watcher(Protocol):
    """Hears of everything; must neither block nor raise."""

    def on_octets(self, session: WatchedSession, inbound: bool, octets: bytes) -> None:
        """Octets as they were read, before they are served, or whole PDUs as they are handed to the writer."""
        ...

    def on_decision(self, subject: object, decision: str, detail: str) -> None:
        """Something was decided about ``subject``, a message or a delivery."""
        ...
