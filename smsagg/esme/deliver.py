"""A delivery as the PDU that carries it (deliver_sm of SMPP 3.4 §4.6, data_sm of §4.7), and what its answer says."""

from attrs import evolve

from smsagg.model import CarrierAlert, Delivery, DeliveryKind
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.pdu import AlertNotification, DataSm, DeliverSm, Response
from smsagg.smpp.status import ESME_RX_P_APPN, ESME_RX_T_APPN
from smsagg.smpp.tlv import Tag, Tlvs, decode_tlvs, tlv_int, tlv_of_int
from smsagg.text import DefaultCoding, to_peer

NETWORK_TYPE_GSM = 3
SHORT_MESSAGE_OCTETS_MAX = 254
_TLVS_MAX = 10_000
"""More than a PDU can hold that we take in; they were counted when they came."""


def make_deliver_sm(delivery: Delivery) -> DeliverSm:
    """The PDU; ``sequence_number`` is the connection's to set. A body over 254 octets goes as ``message_payload``."""
    tlvs, body = _tlvs(delivery), delivery.body
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


def make_old_deliver_sm(delivery: Delivery) -> DeliverSm:
    """The PDU for a peer below SMPP 3.4, which is sent no TLVs: a body over 254 octets is cut to that."""
    pdu = make_deliver_sm(delivery)
    pdu.short_message = delivery.body[:SHORT_MESSAGE_OCTETS_MAX]
    return pdu


def make_data_sm(delivery: Delivery) -> DataSm:
    """The same as a data_sm, whose text is always its ``message_payload``; it has no ``protocol_id``."""
    return DataSm(
        delivery.service_type,
        delivery.source_addr_ton,
        delivery.source_addr_npi,
        delivery.source_addr,
        delivery.dest_addr_ton,
        delivery.dest_addr_npi,
        delivery.destination_addr,
        delivery.esm_class,
        0,
        delivery.data_coding,
        tlvs=((int(Tag.MESSAGE_PAYLOAD), delivery.body), *_tlvs(delivery)),
    )


def recode(delivery: Delivery, default: DefaultCoding) -> Delivery:
    """The delivery with its text as an ESME reads it that means ``default`` by data_coding 0. Receipts are ASCII, which
    all of these are."""
    if delivery.kind is not DeliveryKind.MO:
        return delivery
    body, data_coding = to_peer(delivery.body, delivery.data_coding, bool(delivery.esm_class & UDHI), default)
    return evolve(delivery, body=body, data_coding=data_coding)


def make_alert_notification(alert: CarrierAlert) -> AlertNotification:
    """The PDU that tells an ESME of it (SMPP 3.4 §4.12)."""
    status = alert.ms_availability_status
    return AlertNotification(
        alert.source_addr_ton,
        alert.source_addr_npi,
        alert.source_addr,
        alert.esme_addr_ton,
        alert.esme_addr_npi,
        alert.esme_addr,
        tlvs=() if status is None else (tlv_of_int(Tag.MS_AVAILABILITY_STATUS, status & 0xFF),),
    )


_FAILURE_REASONS = {0: ESME_RX_T_APPN, 1: ESME_RX_P_APPN, 2: ESME_RX_P_APPN, 3: ESME_RX_T_APPN}
"""delivery_failure_reason (SMPP 5.0 §4.8.4.19) as the status that says whether to come again: the destination is
unavailable, its address invalid, a permanent and a temporary error of the network."""


def status_of(response: Response) -> int:
    """What the ESME answered to a delivery; of an error its delivery_failure_reason says more than its status does."""
    if response.command_status and response.tlvs:
        reason = tlv_int(response.tlvs, Tag.DELIVERY_FAILURE_REASON)
        if reason in _FAILURE_REASONS:
            return _FAILURE_REASONS[reason]
    return response.command_status


def _tlvs(delivery: Delivery) -> Tlvs:
    return _mo_tlvs(delivery) if delivery.kind is DeliveryKind.MO else _report_tlvs(delivery)


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
