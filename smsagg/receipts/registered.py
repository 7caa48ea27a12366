"""Which reports a customer asked for with ``registered_delivery`` (SMPP 3.4 §5.2.17; value 3 by SMPP 5.0 §4.7.21).

==========  ================================================
bits 1-0    a receipt is owed for
==========  ================================================
``00``      no final state
``01``      every final state
``10``      final states that are not success
``11``      success only
==========  ================================================

Bit 4 asks for intermediate notifications. Success is DELIVERED and ACCEPTED; a message of which nobody ever reported
the end (UNKNOWN) counts as failed, so who asks for failures only hears of it.
"""

from smsagg.model import FINAL_STATES, MessageState

SUCCESS = frozenset({MessageState.DELIVERED, MessageState.ACCEPTED})

_RECEIPT_BITS = 0x03
_INTERMEDIATE_BIT = 0x10
_OWED: tuple[frozenset[MessageState], ...] = (frozenset(), FINAL_STATES, FINAL_STATES - SUCCESS, SUCCESS)


def wants_receipt(registered_delivery: int, state: MessageState) -> bool:
    """Whether a final receipt is owed for ``state``; False for states that are not final."""
    return state in _OWED[registered_delivery & _RECEIPT_BITS]


def wants_intermediate(registered_delivery: int) -> bool:
    """Whether reports that are not final are to be passed on."""
    return registered_delivery & _INTERMEDIATE_BIT != 0
