"""The body of every PDU, field by field, in the order of the wire (SMPP 3.4 §4).

The number beside a C-octet string is its most octets including the NUL; the status is what a request is answered
with when that field is malformed (SMPP 3.4 §5.1.3). TLVs may follow any body.
"""

from smsagg.smpp import pdu, status
from smsagg.smpp.fields import CountedOctets, CString, DestAddresses, Field, Octet, UnsuccessSmes

_SERVICE_TYPE = CString("service_type", 6, status.ESME_RINVSERTYP)
_MESSAGE_ID = CString("message_id", 65, status.ESME_RINVMSGID)
_SYSTEM_ID = CString("system_id", 16, status.ESME_RINVSYSID)
_PASSWORD = CString("password", 9, status.ESME_RINVPASWD)


def _source(octets_max: int = 21) -> tuple[Field, ...]:
    return (
        Octet("source_addr_ton"),
        Octet("source_addr_npi"),
        CString("source_addr", octets_max, status.ESME_RINVSRCADR),
    )


def _destination(octets_max: int = 21) -> tuple[Field, ...]:
    return (
        Octet("dest_addr_ton"),
        Octet("dest_addr_npi"),
        CString("destination_addr", octets_max, status.ESME_RINVDSTADR),
    )


_TIMES: tuple[Field, ...] = (
    CString("schedule_delivery_time", 17, status.ESME_RINVSCHED),
    CString("validity_period", 17, status.ESME_RINVEXPIRY),
)

_FROM_ESM_CLASS: tuple[Field, ...] = (
    Octet("esm_class"),
    Octet("protocol_id"),
    Octet("priority_flag"),
    *_TIMES,
    Octet("registered_delivery"),
    Octet("replace_if_present_flag"),
    Octet("data_coding"),
    Octet("sm_default_msg_id"),
    CountedOctets("short_message"),
)

_SHORT_MESSAGE: tuple[Field, ...] = (_SERVICE_TYPE, *_source(), *_destination(), *_FROM_ESM_CLASS)

_BIND: tuple[Field, ...] = (
    _SYSTEM_ID,
    _PASSWORD,
    CString("system_type", 13, status.ESME_RINVSYSTYP),
    Octet("interface_version"),
    Octet("addr_ton"),
    Octet("addr_npi"),
    CString("address_range", 41, status.ESME_RBINDFAIL),
)

LAYOUTS: dict[type[pdu.Pdu], tuple[Field, ...]] = {
    pdu.BindTransmitter: _BIND,
    pdu.BindTransmitterResp: (_SYSTEM_ID,),
    pdu.BindReceiver: _BIND,
    pdu.BindReceiverResp: (_SYSTEM_ID,),
    pdu.BindTransceiver: _BIND,
    pdu.BindTransceiverResp: (_SYSTEM_ID,),
    pdu.Outbind: (_SYSTEM_ID, _PASSWORD),
    pdu.Unbind: (),
    pdu.UnbindResp: (),
    pdu.SubmitSm: _SHORT_MESSAGE,
    pdu.SubmitSmResp: (_MESSAGE_ID,),
    pdu.SubmitMulti: (_SERVICE_TYPE, *_source(), DestAddresses("dest_addresses"), *_FROM_ESM_CLASS),
    pdu.SubmitMultiResp: (_MESSAGE_ID, UnsuccessSmes("unsuccess_smes")),
    pdu.DeliverSm: _SHORT_MESSAGE,
    pdu.DeliverSmResp: (_MESSAGE_ID,),
    pdu.DataSm: (
        _SERVICE_TYPE,
        *_source(65),
        *_destination(65),
        Octet("esm_class"),
        Octet("registered_delivery"),
        Octet("data_coding"),
    ),
    pdu.DataSmResp: (_MESSAGE_ID,),
    pdu.QuerySm: (_MESSAGE_ID, *_source()),
    pdu.QuerySmResp: (
        _MESSAGE_ID,
        CString("final_date", 17, status.ESME_RINVEXPIRY),
        Octet("message_state"),
        Octet("error_code"),
    ),
    pdu.CancelSm: (_SERVICE_TYPE, _MESSAGE_ID, *_source(), *_destination()),
    pdu.CancelSmResp: (),
    pdu.ReplaceSm: (
        _MESSAGE_ID,
        *_source(),
        *_TIMES,
        Octet("registered_delivery"),
        Octet("sm_default_msg_id"),
        CountedOctets("short_message"),
    ),
    pdu.ReplaceSmResp: (),
    pdu.EnquireLink: (),
    pdu.EnquireLinkResp: (),
    pdu.AlertNotification: (
        *_source(65),
        Octet("esme_addr_ton"),
        Octet("esme_addr_npi"),
        CString("esme_addr", 65, status.ESME_RINVDSTADR),
    ),
    pdu.GenericNack: (),
}
