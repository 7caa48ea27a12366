"""One class per PDU of SMPP 3.4, with the wire's field names.

C-octet strings are ``str`` in latin-1, so that every octet but NUL survives a round trip; bodies are ``bytes``.
``sm_length`` and the other counts are not fields: they follow from what they count. ``tlvs`` holds the optional
parameters raw and in order (:mod:`smsagg.smpp.tlv`). How a class looks on the wire stands in
:mod:`smsagg.smpp.layout`.

``sequence_number`` is set by the connection for our requests; a response carries its request's.
"""

from typing import ClassVar

from attrs import define, field

from smsagg.smpp.command import RESPONSE_BIT, CommandId
from smsagg.smpp.errors import PduError
from smsagg.smpp.tlv import Tlvs


@define
class Pdu:
    """Any PDU."""

    command_id: ClassVar[int]
    sequence_number: int = field(default=0, kw_only=True)
    tlvs: Tlvs = field(default=(), kw_only=True)


@define
class Request(Pdu):
    """A PDU that asks; outbind and alert_notification are never answered."""

    is_answered: ClassVar[bool] = True


@define
class Response(Pdu):
    """A PDU that answers; with a ``command_status`` other than ESME_ROK it has no body of interest."""

    command_status: int = field(default=0, kw_only=True)


@define
class Bind(Request):
    """What the three bind requests share (SMPP 3.4 §4.1)."""

    system_id: str = ""
    password: str = field(default="", repr=False)
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""


@define
class BindResp(Response):
    """What the three bind responses share (SMPP 3.4 §4.1)."""

    system_id: str = ""


@define
class BindTransmitter(Bind):
    command_id: ClassVar[int] = int(CommandId.BIND_TRANSMITTER)


@define
class BindTransmitterResp(BindResp):
    command_id: ClassVar[int] = int(CommandId.BIND_TRANSMITTER_RESP)


@define
class BindReceiver(Bind):
    command_id: ClassVar[int] = int(CommandId.BIND_RECEIVER)


@define
class BindReceiverResp(BindResp):
    command_id: ClassVar[int] = int(CommandId.BIND_RECEIVER_RESP)


@define
class BindTransceiver(Bind):
    command_id: ClassVar[int] = int(CommandId.BIND_TRANSCEIVER)


@define
class BindTransceiverResp(BindResp):
    command_id: ClassVar[int] = int(CommandId.BIND_TRANSCEIVER_RESP)


@define
class Outbind(Request):
    """SMPP 3.4 §4.1.7."""

    command_id: ClassVar[int] = int(CommandId.OUTBIND)
    is_answered: ClassVar[bool] = False
    system_id: str = ""
    password: str = field(default="", repr=False)


@define
class Unbind(Request):
    command_id: ClassVar[int] = int(CommandId.UNBIND)


@define
class UnbindResp(Response):
    command_id: ClassVar[int] = int(CommandId.UNBIND_RESP)


@define
class ShortMessage(Request):
    """The body that submit_sm and deliver_sm share (SMPP 3.4 §4.4.1, §4.6.1)."""

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


@define
class SubmitSm(ShortMessage):
    command_id: ClassVar[int] = int(CommandId.SUBMIT_SM)


@define
class DeliverSm(ShortMessage):
    command_id: ClassVar[int] = int(CommandId.DELIVER_SM)


@define
class SubmitSmResp(Response):
    command_id: ClassVar[int] = int(CommandId.SUBMIT_SM_RESP)
    message_id: str = ""


@define
class DeliverSmResp(Response):
    """``message_id`` is unused by the specification; some peers fill it."""

    command_id: ClassVar[int] = int(CommandId.DELIVER_SM_RESP)
    message_id: str = ""


@define
class SmeAddress:
    """A destination of submit_multi that is a number (dest_flag 1, SMPP 3.4 §4.5.1.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


@define
class DistributionList:
    """A destination of submit_multi that is a list's name (dest_flag 2, SMPP 3.4 §4.5.1.2)."""

    dl_name: str = ""


@define
class SubmitMulti(Request):
    """SMPP 3.4 §4.5.1. ``dest_addresses`` has 1 to 255 entries; number_of_dests is their count."""

    command_id: ClassVar[int] = int(CommandId.SUBMIT_MULTI)
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addresses: tuple[SmeAddress | DistributionList, ...] = ()
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


