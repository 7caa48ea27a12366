"""submit_sm (SMPP 3.4 §4.4): all of one read are one batch for the engine, and their responses leave together."""

from collections.abc import Sequence

from smsagg.esme.bound import Bound
from smsagg.esme.operations.taking import take_in
from smsagg.smpp.pdu import SubmitSm


def submit(bound: Bound, pdus: Sequence[SubmitSm]) -> None:
    """Answer ESME_ROK after the commit of what is taken, and at once what is refused."""
    connection = bound.connection

    def respond(sequence_numbers: Sequence[int], message_ids: Sequence[str]) -> None:
        connection.respond_submit_sm(sequence_numbers, message_ids, bound.response_tlvs())

    take_in(bound, pdus, bound.door.submission.message_of, respond, connection.refuse_submit_sm)
