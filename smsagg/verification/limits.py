"""How many codes may be sent: to a number, to a prefix, to a country, and in all; of each account.

Whoever makes applications send codes to numbers that share in the revenue (SMS pumping) sends to many numbers of a
prefix; whoever wants to annoy somebody sends to one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from smsagg.abuse.velocity import SLOTS, LimitTable, Velocity
from smsagg.config.units import MessageLimit

SCOPES = ("recipient", "prefix", "country", "account")


class Exceeded(NamedTuple):
    """What stands in the way of one code more."""

    scope: str
    """One of :data:`SCOPES`."""
    subject: str
    """The number, prefix or country; ``""``: the account itself."""
    limit: MessageLimit

    @property
    def retry_after_s(self) -> int:
        """When it is worth trying again: room comes by tenths of the window."""
        return max(int(self.limit.window_s / SLOTS), 1)


class CodeLimits:
    """Of one account."""

    def __init__(self, limits: Sequence[Sequence[MessageLimit]], prefix_digits: int, keys_max: int) -> None:
        """``limits`` of each of :data:`SCOPES`, in that order; of each limit ``keys_max`` keys are remembered."""
        self._prefix_digits = prefix_digits
        self._tables = [
            (place, LimitTable(limit, keys_max)) for place, of_scope in enumerate(limits) for limit in of_scope
        ]
        self._velocity = Velocity(self._tables)

    def count(self, recipient: str, country: str, now: int) -> Exceeded | None:
        """Count one code, or none when there is a limit that it exceeds. ``now`` is UTC milliseconds."""
        keys = (recipient, recipient[: self._prefix_digits], country, "")
        exceeded = self._velocity.count(keys, now)
        if exceeded is None:
            return None
        place = next(place for place, table in self._tables if table is exceeded)
        return Exceeded(SCOPES[place], keys[place], exceeded.limit)
