"""The ``command_id`` of every PDU (SMPP 3.4 §5.1.2.1, SMPP 5.0 §4.7.5)."""

from enum import IntEnum

RESPONSE_BIT = 0x80000000
"""Set in the ``command_id`` of every response."""


class CommandId(IntEnum):
    """Names as in the specification. Those of the broadcast operations (SMPP 5.0) are known but not served."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER = 0x00000002
    BIND_TRANSMITTER_RESP = 0x80000002
    QUERY_SM = 0x00000003
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    REPLACE_SM = 0x00000007
    REPLACE_SM_RESP = 0x80000007
    CANCEL_SM = 0x00000008
    CANCEL_SM_RESP = 0x80000008
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    SUBMIT_MULTI = 0x00000021
    SUBMIT_MULTI_RESP = 0x80000021
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    DATA_SM_RESP = 0x80000103
    BROADCAST_SM = 0x00000111
    BROADCAST_SM_RESP = 0x80000111
    QUERY_BROADCAST_SM = 0x00000112
    QUERY_BROADCAST_SM_RESP = 0x80000112
    CANCEL_BROADCAST_SM = 0x00000113
    CANCEL_BROADCAST_SM_RESP = 0x80000113


BROADCASTS = frozenset(
    {int(CommandId.BROADCAST_SM), int(CommandId.QUERY_BROADCAST_SM), int(CommandId.CANCEL_BROADCAST_SM)}
)
"""The requests of cell broadcast (SMPP 5.0 §4.4)."""

_NAMES = {int(command): command.name.lower() for command in CommandId}


def name_of(command_id: int) -> str:
    """The specification's name (``"submit_sm"``), or the number in hexadecimal for one that it does not know."""
    return _NAMES.get(command_id) or f"0x{command_id:08X}"
