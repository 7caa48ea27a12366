"""query_sm and cancel_sm (SMPP 3.4 §4.8, §4.9). A foreign id, an unknown id and a wrong source_addr answer alike.

ESME_RSYSERR when the store cannot be asked now.
"""

from smsagg.engine.control import Control
from smsagg.errors import StoreError
from smsagg.model import Message
from smsagg.smpp.pdu import CancelSm, CancelSmResp, QuerySm, QuerySmResp
from smsagg.smpp.status import ESME_RCANCELFAIL, ESME_RINVMSGID, ESME_ROK, ESME_RSYSERR
from smsagg.smpp.times import format_absolute


async def query_resp(control: Control, account: str, pdu: QuerySm) -> QuerySmResp:
    """The state of one message; ``error_code`` is its octet's worth of our own, 0 for none."""
    try:
        message = await control.find(account, pdu.message_id)
    except StoreError:
        return QuerySmResp(sequence_number=pdu.sequence_number, command_status=ESME_RSYSERR)
    if message is None or not source_matches(pdu.source_addr, message):
        return QuerySmResp(sequence_number=pdu.sequence_number, command_status=ESME_RINVMSGID)
    return QuerySmResp(
        message_id=message.message_id,
        final_date=format_absolute(message.done_at) if message.state.is_final else "",
        message_state=message.state.wire,
        error_code=message.error_code & 0xFF,
        sequence_number=pdu.sequence_number,
    )


async def cancel_resp(control: Control, account: str, pdu: CancelSm) -> CancelSmResp:
    """ESME_ROK only when the message will never be sent, and after that is committed."""
    try:
        is_cancelled = await control.cancel(account, pdu.message_id, lambda message: _may_cancel(pdu, message))
        status = ESME_ROK if is_cancelled else ESME_RCANCELFAIL
    except StoreError:
        status = ESME_RSYSERR
    return CancelSmResp(sequence_number=pdu.sequence_number, command_status=status)


def source_matches(source_addr: str, message: Message) -> bool:
    """The request's source_addr is the message's, or was left empty."""
    return source_addr in ("", message.source_addr)


def _may_cancel(pdu: CancelSm, message: Message) -> bool:
    return source_matches(pdu.source_addr, message) and pdu.destination_addr in ("", message.destination_addr)
