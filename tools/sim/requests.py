"""The requests of simulated customers about texts, as octets; apart from the gateway's codec."""

from attrs import define, field

from tools.chaos.wire import SUBMIT_SM, pdu
from tools.sim.wire import DATA_SM, MESSAGE_PAYLOAD, QOS_TIME_TO_LIVE, REPLACE_SM, SUBMIT_MULTI

_SOURCE_TON_NPI = b"\x05\0"
_DESTINATION_TON_NPI = b"\x01\x01"
_SME_ADDRESS = b"\x01"


@define(frozen=True)
class Text:
    """What a submit_sm, submit_multi or data_sm says."""

    source: str
    destinations: tuple[str, ...]
    body: bytes
    registered_delivery: int
    esm_class: int = 0
    priority: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    time_to_live_s: int = 0
    """qos_time_to_live, unless 0."""
    replaces: bool = False
    """replace_if_present_flag."""
    in_payload: bool = False
    tlvs: dict[int, bytes] = field(factory=dict)


def submit_sm(number: int, text: Text) -> bytes:
    destination = _DESTINATION_TON_NPI + text.destinations[0].encode() + b"\0"
    return pdu(SUBMIT_SM, number, _submit(text, destination))


def submit_multi(number: int, text: Text) -> bytes:
    addresses = (_SME_ADDRESS + _DESTINATION_TON_NPI + to.encode() + b"\0" for to in text.destinations)
    return pdu(SUBMIT_MULTI, number, _submit(text, bytes((len(text.destinations),)) + b"".join(addresses)))


def data_sm(number: int, text: Text) -> bytes:
    """Its text is always a message_payload, and its life a qos_time_to_live."""
    tlvs = {MESSAGE_PAYLOAD: text.body, **_tlvs(text)}
    body = b"".join(
        (
            b"\0" + _SOURCE_TON_NPI + text.source.encode() + b"\0",
            _DESTINATION_TON_NPI + text.destinations[0].encode() + b"\0",
            bytes((text.esm_class, text.registered_delivery, 0)),
        )
    )
    return pdu(DATA_SM, number, body + encode_tlvs(tlvs))


def replace_sm(number: int, message_id: str, source: str, registered_delivery: int, body: bytes) -> bytes:
    """Its times are left as they are."""
    octets = b"".join(
        (
            message_id.encode() + b"\0" + _SOURCE_TON_NPI + source.encode() + b"\0",
            b"\0\0" + bytes((registered_delivery, 0, len(body))) + body,
        )
    )
    return pdu(REPLACE_SM, number, octets)


def encode_tlvs(tlvs: dict[int, bytes]) -> bytes:
    return b"".join(tag.to_bytes(2) + len(value).to_bytes(2) + value for tag, value in tlvs.items())


def unsuccessful(body: bytes) -> list[tuple[str, int]]:
    """(destination_addr, error_status_code) of each in the list of a submit_multi_resp."""
    position = body.index(0) + 1
    found = []
    if position < len(body):
        count, position = body[position], position + 1
        for _ in range(count):
            end = body.index(0, position + 2)
            found.append((body[position + 2 : end].decode(), int.from_bytes(body[end + 1 : end + 5])))
            position = end + 5
    return found


def _submit(text: Text, destination: bytes) -> bytes:
    is_payload = text.in_payload or len(text.body) > 254
    short_message = b"" if is_payload else text.body
    tlvs = {MESSAGE_PAYLOAD: text.body, **_tlvs(text)} if is_payload else _tlvs(text)
    return b"".join(
        (
            b"\0" + _SOURCE_TON_NPI + text.source.encode() + b"\0",
            destination,
            bytes((text.esm_class, 0, text.priority)),
            text.schedule_delivery_time.encode() + b"\0" + text.validity_period.encode() + b"\0",
            bytes((text.registered_delivery, text.replaces, 0, 0, len(short_message))),
            short_message,
            encode_tlvs(tlvs),
        )
    )


def _tlvs(text: Text) -> dict[int, bytes]:
    if not text.time_to_live_s:
        return text.tlvs
    return {**text.tlvs, QOS_TIME_TO_LIVE: text.time_to_live_s.to_bytes(4)}
