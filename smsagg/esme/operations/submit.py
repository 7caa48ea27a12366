"""submit_sm (SMPP 3.4 §4.4): all of one read are one batch for the engine, and their responses leave together.

Those that replace what waits (``replace_if_present_flag``) must look for it first, each in a task of its own.
"""

from collections.abc import Callable, Sequence
from functools import partial

from smsagg.esme.bound import Bound
from smsagg.esme.operations.knowing import when_known
from smsagg.esme.operations.replace import submit_replacing
from smsagg.esme.operations.taking import take_in
from smsagg.model import Refusal
from smsagg.smpp.pdu import SubmitSm
from smsagg.smpp.status import ESME_RMSGQFUL, ESME_RTHROTTLED


def submit(bound: Bound, pdus: Sequence[SubmitSm]) -> None:
    """Answer ESME_ROK after the commit of what is taken, and at once what is refused."""
    connection = bound.connection

    def respond(sequence_numbers: Sequence[int], message_ids: Sequence[str]) -> None:
        connection.respond_submit_sm(sequence_numbers, message_ids, bound.response_tlvs())

    replacing = [pdu for pdu in pdus if pdu.replace_if_present_flag]
    if replacing:
        pdus = [pdu for pdu in pdus if not pdu.replace_if_present_flag]
        for pdu in replacing:
            number = pdu.sequence_number
            destination = (pdu.destination_addr, pdu.dest_addr_ton, pdu.dest_addr_npi)
            act = partial(_submit_replacing, bound, pdu, respond)
            when_known(bound, (destination,), act, partial(_refuse, bound, number))
    take_in(bound, pdus, bound.door.submission.message_of, respond, connection.refuse_submit_sm)


def _submit_replacing(bound: Bound, pdu: SubmitSm, respond: Callable[[Sequence[int], Sequence[str]], None]) -> None:
    number = (pdu.sequence_number,)
    refuse = partial(_refuse, bound, pdu.sequence_number)
    admitted, within_queue, within_window = bound.admit(1, 1)
    if not admitted:
        refuse(ESME_RMSGQFUL if within_queue < within_window else ESME_RTHROTTLED)
        return
    message = bound.door.submission.message_of(pdu, bound.account, bound.door.clock.now_ms())
    if isinstance(message, Refusal) and message.message_id:
        bound.count_repeated(1, message.reason)
        respond(number, (message.message_id,))
        return
    if isinstance(message, Refusal):
        bound.count_refused(message.command_status, 1, message.reason)
        bound.connection.refuse_submit_sm(number, message.command_status)
        return
    asked = bound.door.submission.stored_source(bound.account.name, pdu.source_addr)
    source_addr = None if asked is None else message.source_addr
    told = lambda message_id: respond(number, (message_id,))  # noqa: E731
    bound.start_soon(submit_replacing, bound, message, source_addr, told, refuse)


def _refuse(bound: Bound, sequence_number: int, command_status: int) -> None:
    bound.count_refused(command_status, 1)
    bound.connection.refuse_submit_sm((sequence_number,), command_status)
