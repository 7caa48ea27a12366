"""submit_multi (SMPP 3.4 §4.5, SMPP 5.0 §4.2.3): one text for up to 254 destinations.

Each destination is a message of its own: it counts against the account's rate, window and queue, is routed, sent,
retried and receipted by itself. What is not taken stands in the response's unsuccess_sme list with its reason; a
distribution list is answered there with ESME_RINVDLNAME, since none are kept here. All that is taken is committed at
once, and only then is ESME_ROK said.

The response has one message_id, and all copies go by it: each destination's receipt carries it and names its
destination in source_addr. query_sm tells of all of them together; cancel_sm with a destination_addr cancels that one,
without it all that are still queued; replace_sm replaces all or none.

replace_if_present_flag is for single submits: ESME_RINVREPFLAG. When no destination is taken the response says why:
with the one reason that all share, else with ESME_RSUBMITFAIL and the list.
"""

from collections.abc import Sequence

from smsagg.esme.bound import Bound
from smsagg.esme.operations.knowing import when_known
from smsagg.model import Message, Refusal
from smsagg.smpp.pdu import DistributionList, SmeAddress, SubmitMulti, SubmitMultiResp, SubmitSm, UnsuccessSme
from smsagg.smpp.status import (
    ESME_RINVDLNAME,
    ESME_RINVNUMDESTS,
    ESME_RINVREPFLAG,
    ESME_RMSGQFUL,
    ESME_ROK,
    ESME_RSUBMITFAIL,
    ESME_RTHROTTLED,
    status_for_version,
)

DESTINATIONS_MAX = 254
"""SMPP 3.4 §4.5.1; with more ESME_RINVNUMDESTS."""


def submit_multi(bound: Bound, pdus: Sequence[SubmitMulti]) -> None:
    """Answer each after the commit of the destinations that were taken."""
    for pdu in pdus:
        _submit(bound, pdu)


def _submit(bound: Bound, pdu: SubmitMulti) -> None:
    if len(pdu.dest_addresses) > DESTINATIONS_MAX:
        _refuse(bound, pdu, ESME_RINVNUMDESTS)
        return
    if pdu.replace_if_present_flag:
        _refuse(bound, pdu, ESME_RINVREPFLAG)
        return
    smes = (one for one in pdu.dest_addresses if isinstance(one, SmeAddress))
    destinations = ((one.destination_addr, one.dest_addr_ton, one.dest_addr_npi) for one in smes)
    when_known(bound, destinations, lambda: _submit_known(bound, pdu), lambda status: _refuse(bound, pdu, status))


def _submit_known(bound: Bound, pdu: SubmitMulti) -> None:
    messages, unsuccess = _take(bound, pdu)
    if not messages:
        bound.connection.respond(_failed(pdu, unsuccess))
        return

    def accepted(command_status: int) -> None:
        response = SubmitMultiResp(sequence_number=pdu.sequence_number, command_status=command_status)
        if command_status == ESME_ROK:
            response.message_id = messages[0].message_id
            response.unsuccess_smes = tuple(unsuccess)
            response.tlvs = bound.response_tlvs()
        else:
            bound.count_refused(command_status, len(messages))
        bound.connection.respond(response)

    bound.commit_copies(messages, accepted)


def _take(bound: Bound, pdu: SubmitMulti) -> tuple[list[Message], list[UnsuccessSme]]:
    """The messages, with their places reserved, and the destinations that have none."""
    now = bound.door.clock.now_ms()
    admitted, within_queue, within_window = bound.admit(len(pdu.dest_addresses), 1)
    messages: list[Message] = []
    unsuccess: list[UnsuccessSme] = []
    single = _single(pdu)
    for place, destination in enumerate(pdu.dest_addresses):
        if place >= admitted:
            is_full = within_queue <= place < within_window
            result: list[Message] | Refusal = Refusal(ESME_RMSGQFUL if is_full else ESME_RTHROTTLED)
        elif isinstance(destination, DistributionList):
            result = Refusal(ESME_RINVDLNAME)
        else:
            result = _take_one(bound, single, destination, now)
        if isinstance(result, Refusal):
            bound.count_refused(result.command_status, 1, result.reason)
            unsuccess.append(_unsuccess(destination, result.command_status, bound.connection.interface_version))
        else:
            messages += result
    return messages, unsuccess


def _take_one(bound: Bound, single: SubmitSm, destination: SmeAddress, now: int) -> list[Message] | Refusal:
    single.dest_addr_ton = destination.dest_addr_ton
    single.dest_addr_npi = destination.dest_addr_npi
    single.destination_addr = destination.destination_addr
    message = bound.door.submission.message_of(single, bound.account, now)
    if isinstance(message, Refusal):
        # The response has one id for all destinations; there is no place for that of an earlier message.
        return message if message.command_status else Refusal(ESME_RSUBMITFAIL, message.reason)
    return bound.door.engine.intake.take(bound.account, message, now)


def _single(pdu: SubmitMulti) -> SubmitSm:
    """What each destination is sent, its address left out."""
    return SubmitSm(
        pdu.service_type,
        pdu.source_addr_ton,
        pdu.source_addr_npi,
        pdu.source_addr,
        esm_class=pdu.esm_class,
        protocol_id=pdu.protocol_id,
        priority_flag=pdu.priority_flag,
        schedule_delivery_time=pdu.schedule_delivery_time,
        validity_period=pdu.validity_period,
        registered_delivery=pdu.registered_delivery,
        data_coding=pdu.data_coding,
        sm_default_msg_id=pdu.sm_default_msg_id,
        short_message=pdu.short_message,
        tlvs=pdu.tlvs,
    )


def _unsuccess(destination: SmeAddress | DistributionList, command_status: int, version: int) -> UnsuccessSme:
    error_status_code = status_for_version(command_status, version)
    if isinstance(destination, DistributionList):
        return UnsuccessSme(destination_addr=destination.dl_name, error_status_code=error_status_code)
    return UnsuccessSme(
        destination.dest_addr_ton, destination.dest_addr_npi, destination.destination_addr, error_status_code
    )


def _failed(pdu: SubmitMulti, unsuccess: Sequence[UnsuccessSme]) -> SubmitMultiResp:
    reasons = {sme.error_status_code for sme in unsuccess}
    if len(reasons) == 1:
        return SubmitMultiResp(sequence_number=pdu.sequence_number, command_status=reasons.pop())
    return SubmitMultiResp(
        unsuccess_smes=tuple(unsuccess), sequence_number=pdu.sequence_number, command_status=ESME_RSUBMITFAIL
    )


def _refuse(bound: Bound, pdu: SubmitMulti, command_status: int) -> None:
    bound.count_refused(command_status, len(pdu.dest_addresses))
    bound.connection.respond(SubmitMultiResp(sequence_number=pdu.sequence_number, command_status=command_status))
