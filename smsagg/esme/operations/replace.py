"""replace_sm (SMPP 3.4 §4.10, SMPP 5.0 §4.5.3), and submits with replace_if_present_flag (SMPP 5.0 §4.2.7).

==========================  =========================================================================================
replace_sm                  The queued message
==========================  =========================================================================================
message_id, source_addr     are its own, source_addr may be left out; else ESME_RREPLACEFAIL
short_message,              are its text from now on; its data_coding and esm_class stay, so a user data header must
message_payload             be there if it was before; ESME_RINVMSGLEN when it would have to be cut into parts, or has
                            more segments than were paid for
schedule_delivery_time,     change when they are not NULL, by the rules of a submit; the bounds count from the
validity_period             message's acceptance
registered_delivery         changes
==========================  =========================================================================================

A message that a carrier has, that is over, that waits for an operator, or that was cut into parts is not replaced:
ESME_RREPLACEFAIL, as for a foreign or unknown id, for a text that rules on content would block or hold, and for
accounts with smart encoding, whose texts may be stored in another coding than the ESME knows. Of a submit_multi all
messages are replaced or none.

A submit with the flag is a message of its own, with its own id. All queued messages of the account with its
source_addr, destination_addr and service_type end as DELETED in the transaction that stores it, with the receipts that
they asked for; when there are none it is a submit like any.
"""

from collections.abc import Callable

from attrs import evolve

from smsagg.engine.requests.replacement import Revision
from smsagg.engine.segments import segments_of
from smsagg.esme.bound import Bound
from smsagg.esme.operations.query import source_matches
from smsagg.model import Message, Refusal
from smsagg.policy.submit_rules import Lifetime, check_body, check_flags, choose_body, lifetime_after
from smsagg.smpp.pdu import ReplaceSm, ReplaceSmResp
from smsagg.smpp.status import ESME_RINVMSGLEN, ESME_ROK, ESME_RREPLACEFAIL, ESME_RSYSERR
from smsagg.smpp.tlv import Tag, tlv_value
from smsagg.store.base import QueuedMatch


async def replace(bound: Bound, pdu: ReplaceSm) -> ReplaceSmResp:
    """ESME_ROK only when the new text will go out and the old one will not, and after that is committed."""
    replacement = bound.door.engine.replacement
    now = bound.door.clock.now_ms()
    status = await replacement.revise(
        bound.account.name, pdu.message_id, lambda message: _revise(bound, pdu, message, now)
    )
    return ReplaceSmResp(sequence_number=pdu.sequence_number, command_status=status)


def _revise(bound: Bound, pdu: ReplaceSm, message: Message, now: int) -> Revision | int:
    if not source_matches(bound, pdu.source_addr, message) or message.group is not None:
        return ESME_RREPLACEFAIL
    if bound.door.submission.encodes_anew(bound.account.name):
        return ESME_RREPLACEFAIL
    body, in_payload = choose_body(pdu.short_message, tlv_value(pdu.tlvs, Tag.MESSAGE_PAYLOAD))
    status = check_flags(message.esm_class, message.priority, pdu.registered_delivery, 0, pdu.sm_default_msg_id)
    status = status or check_body(message.esm_class, body)
    if status:
        return status
    replacing = evolve(message, body=body, in_payload=in_payload)
    if not bound.door.engine.intake.division.is_one(replacing):
        return ESME_RINVMSGLEN
    if message.price and segments_of(replacing) > segments_of(message):
        return ESME_RINVMSGLEN
    guard = bound.account.guard
    if guard is not None and guard.content_action(replacing, now) in ("block", "hold"):
        return ESME_RREPLACEFAIL
    if not bound.door.engine.admission.permission.takes_text(replacing):
        return ESME_RREPLACEFAIL
    times = bound.door.submission.times_of(pdu, now)
    if isinstance(times, int):
        return times
    before = Lifetime(message.not_before, message.expires_at)
    message_class = bound.door.submission.class_settings(message.message_class)
    life = lifetime_after(now, message.accepted_at, before, *times, message_class)
    if isinstance(life, Refusal):
        return life.command_status
    return Revision(pdu.registered_delivery, body, in_payload, life.not_before, life.expires_at)


async def submit_replacing(
    bound: Bound,
    message: Message,
    source_addr: str | None,
    respond: Callable[[str], None],
    refuse: Callable[[int], None],
) -> None:
    """Take in ``message``, whose submit had the flag; ``respond`` is given its id after the commit, or ``refuse`` why
    not.

    It replaces what has ``source_addr``, or any for ``None``.
    """
    match = QueuedMatch(bound.account.name, source_addr, message.destination_addr, message.service_type)

    def accepted(command_status: int) -> None:
        if command_status == ESME_ROK:
            respond(message.message_id)
        else:
            refuse(command_status)

    committed = bound.committing(accepted)
    status = ESME_RSYSERR  # the session is over, should this be cancelled
    try:
        status = await bound.door.engine.replacement.submit(message, match, bound.takes_short_ids, committed)
    finally:
        if status:
            bound.door.engine.numbers.take_back((message,))
            committed(status)
