"""cancel_sm (SMPP 3.4 §4.9, SMPP 5.0 §4.5.1): by id, or by addresses when message_id is NULL.

By id, addresses that are given must be the message's. Without an id every queued message of the account goes whose
source_addr, destination_addr and, unless it is NULL, service_type are those of the request; without a destination_addr
ESME_RINVDSTADR. Messages that a carrier has are not touched: ESME_RCANCELFAIL when that leaves none. A foreign id, an
unknown id and wrong addresses answer alike.
"""

from smsagg.errors import StoreError
from smsagg.esme.bound import Bound
from smsagg.esme.operations.query import source_matches
from smsagg.model import Message
from smsagg.smpp.pdu import CancelSm, CancelSmResp
from smsagg.smpp.status import ESME_RCANCELFAIL, ESME_RINVDSTADR, ESME_ROK, ESME_RSYSERR
from smsagg.store.base import QueuedMatch


async def cancel(bound: Bound, pdu: CancelSm) -> CancelSmResp:
    """ESME_ROK only when what was cancelled will never be sent, and after that is committed.

    ESME_RSYSERR when the store cannot be asked now.
    """
    try:
        status = await _status(bound, pdu)
    except StoreError:
        status = ESME_RSYSERR
    return CancelSmResp(sequence_number=pdu.sequence_number, command_status=status)


async def _status(bound: Bound, pdu: CancelSm) -> int:
    control, account = bound.door.engine.control, bound.account.name
    if pdu.message_id:
        is_cancelled = await control.cancel(account, pdu.message_id, lambda message: _may_cancel(bound, pdu, message))
    elif not pdu.destination_addr:
        return ESME_RINVDSTADR
    else:
        source_addr = bound.door.submission.stored_source(account, pdu.source_addr)
        match = QueuedMatch(account, source_addr, pdu.destination_addr, pdu.service_type or None)
        is_cancelled = await control.cancel_matching(match) > 0
    return ESME_ROK if is_cancelled else ESME_RCANCELFAIL


def _may_cancel(bound: Bound, pdu: CancelSm, message: Message) -> bool:
    return source_matches(bound, pdu.source_addr, message) and pdu.destination_addr in ("", message.destination_addr)
