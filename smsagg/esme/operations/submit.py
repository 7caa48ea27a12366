"""submit_sm (SMPP 3.4 §4.4): all of one read are one batch for the engine, and their responses leave together."""

from collections.abc import Sequence

from smsagg.esme.bound import Bound
from smsagg.model import Message
from smsagg.smpp.pdu import SubmitSm
from smsagg.smpp.status import ESME_RMSGQFUL, ESME_ROK, ESME_RTHROTTLED


def submit(bound: Bound, pdus: Sequence[SubmitSm]) -> None:
    """Answer ESME_ROK after the commit of what is taken, and at once what is refused."""
    door, account, connection = bound.door, bound.account, bound.connection
    intake, submission = door.engine.intake, door.submission
    now = door.clock.now_ms()
    refused: dict[int, list[int]] = {}
    sequence_numbers: list[int] = []
    messages: list[Message] = []
    first: list[Message] = []
    """Of the messages that each submit_sm became: its id is what the customer hears."""
    for pdu in _take_excess(bound, pdus, refused):
        message = submission.message_of(pdu, account, now)
        taken = message if isinstance(message, int) else intake.take(account, message, now)
        if isinstance(taken, int):
            refused.setdefault(taken, []).append(pdu.sequence_number)
        else:
            messages += taken
            first.append(taken[0])
            sequence_numbers.append(pdu.sequence_number)
    for status, numbers in refused.items():
        _refuse(bound, numbers, status)
    if not messages:
        return

    def accepted(command_status: int) -> None:
        if command_status == ESME_ROK:
            connection.respond_submit_sm(sequence_numbers, [message.message_id for message in first])
        else:
            _refuse(bound, sequence_numbers, command_status)

    bound.commit(messages, accepted)


def _take_excess(bound: Bound, pdus: Sequence[SubmitSm], refused: dict[int, list[int]]) -> Sequence[SubmitSm]:
    """Those within the account's limits; the others are refused unread, since refusing a flood must be cheap."""
    admitted, within_queue, within_window = bound.admit(len(pdus), len(pdus))
    if admitted < len(pdus):
        throttled = [*pdus[admitted:within_queue], *pdus[within_window:]]
        refused[ESME_RTHROTTLED] = [pdu.sequence_number for pdu in throttled]
        refused[ESME_RMSGQFUL] = [pdu.sequence_number for pdu in pdus[within_queue:within_window]]
    return pdus[:admitted]


def _refuse(bound: Bound, sequence_numbers: Sequence[int], command_status: int) -> None:
    if sequence_numbers:
        bound.count_refused(command_status, len(sequence_numbers))
        bound.connection.refuse_submit_sm(sequence_numbers, command_status)