@define
class UnsuccessSme:
    """A destination that submit_multi did not take, and why (SMPP 3.4 §4.5.2.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    error_status_code: int = 0


@define
class SubmitMultiResp(Response):
    """SMPP 3.4 §4.5.2. no_unsuccess is the count of ``unsuccess_smes``, at most 255."""

    command_id: ClassVar[int] = int(CommandId.SUBMIT_MULTI_RESP)
    message_id: str = ""
    unsuccess_smes: tuple[UnsuccessSme, ...] = ()


@define
class DataSm(Request):
    """SMPP 3.4 §4.7.1; its body is the message_payload TLV."""

    command_id: ClassVar[int] = int(CommandId.DATA_SM)
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0


@define
class DataSmResp(Response):
    command_id: ClassVar[int] = int(CommandId.DATA_SM_RESP)
    message_id: str = ""


@define
class QuerySm(Request):
    command_id: ClassVar[int] = int(CommandId.QUERY_SM)
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""


@define
class QuerySmResp(Response):
    """SMPP 3.4 §4.8.2. ``final_date`` is empty while the message has no final state."""

    command_id: ClassVar[int] = int(CommandId.QUERY_SM_RESP)
    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0


@define
class CancelSm(Request):
    command_id: ClassVar[int] = int(CommandId.CANCEL_SM)
    service_type: str = ""
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


@define
class CancelSmResp(Response):
    command_id: ClassVar[int] = int(CommandId.CANCEL_SM_RESP)


@define
class ReplaceSm(Request):
    command_id: ClassVar[int] = int(CommandId.REPLACE_SM)
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


@define
class ReplaceSmResp(Response):
    command_id: ClassVar[int] = int(CommandId.REPLACE_SM_RESP)


@define
class EnquireLink(Request):
    command_id: ClassVar[int] = int(CommandId.ENQUIRE_LINK)


@define
class EnquireLinkResp(Response):
    command_id: ClassVar[int] = int(CommandId.ENQUIRE_LINK_RESP)


@define
class AlertNotification(Request):
    """SMPP 3.4 §4.12.1."""

    command_id: ClassVar[int] = int(CommandId.ALERT_NOTIFICATION)
    is_answered: ClassVar[bool] = False
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    esme_addr_ton: int = 0
    esme_addr_npi: int = 0
    esme_addr: str = ""


@define
class GenericNack(Response):
    command_id: ClassVar[int] = int(CommandId.GENERIC_NACK)


PDUS: dict[int, type[Pdu]] = {
    pdu.command_id: pdu
    for pdu in (
        BindTransmitter,
        BindTransmitterResp,
        BindReceiver,
        BindReceiverResp,
        BindTransceiver,
        BindTransceiverResp,
        Outbind,
        Unbind,
        UnbindResp,
        SubmitSm,
        SubmitSmResp,
        SubmitMulti,
        SubmitMultiResp,
        DeliverSm,
        DeliverSmResp,
        DataSm,
        DataSmResp,
        QuerySm,
        QuerySmResp,
        CancelSm,
        CancelSmResp,
        ReplaceSm,
        ReplaceSmResp,
        EnquireLink,
        EnquireLinkResp,
        AlertNotification,
        GenericNack,
    )
}
"""Every PDU that is served, by command_id."""

RESPONSES: dict[int, type[Response]] = {
    command_id: response
    for command_id, pdu in PDUS.items()
    if not command_id & RESPONSE_BIT
    and (response := PDUS.get(command_id | RESPONSE_BIT)) is not None
    and issubclass(response, Response)
    and pdu is not GenericNack
}
"""The response of every request that has one, by the request's command_id."""


def refusal(request: Pdu, command_status: int) -> Response:
    """``request``'s own response with this status and no body, a generic_nack when it has none of its own."""
    return refusal_of(request.command_id, request.sequence_number, command_status)


def response_to(error: PduError) -> Response:
    """What to answer a PDU that could not be served (SMPP 5.0 §2.8.2)."""
    return refusal_of(error.command_id, error.sequence_number, error.command_status)


def refusal_of(command_id: int, sequence_number: int, command_status: int) -> Response:
    """The response to a request known by its header only."""
    response = RESPONSES.get(command_id, GenericNack)
    return response(sequence_number=sequence_number, command_status=command_status)
