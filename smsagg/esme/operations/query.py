"""query_sm (SMPP 3.4 §4.8). A foreign id, an unknown id and a wrong source_addr answer alike.

The id of a submit_multi asks for all of its messages: ENROUTE as long as one is under way; then the worst of their
final states, in the order of ``SEVERITY``, with that message's error_code, and the date when the last was over.
"""

from collections.abc import Sequence

from smsagg.errors import StoreError
from smsagg.esme.bound import Bound
from smsagg.model import Message
from smsagg.model.part_group import SEVERITY
from smsagg.smpp.pdu import QuerySm, QuerySmResp
from smsagg.smpp.status import ESME_RINVMSGID, ESME_RSYSERR
from smsagg.smpp.times import format_absolute


async def query(bound: Bound, pdu: QuerySm) -> QuerySmResp:
    """The state of one message; ``error_code`` is its octet's worth of our own, 0 for none.

    ESME_RSYSERR when the store cannot be asked now.
    """
    try:
        messages = await bound.door.engine.control.find_all(bound.account.name, pdu.message_id)
    except StoreError:
        return QuerySmResp(sequence_number=pdu.sequence_number, command_status=ESME_RSYSERR)
    if not messages or not source_matches(bound, pdu.source_addr, messages[0]):
        return QuerySmResp(sequence_number=pdu.sequence_number, command_status=ESME_RINVMSGID)
    telling = _telling(messages)
    is_over = telling.state.is_final
    return QuerySmResp(
        message_id=telling.message_id,
        final_date=format_absolute(max(message.done_at for message in messages)) if is_over else "",
        message_state=telling.state.wire,
        error_code=telling.error_code & 0xFF,
        sequence_number=pdu.sequence_number,
    )


def _telling(messages: Sequence[Message]) -> Message:
    """The one whose state is that of all."""
    for message in messages:
        if not message.state.is_final:
            return message
    return max(messages, key=lambda message: SEVERITY.index(message.state))


def source_matches(bound: Bound, source_addr: str, message: Message) -> bool:
    """The request's source_addr was left empty, or is the message's, as the account's sender rules may have made it."""
    if source_addr in ("", message.source_addr):
        return True
    return bound.door.submission.stored_source(bound.account.name, source_addr) in (None, message.source_addr)
