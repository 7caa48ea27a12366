"""A delivery as the ``deliver_sm`` that carries it (SMPP 3.4 §4.6)."""

from smsagg.model import Delivery, DeliveryKind
from smsagg.smpp.pdu import DeliverSm
from smsagg.smpp.tlv import Tag, Tlvs, decode_tlvs

NETWORK_TYPE_GSM = 3
SHORT_MESSAGE_OCTETS_MAX = 254
_TLVS_MAX = 10_000
"""More than a PDU can hold that we take in; they were counted when they came."""


def make_deliver_sm(delivery: Delivery) -> DeliverSm:
    """The PDU; ``sequence_number`` is the connection's to set. A body over 254 octets goes as ``message_payload``."""
    is_report = delivery.kind is not DeliveryKind.MO
    tlvs = _report_tlvs(delivery) if is_report else _mo_tlvs(delivery)
    body = delivery.body
    if len(body) > SHORT_MESSAGE_OCTETS_MAX:
        tlvs = ((int(Tag.MESSAGE_PAYLOAD), body), *tlvs)
        body = b""
    return DeliverSm(
        delivery.service_type,
        delivery.source_addr_ton,
        delivery.source_addr_npi,
        delivery.source_addr,
        delivery.dest_addr_ton,
        delivery.dest_addr_npi,
        delivery.destination_addr,
        delivery.esm_class,
        delivery.protocol_id,
        0,
        "",
        "",
        0,
        0,
        delivery.data_coding,
        0,
        body,
        tlvs=tlvs,
    )


def _mo_tlvs(delivery: Delivery) -> Tlvs:
    """As the carrier sent them, be their values what they may."""
    return decode_tlvs(delivery.tlvs, _TLVS_MAX, check=False) if delivery.tlvs else ()


_RECEIPTED_MESSAGE_ID = int(Tag.RECEIPTED_MESSAGE_ID)
_MESSAGE_STATE = int(Tag.MESSAGE_STATE)
_NETWORK_ERROR_CODE = int(Tag.NETWORK_ERROR_CODE)


def _report_tlvs(delivery: Delivery) -> Tlvs:
    """``receipted_message_id``, ``message_state`` and, after a failure, ``network_error_code`` (§5.3.2)."""
    tlvs = (
        (_RECEIPTED_MESSAGE_ID, delivery.message_id.encode("latin-1") + b"\0"),
        (_MESSAGE_STATE, bytes((delivery.message_state,))),
    )
    if not delivery.error_code:
        return tlvs
    error = bytes((NETWORK_TYPE_GSM,)) + (delivery.error_code & 0xFFFF).to_bytes(2, "big")
    return (*tlvs, (_NETWORK_ERROR_CODE, error))
