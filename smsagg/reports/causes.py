"""Why a message was not delivered, in the one vocabulary of causes, also where no receipt said so.

A receipt's cause is stored with the message. One that ended without it was refused by carriers (the last command_status
is its error_code), ran out of time, or was cancelled.
"""

from smsagg.model import Cause, MessageState
from smsagg.smpp import status

_OF_STATE = {
    int(MessageState.UNDELIVERABLE): Cause.UNSPECIFIED,
    int(MessageState.EXPIRED): Cause.EXPIRED,
    int(MessageState.DELETED): Cause.DELETED,
    int(MessageState.REJECTED): Cause.REJECTED,
    int(MessageState.UNKNOWN): Cause.UNSPECIFIED,
}
_OF_STATUS = {
    status.ESME_RINVDSTADR: Cause.INVALID_NUMBER,
    status.ESME_RINVDSTTON: Cause.INVALID_NUMBER,
    status.ESME_RINVDSTNPI: Cause.INVALID_NUMBER,
    status.ESME_RINVSRCADR: Cause.SENDER_NOT_ALLOWED,
    status.ESME_RINVSRCTON: Cause.SENDER_NOT_ALLOWED,
    status.ESME_RINVSRCNPI: Cause.SENDER_NOT_ALLOWED,
    status.ESME_RMSGQFUL: Cause.CONGESTION,
    status.ESME_RTHROTTLED: Cause.CONGESTION,
    status.ESME_RSYSERR: Cause.NETWORK_ERROR,
    status.ESME_RDELIVERYFAILURE: Cause.NETWORK_ERROR,
    status.ESME_RSERTYPUNAUTH: Cause.SERVICE_NOT_PROVISIONED,
    status.ESME_RSERTYPUNAVAIL: Cause.SERVICE_NOT_PROVISIONED,
    status.ESME_RSERTYPDENIED: Cause.SERVICE_NOT_PROVISIONED,
    **dict.fromkeys(
        (
            status.ESME_RINVMSGLEN, status.ESME_RINVESMCLASS, status.ESME_RINVDCS, status.ESME_RINVSERTYP,
            status.ESME_RINVPRTFLG, status.ESME_RINVREGDLVFLG, status.ESME_RINVEXPIRY, status.ESME_RINVSCHED,
            status.ESME_RINVOPTPARSTREAM, status.ESME_ROPTPARNOTALLWD, status.ESME_RINVPARLEN,
            status.ESME_RMISSINGOPTPARAM, status.ESME_RINVOPTPARAMVAL,
        ),
        Cause.INVALID_MESSAGE,
    ),
}  # fmt: skip
_REFUSED = frozenset({int(MessageState.REJECTED), int(MessageState.UNDELIVERABLE)})


def told_cause(state: int, cause: int, error_code: int) -> int:
    """The :class:`~smsagg.model.Cause` of a message that ended so; NONE when it was delivered, or is not over."""
    by_state = _OF_STATE.get(state)
    if by_state is None:
        return Cause.NONE
    if cause:
        return cause
    return _OF_STATUS.get(error_code, by_state) if state in _REFUSED else by_state
