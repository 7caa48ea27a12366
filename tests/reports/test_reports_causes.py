"""Every message that was not delivered has a cause, and no other has."""

import pytest

from smsagg.model import FINAL_STATES, Cause, MessageState
from smsagg.reports.causes import told_cause
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_RMSGQFUL, ESME_RSUBMITFAIL


@pytest.mark.parametrize("state", list(MessageState))
@pytest.mark.parametrize("error_code", [0, ESME_RINVDSTADR, 0x12345])
def test_who_failed_has_a_cause_and_who_did_not_has_none(state: MessageState, error_code: int) -> None:
    """Whatever was stored."""
    has_failed = state in FINAL_STATES - {MessageState.DELIVERED, MessageState.ACCEPTED}
    for cause in Cause:
        assert bool(told_cause(state, cause, error_code)) == has_failed


@pytest.mark.parametrize(
    ("state", "cause", "error_code", "told"),
    [
        (MessageState.UNDELIVERABLE, Cause.SPAM, ESME_RINVDSTADR, Cause.SPAM),
        (MessageState.REJECTED, Cause.NONE, ESME_RINVDSTADR, Cause.INVALID_NUMBER),
        (MessageState.UNDELIVERABLE, Cause.NONE, ESME_RMSGQFUL, Cause.CONGESTION),
        (MessageState.REJECTED, Cause.NONE, ESME_RSUBMITFAIL, Cause.REJECTED),
        (MessageState.EXPIRED, Cause.NONE, ESME_RMSGQFUL, Cause.EXPIRED),
        (MessageState.DELETED, Cause.NONE, 0, Cause.DELETED),
    ],
)
def test_the_receipt_counts_then_the_refusal_then_the_state(
    state: MessageState, cause: Cause, error_code: int, told: Cause
) -> None:
    """A message that ran out of time has that for its cause, whoever refused it last."""
    assert told_cause(state, cause, error_code) == told
