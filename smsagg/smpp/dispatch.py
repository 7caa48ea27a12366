"""Which PDUs a connection hands to the application as they come, and how to decode them; tables for its hot loop."""

from smsagg.smpp import declared, fast
from smsagg.smpp.bind_state import BINDS, Role, SessionState, requests_from
from smsagg.smpp.command import RESPONSE_BIT, CommandId
from smsagg.smpp.limits import Limits
from smsagg.smpp.pdu import PDUS, RESPONSES, Pdu

UNANSWERED = frozenset(
    command_id for command_id in PDUS if not command_id & RESPONSE_BIT and command_id not in RESPONSES
)
"""Requests that have no response: outbind and alert_notification."""

_SERVED_BY_CONNECTION = BINDS | UNANSWERED | {int(CommandId.ENQUIRE_LINK), int(CommandId.UNBIND)}


def _decode_request(frame: bytes, sequence_number: int, limits: Limits) -> Pdu:
    return declared.decode(frame, limits)


def _decode_response(frame: bytes, sequence_number: int, command_status: int, limits: Limits) -> Pdu:
    return declared.decode(frame, limits)


APPLICATION_REQUESTS: dict[tuple[Role, SessionState], dict[int, fast.RequestDecoder]] = {
    (role, state): {
        command_id: fast.REQUEST_DECODERS.get(command_id, _decode_request)
        for command_id in requests_from(role.peer, state) - _SERVED_BY_CONNECTION
    }
    for role in Role
    for state in SessionState
}
"""For each side and state, the peer's requests that go straight to the application."""

APPLICATION_RESPONSES: dict[int, fast.ResponseDecoder] = {
    command_id | RESPONSE_BIT: fast.RESPONSE_DECODERS.get(command_id | RESPONSE_BIT, _decode_response)
    for command_id in RESPONSES.keys() - _SERVED_BY_CONNECTION
}
"""Responses that go straight to the application when they match a request; the others change the connection."""
