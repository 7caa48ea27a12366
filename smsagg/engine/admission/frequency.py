"""How often an account may write to one number: so many messages of a class within a time, by the rules of countries.

Counts are in memory: a restart begins them anew. Memory: some 310 octets for each number and limit, ``[abuse]
tracked_max`` numbers for each limit; beyond, those that were written to longest ago are forgotten, and count anew.
"""

from collections.abc import Mapping

from smsagg.abuse.velocity import LimitTable, Velocity
from smsagg.config.units import MessageLimit
from smsagg.engine.admission.division import concatenation_of
from smsagg.engine.core import Core
from smsagg.model import Message, Refusal
from smsagg.model.message import ANSWERED
from smsagg.smpp.status import ESME_RTHROTTLED

REFUSAL = Refusal(ESME_RTHROTTLED, "frequency")


class FrequencyCaps:
    """Of all accounts, each for itself."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tables: Mapping[MessageLimit, LimitTable] = {}
        self._keys_max = 0
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the tables of the core from now on; what a limit that stays has counted stays."""
        keys_max = self._core.config.abuse.tracked_max
        before = self._tables if keys_max == self._keys_max else {}
        limits = self._core.tables.compliance.limits
        self._keys_max = keys_max
        self._tables = {limit: before[limit] if limit in before else LimitTable(limit, keys_max) for limit in limits}

    @property
    def is_needed(self) -> bool:
        """Whether there is any limit."""
        return bool(self._tables)

    def check(self, message: Message, digits: str, now: int) -> Refusal | None:
        """Count ``message`` to E.164 ``digits`` at ``now`` (UTC milliseconds); a refused one is not counted."""
        rules = self._core.tables.compliance.of(message.country)
        limits = () if rules is None else rules.caps.get(message.message_class, ())
        if not limits or message.origin == ANSWERED or _is_later_part(message):
            return None
        velocity = Velocity([(0, self._tables[limit]) for limit in limits])
        key = f"{message.account}/{message.message_class}/{digits}"
        return None if velocity.count((key,), now) is None else REFUSAL


def _is_later_part(message: Message) -> bool:
    """Whether the customer cut it, and the part before it counts."""
    said = concatenation_of(message)
    return said is not None and said.number > 1
