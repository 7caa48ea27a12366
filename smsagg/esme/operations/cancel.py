"""cancel_sm (SMPP 3.4 §4.9). A foreign id, an unknown id and wrong addresses answer alike."""

from smsagg.errors import StoreError
from smsagg.esme.bound import Bound
from smsagg.esme.operations.query import source_matches
from smsagg.model import Message
from smsagg.smpp.pdu import CancelSm, CancelSmResp
from smsagg.smpp.status import ESME_RCANCELFAIL, ESME_ROK, ESME_RSYSERR


async def cancel(bound: Bound, pdu: CancelSm) -> CancelSmResp:
    """ESME_ROK only when the message will never be sent, and after that is committed.

    ESME_RSYSERR when the store cannot be asked now.
    """
    control = bound.door.engine.control
    try:
        is_cancelled = await control.cancel(
            bound.account.name, pdu.message_id, lambda message: _may_cancel(bound, pdu, message)
        )
        status = ESME_ROK if is_cancelled else ESME_RCANCELFAIL
    except StoreError:
        status = ESME_RSYSERR
    return CancelSmResp(sequence_number=pdu.sequence_number, command_status=status)


def _may_cancel(bound: Bound, pdu: CancelSm, message: Message) -> bool:
    return source_matches(bound, pdu.source_addr, message) and pdu.destination_addr in ("", message.destination_addr)
