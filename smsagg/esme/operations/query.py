"""query_sm (SMPP 3.4 §4.8). A foreign id, an unknown id and a wrong source_addr answer alike."""

from smsagg.errors import StoreError
from smsagg.esme.bound import Bound
from smsagg.model import Message
from smsagg.smpp.pdu import QuerySm, QuerySmResp
from smsagg.smpp.status import ESME_RINVMSGID, ESME_RSYSERR
from smsagg.smpp.times import format_absolute


async def query(bound: Bound, pdu: QuerySm) -> QuerySmResp:
    """The state of one message; ``error_code`` is its octet's worth of our own, 0 for none.

    ESME_RSYSERR when the store cannot be asked now.
    """
    try:
        message = await bound.door.engine.control.find(bound.account.name, pdu.message_id)
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


def source_matches(source_addr: str, message: Message) -> bool:
    """The request's source_addr is the message's, or was left empty."""
    return source_addr in ("", message.source_addr)
