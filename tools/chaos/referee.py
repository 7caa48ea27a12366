"""Watches one session from the peer's side and says what of it the specification does not allow (S17).

Shares no code with the server's own protocol engine. What it knows: which of our requests are unanswered, which numbers
the other side has used, whether it has said goodbye; and the layout of every PDU that may come here (SMPP 3.4 §4).
"""

from collections.abc import Callable

from tools.chaos.wire import (
    BIND_TRANSCEIVER,
    CANCEL_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ESME_ROK,
    GENERIC_NACK,
    MESSAGE_PAYLOAD,
    MESSAGE_STATE,
    QUERY_SM,
    RECEIPTED_MESSAGE_ID,
    RESP,
    SUBMIT_SM,
    UNBIND,
    USER_MESSAGE_REFERENCE,
)

SEQUENCE_NUMBER_MAX = 0x7FFFFFFF
SHORT_MESSAGE_OCTETS_MAX = 254
SC_INTERFACE_VERSION = 0x0210
NETWORK_ERROR_CODE = 0x0423
TLV_OCTETS = {
    SC_INTERFACE_VERSION: (1, 1),
    USER_MESSAGE_REFERENCE: (2, 2),
    NETWORK_ERROR_CODE: (3, 3),
    MESSAGE_STATE: (1, 1),
    RECEIPTED_MESSAGE_ID: (1, 65),
    MESSAGE_PAYLOAD: (1, 65_535),
}
"""Least and most octets of a TLV's value (SMPP 3.4 §5.3.2)."""
VERSION_WITH_TLVS = 0x34
ID_OCTETS_BEFORE_TLVS = 9
"""Of a message_id, with its NUL, that SMPP 3.3 holds (SMPP 5.0 §2.11.2)."""
FROM_SMSC = frozenset({DELIVER_SM, ENQUIRE_LINK, UNBIND})
FROM_ESME = frozenset({BIND_TRANSCEIVER, SUBMIT_SM, ENQUIRE_LINK, UNBIND})


class Illegal(Exception):
    """A PDU is not laid out as it must be."""


class Referee:
    """One session. ``allowed``: the requests that may come (SMPP 3.4 §2.3)."""

    def __init__(self, allowed: frozenset[int], interface_version: int = VERSION_WITH_TLVS) -> None:
        self._allowed = allowed
        self._interface_version = interface_version
        self._unanswered: dict[int, int] = {}
        self._last_number = 0
        self._is_bound = False
        self._has_unbound = False

    def sent(self, command_id: int, number: int) -> None:
        """We sent a request."""
        self._unanswered[number] = command_id

    def received(self, command_id: int, command_status: int, number: int, body: bytes) -> str:
        """What is wrong with it, ``""`` for nothing."""
        try:
            if command_id & RESP:
                self._response(command_id, command_status, number)
            else:
                self._request(command_id, number)
            self._layout(command_id, command_status, body)
        except (Illegal, IndexError) as error:
            return f"{command_id:#010x} number {number}: {error}"
        return ""

    def _response(self, command_id: int, command_status: int, number: int) -> None:
        request = self._unanswered.pop(number, None)
        if request is None:
            raise Illegal("answers nothing that we asked, or answers it twice")
        if command_id not in (request | RESP, GENERIC_NACK):
            raise Illegal(f"answers {request:#x}")
        if request == BIND_TRANSCEIVER and command_status == ESME_ROK:
            self._is_bound = True

    def _request(self, command_id: int, number: int) -> None:
        if command_id not in self._allowed:
            raise Illegal("is no request that may come here")
        if self._has_unbound and command_id != ENQUIRE_LINK:  # which asks only whether the answer can still come
            raise Illegal("comes after its unbind")
        if not self._last_number < number <= SEQUENCE_NUMBER_MAX:
            raise Illegal(f"its number does not follow {self._last_number}")
        self._last_number = number
        if command_id == BIND_TRANSCEIVER:
            if self._is_bound:
                raise Illegal("binds again")
            self._is_bound = True
        elif command_id != ENQUIRE_LINK and not self._is_bound:
            raise Illegal("comes before the session is bound")
        self._has_unbound = self._has_unbound or command_id == UNBIND

    def _layout(self, command_id: int, command_status: int, body: bytes) -> None:
        check = _LAYOUTS.get(command_id)
        if check is None:
            raise Illegal("has no layout here")
        if command_id & RESP and command_status != ESME_ROK:
            return  # a refusal may leave its body out, and what stands in it means nothing (§4.4.2)
        rest = check(body)
        if self._interface_version < VERSION_WITH_TLVS:
            if rest:
                raise Illegal("has TLVs, for a peer that knows none")
            if command_id == SUBMIT_SM | RESP and len(body) > ID_OCTETS_BEFORE_TLVS:
                raise Illegal(f"has an id of {len(body) - 1} octets, for a peer that holds 8")
        _check_tlvs(rest)


