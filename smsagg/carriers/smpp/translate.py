"""Between the domain and the PDUs that a carrier speaks."""

from smsagg.carriers.smpp.parts import WHOLE_FORMS, fields_of_part
from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.model import CarrierAlert, CarrierMo, CarrierReceipt, Message
from smsagg.receipts.parse import is_receipt_by_content, parse_receipt
from smsagg.receipts.rules import ReceiptRules
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.pdu import AlertNotification, DataSm, DeliverSm, SubmitSm
from smsagg.smpp.times import format_absolute, format_relative
from smsagg.smpp.tlv import VALUE_OCTETS_MAX, Tag, decode_tlvs, encode_tlvs, tlv_int, tlv_value
from smsagg.text import DefaultCoding, from_peer, part_octets, to_peer
from smsagg.text.split import USER_DATA_OCTETS

MESSAGE_TYPE_BITS = 0x3C
REPORT_TYPES = (0x04, 0x20)
"""Delivery receipt and intermediate notification (SMPP 3.4 §5.2.12)."""
_MESSAGE_PAYLOAD = int(Tag.MESSAGE_PAYLOAD)
_TLVS_MAX = 10_000
FINAL_RECEIPT = 0x01
INTERMEDIATE_NOTIFICATION = 0x10
"""Bits of registered_delivery (SMPP 3.4 §5.2.17)."""
SM_LENGTH_MAX = 255
RELATIVE_MS_MAX = (100 * 86_400 - 1) * 1000
"""The longest life that :func:`format_relative` can say."""
TON_INTERNATIONAL = 1
NPI_ISDN = 1


def submit_sm_of(message: Message, settings: SmppSettings, now: int) -> SubmitSm:
    """The attempt on the wire. The destination goes out as international digits whatever way the customer wrote it;
    body, data_coding, esm_class and TLVs go out unchanged, but for what ``data_coding_0`` of the carrier changes, and
    ``long_messages`` for messages of several parts."""
    tlvs = decode_tlvs(message.tlvs, _TLVS_MAX, check=False) if message.tlvs else ()
    body, data_coding, esm_class = message.body, message.data_coding, message.esm_class
    in_payload = message.in_payload
    if message.group is not None:
        form = settings.long_messages
        esm_class, body, tlvs = fields_of_part(message, message.group, body, tlvs, form)
        in_payload = in_payload and form in WHOLE_FORMS
    elif len(body) > USER_DATA_OCTETS and settings.long_messages == "payload":
        in_payload = in_payload or len(body) > part_octets(data_coding)
    if settings.data_coding_0 != "gsm":
        body, data_coding = to_peer(body, data_coding, bool(esm_class & UDHI), settings.default_coding)
    if in_payload or len(body) > SM_LENGTH_MAX:
        tlvs = ((_MESSAGE_PAYLOAD, body), *tlvs)
        body = b""
    ton, npi = settings.source_addr_ton, settings.source_addr_npi
    return SubmitSm(
        message.service_type if settings.service_type is None else settings.service_type,
        message.source_addr_ton if ton is None else ton,
        message.source_addr_npi if npi is None else npi,
        message.source_addr,
        TON_INTERNATIONAL,
        NPI_ISDN,
        international_digits(message.destination_addr),
        esm_class,
        message.protocol_id,
        message.priority,
        "",
        "" if settings.validity == "none" else _validity_period(message, settings, now),
        (FINAL_RECEIPT if message.asks_receipt else 0) | (message.registered_delivery & INTERMEDIATE_NOTIFICATION),
        0,
        data_coding,
        message.sm_default_msg_id,
        body,
        tlvs=tlvs,
    )


def _validity_period(message: Message, settings: SmppSettings, now: int) -> str:
    """What is left of the message's life, as the carrier wants to read it."""
    if settings.validity == "absolute":
        return format_absolute(message.expires_at)
    return format_relative(min(max(message.expires_at - now, 1_000), RELATIVE_MS_MAX))


