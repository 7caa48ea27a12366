"""data_sm from an ESME (SMPP 3.4 §4.7, SMPP 5.0 §4.2.2): a submit whose text is its message_payload.

It is stored and forwarded as every message is, whatever message mode its esm_class names; so its response carries the
message_id and none of the TLVs that tell of a delivery attempt (dpf_result, delivery_failure_reason): those belong to
the transaction mode.
"""

from collections.abc import Sequence

from smsagg.esme.bound import Bound
from smsagg.esme.operations.taking import take_in
from smsagg.smpp.pdu import DataSm, DataSmResp


def data(bound: Bound, pdus: Sequence[DataSm]) -> None:
    """As :func:`~smsagg.esme.operations.submit.submit`; without a message_payload ESME_RMISSINGOPTPARAM."""
    connection = bound.connection

    def respond(sequence_numbers: Sequence[int], message_ids: Sequence[str]) -> None:
        tlvs = bound.response_tlvs()
        for number, message_id in zip(sequence_numbers, message_ids, strict=True):
            connection.respond(DataSmResp(message_id, sequence_number=number, tlvs=tlvs))

    def refuse(sequence_numbers: Sequence[int], command_status: int) -> None:
        for number in sequence_numbers:
            connection.respond(DataSmResp(sequence_number=number, command_status=command_status))

    take_in(bound, pdus, bound.door.submission.message_of_data, respond, refuse)
