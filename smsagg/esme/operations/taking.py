"""What the submits share: of the requests in one read, those within the account's limits become one batch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smsagg.engine.accounts import Account
from smsagg.esme.bound import Bound
from smsagg.esme.operations.knowing import when_known
from smsagg.model import Message, Refusal
from smsagg.smpp.pdu import DataSm, SubmitSm
from smsagg.smpp.status import ESME_RMSGQFUL, ESME_ROK, ESME_RTHROTTLED

ReadMessage = Callable[[Any, Account, int], Message | Refusal]
"""The message that a request of ``Account`` asks for at that instant, or why it is refused."""


def take_in(
    bound: Bound,
    pdus: Sequence[SubmitSm | DataSm],
    message_of: ReadMessage,
    respond: Callable[[Sequence[int], Sequence[str]], None],
    refuse: Callable[[Sequence[int], int], None],
) -> None:
    """Commit what is taken in one batch. ``respond`` is called after the commit with sequence_numbers and the
    message_ids for them, ``refuse`` at once, or when the commit fails, with sequence_numbers and why. What repeats a
    message that is durable already is answered at once with that one's id."""
    refused: dict[Refusal, list[int]] = {}
    admitted = _take_excess(bound, pdus, refused)
    if refused:
        _answer_refused(bound, refused, respond, refuse)

    def refuse_all(command_status: int) -> None:
        bound.count_refused(command_status, len(admitted))
        refuse([pdu.sequence_number for pdu in admitted], command_status)

    destinations = ((pdu.destination_addr, pdu.dest_addr_ton, pdu.dest_addr_npi) for pdu in admitted)
    when_known(bound, destinations, lambda: _take_in(bound, admitted, message_of, respond, refuse), refuse_all)


def _take_in(
    bound: Bound,
    pdus: Sequence[SubmitSm | DataSm],
    message_of: ReadMessage,
    respond: Callable[[Sequence[int], Sequence[str]], None],
    refuse: Callable[[Sequence[int], int], None],
) -> None:
    door, account = bound.door, bound.account
    take = door.engine.intake.take
    now = door.clock.now_ms()
    refused: dict[Refusal, list[int]] = {}
    sequence_numbers: list[int] = []
    messages: list[Message] = []
    first: list[Message] = []
    """Of the messages that each request became: its id is what the customer hears."""
    for pdu in pdus:
        message = message_of(pdu, account, now)
        taken = message if isinstance(message, Refusal) else take(account, message, now)
        if isinstance(taken, Refusal):
            refused.setdefault(taken, []).append(pdu.sequence_number)
        else:
            messages += taken
            first.append(taken[0])
            sequence_numbers.append(pdu.sequence_number)
    _answer_refused(bound, refused, respond, refuse)
    if not messages:
        return

    def accepted(command_status: int) -> None:
        if command_status == ESME_ROK:
            respond(sequence_numbers, [message.message_id for message in first])
        else:
            bound.count_refused(command_status, len(sequence_numbers))
            refuse(sequence_numbers, command_status)

    bound.commit(messages, accepted)


def _answer_refused(
    bound: Bound,
    refused: Mapping[Refusal, Sequence[int]],
    respond: Callable[[Sequence[int], Sequence[str]], None],
    refuse: Callable[[Sequence[int], int], None],
) -> None:
    for refusal, numbers in refused.items():
        if refusal.message_id:
            bound.count_repeated(len(numbers), refusal.reason)
            respond(numbers, [refusal.message_id] * len(numbers))
        elif numbers:
            bound.count_refused(refusal.command_status, len(numbers), refusal.reason)
            refuse(numbers, refusal.command_status)


def _take_excess(
    bound: Bound, pdus: Sequence[SubmitSm | DataSm], refused: dict[Refusal, list[int]]
) -> Sequence[SubmitSm | DataSm]:
    """Those within the account's limits; the others are refused unread, since refusing a flood must be cheap."""
    admitted, within_queue, within_window = bound.admit(len(pdus), len(pdus))
    if admitted < len(pdus):
        throttled = [*pdus[admitted:within_queue], *pdus[within_window:]]
        refused[Refusal(ESME_RTHROTTLED)] = [pdu.sequence_number for pdu in throttled]
        refused[Refusal(ESME_RMSGQFUL)] = [pdu.sequence_number for pdu in pdus[within_queue:within_window]]
    return pdus[:admitted]
