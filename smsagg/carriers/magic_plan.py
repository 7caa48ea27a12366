"""What a simulated SMSC plans for a message whose number says what becomes of it."""

from smsagg.carriers.behaviour import Plan, PlannedReceipt
from smsagg.model import CarrierMo, Message, MessageState
from smsagg.sandbox import Magic, Reply
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.status import ESME_ROK

DATA_CODING_IA5 = 1
_WORDS = {
    MessageState.DELIVERED: "DELIVRD",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.REJECTED: "REJECTD",
}


def plan_by_magic(plan: Plan, magic: Magic, waited_s: float) -> Plan:
    """The plan for a message that might have gone ``waited_s`` ago, at the pace of ``plan``, which takes it."""
    assert plan.response_after_s is not None
    status = magic.answer(waited_s)
    if status != ESME_ROK:
        return Plan(plan.response_after_s, status, "", "", ())
    receipts: list[PlannedReceipt] = []
    if magic.receipt_s is not None:
        receipts.append((plan.response_after_s + magic.receipt_s, _WORDS[magic.state], int(magic.cause)))
    return Plan(plan.response_after_s, ESME_ROK, plan.carrier_message_id, plan.receipt_id, tuple(receipts))


def reply_to(message: Message, reply: Reply) -> CarrierMo:
    """What the handset answers; an echo is as what it echoes, header and all."""
    body, data_coding, esm_class = message.body, message.data_coding, message.esm_class & UDHI
    if reply is not Reply.ECHO:
        body, data_coding, esm_class = reply.value.encode("ascii"), DATA_CODING_IA5, 0
    return CarrierMo(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=message.destination_addr,
        dest_addr_ton=message.source_addr_ton,
        dest_addr_npi=message.source_addr_npi,
        destination_addr=message.source_addr,
        service_type="",
        esm_class=esm_class,
        protocol_id=0,
        data_coding=data_coding,
        body=body,
        tlvs=b"",
        account=message.account,
    )
