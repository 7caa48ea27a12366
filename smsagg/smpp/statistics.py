"""What one connection counts; plain integers that a collector reads.

The keys are a closed set, whatever a peer sends: requests count under status 0, since their command_status means
nothing, and a command_id or status that nobody knows counts as ``OTHER``.
"""

from collections import Counter
from collections.abc import Sequence
from struct import Struct

from attrs import Factory, define

from smsagg.smpp.command import RESPONSE_BIT, CommandId
from smsagg.smpp.status import NAMES, is_vendor_specific

OTHER = 0xFFFFFFFF

_COMMAND_IDS = frozenset(int(command) for command in CommandId)
_ID_AND_STATUS = Struct(">II").unpack


@define(eq=False)
class Statistics:
    """Counts since the connection began. ``received`` and ``sent``: (command_id, command_status) → PDUs."""

    received: dict[tuple[int, int], int] = Factory(dict)
    sent: dict[tuple[int, int], int] = Factory(dict)
    malformed: int = 0
    """Requests refused for a field or TLV, or for an unknown command_id."""
    illegal: int = 0
    """Requests that the session's state did not allow."""
    throttled: int = 0
    """Requests above ``unanswered_max``."""
    unmatched_responses: int = 0
    """Responses to nothing outstanding; dropped."""
    late_responses: int = 0
    """Responses to requests that had expired."""
    stray_generic_nacks: int = 0
    """generic_nack that names none of our requests; dropped."""
    dropped_responses: int = 0
    """Responses of ours to a session that was over."""

    def count_received(self, frames: Sequence[bytes]) -> None:
        received = self.received
        for id_and_status, count in Counter([frame[4:12] for frame in frames]).items():
            command_id, command_status = _ID_AND_STATUS(id_and_status)
            key = bounded_key(command_id, command_status)
            received[key] = received.get(key, 0) + count

    def count_sent(self, command_id: int, command_status: int, count: int = 1) -> None:
        key = bounded_key(command_id, command_status) if command_status else (command_id, 0)
        self.sent[key] = self.sent.get(key, 0) + count


def bounded_key(command_id: int, command_status: int) -> tuple[int, int]:
    """The key under which a PDU counts."""
    if command_id not in _COMMAND_IDS:
        return OTHER, 0
    if not command_id & RESPONSE_BIT:
        return command_id, 0
    is_known = command_status in NAMES or is_vendor_specific(command_status)
    return command_id, command_status if is_known else OTHER