def _c_octets(body: bytes, octets_max: int) -> tuple[bytes, bytes]:
    """(the string, what follows its NUL)."""
    end = body.find(0)
    if not 0 <= end < octets_max:
        raise Illegal(f"a string has no NUL within {octets_max} octets")
    return body[:end], body[end + 1 :]


def _time(body: bytes) -> bytes:
    text, rest = _c_octets(body, 17)
    if len(text) not in (0, 16):
        raise Illegal(f"a time has {len(text)} octets")
    return rest


def _address(body: bytes) -> bytes:
    return _c_octets(body[2:], 21)[1]


def _short_message(body: bytes) -> bytes:
    """submit_sm and deliver_sm (§4.4.1, §4.6.1)."""
    rest = _address(_address(_c_octets(body, 6)[1]))
    rest = _time(_time(rest[3:]))
    length = rest[4]
    if length > SHORT_MESSAGE_OCTETS_MAX or len(rest) < 5 + length:
        raise Illegal(f"sm_length {length}, with {len(rest) - 5} octets to come")
    tlvs = rest[5 + length :]
    if length and any(tag == MESSAGE_PAYLOAD for tag, _ in _tlvs(tlvs)):
        raise Illegal("has a short_message and a message_payload")
    return tlvs


def _nothing(body: bytes) -> bytes:
    if body:
        raise Illegal("has a body")
    return body


def _bind(body: bytes) -> bytes:
    for octets_max in (16, 65, 13):
        _, body = _c_octets(body, octets_max)
    return _c_octets(body[3:], 41)[1]


def _query_resp(body: bytes) -> bytes:
    rest = _time(_c_octets(body, 65)[1])
    if not 1 <= rest[0] <= 8:
        raise Illegal(f"message_state {rest[0]}")
    return rest[2:]


def _tlvs(octets: bytes) -> list[tuple[int, bytes]]:
    tlvs: list[tuple[int, bytes]] = []
    while octets:
        tag, length = int.from_bytes(octets[:2]), int.from_bytes(octets[2:4])
        if len(octets) < 4 + length:
            raise Illegal("a TLV goes beyond the PDU")
        tlvs.append((tag, octets[4 : 4 + length]))
        octets = octets[4 + length :]
    return tlvs


def _check_tlvs(octets: bytes) -> None:
    for tag, value in _tlvs(octets):
        least, most = TLV_OCTETS.get(tag, (0, 65_535))
        if not least <= len(value) <= most:
            raise Illegal(f"TLV {tag:#06x} has {len(value)} octets")


_LAYOUTS: dict[int, Callable[[bytes], bytes]] = {
    BIND_TRANSCEIVER: _bind,
    BIND_TRANSCEIVER | RESP: lambda body: _c_octets(body, 16)[1],
    SUBMIT_SM: _short_message,
    SUBMIT_SM | RESP: lambda body: _c_octets(body, 65)[1],
    DELIVER_SM: _short_message,
    DELIVER_SM | RESP: lambda body: _c_octets(body, 1)[1],
    QUERY_SM | RESP: _query_resp,
    CANCEL_SM | RESP: _nothing,
    ENQUIRE_LINK: _nothing,
    ENQUIRE_LINK | RESP: _nothing,
    UNBIND: _nothing,
    UNBIND | RESP: _nothing,
    GENERIC_NACK: _nothing,
}
"""By command_id, what checks the mandatory fields and gives the TLVs' octets."""