def international_digits(destination_addr: str) -> str:
    """``+447700900123`` and ``00447700900123`` as ``447700900123``."""
    if destination_addr.startswith("+"):
        return destination_addr[1:]
    return destination_addr[2:] if destination_addr.startswith("00") else destination_addr


def receipt_of(
    pdu: DeliverSm | DataSm, rules: ReceiptRules, handle: object, default: DefaultCoding = DefaultCoding.GSM
) -> CarrierReceipt | None:
    """The report in a PDU that :func:`is_report` says is one; ``None`` when it cannot be read as one."""
    body, tlvs = pdu.short_message if isinstance(pdu, DeliverSm) else b"", pdu.tlvs
    if default is DefaultCoding.GSM_PACKED:
        payload = tlv_value(tlvs, Tag.MESSAGE_PAYLOAD)
        body, _ = from_peer(body or payload or b"", pdu.data_coding, bool(pdu.esm_class & UDHI), default)
        tlvs = tuple(tlv for tlv in tlvs if tlv[0] != _MESSAGE_PAYLOAD)
    parsed = parse_receipt(body, tlvs, rules)
    if parsed is None:
        return None
    return CarrierReceipt(
        parsed.carrier_message_id,
        parsed.state,
        parsed.error_code,
        parsed.done_at,
        handle,
        parsed.cause,
        parsed.raw_id,
        body or tlv_value(tlvs, Tag.MESSAGE_PAYLOAD) or b"",
        pdu.source_addr,
        "ids_differ" if parsed.ids_differ else "unknown_state" if parsed.unknown_state else "",
    )


def is_report(pdu: DeliverSm | DataSm, rules: ReceiptRules) -> bool:
    """Whether esm_class says receipt or notification. Nothing else decides, least of all the text, but for carriers
    whose rules say that they do not mark their receipts."""
    message_type = pdu.esm_class & MESSAGE_TYPE_BITS
    if message_type in REPORT_TYPES:
        return True
    if message_type or not rules.unmarked:
        return False
    return is_receipt_by_content(pdu.short_message if isinstance(pdu, DeliverSm) else b"", pdu.tlvs, rules)


def mo_of(pdu: DeliverSm | DataSm, handle: object, default: DefaultCoding = DefaultCoding.GSM) -> CarrierMo:
    """A message from a handset. A text that would outgrow a ``message_payload`` in our form stays as it came."""
    payload = tlv_value(pdu.tlvs, Tag.MESSAGE_PAYLOAD)
    body = payload if payload is not None else pdu.short_message if isinstance(pdu, DeliverSm) else b""
    rest = tuple(tlv for tlv in pdu.tlvs if tlv[0] != _MESSAGE_PAYLOAD)
    as_it_came = body, pdu.data_coding
    body, data_coding = from_peer(body, pdu.data_coding, bool(pdu.esm_class & UDHI), default)
    if len(body) > VALUE_OCTETS_MAX:
        body, data_coding = as_it_came
    return CarrierMo(
        pdu.source_addr_ton,
        pdu.source_addr_npi,
        pdu.source_addr,
        pdu.dest_addr_ton,
        pdu.dest_addr_npi,
        pdu.destination_addr,
        pdu.service_type,
        pdu.esm_class,
        getattr(pdu, "protocol_id", 0),
        data_coding,
        body,
        encode_tlvs(rest) if rest else b"",
        handle,
    )


def alert_of(pdu: AlertNotification) -> CarrierAlert:
    """A handset that can be reached again."""
    return CarrierAlert(
        pdu.source_addr_ton,
        pdu.source_addr_npi,
        pdu.source_addr,
        pdu.esme_addr_ton,
        pdu.esme_addr_npi,
        pdu.esme_addr,
        tlv_int(pdu.tlvs, Tag.MS_AVAILABILITY_STATUS),
    )
