"""A history by the keys that the invariants need."""

from collections import defaultdict

from tools.chaos.checker.states import AGAIN, wants_receipt
from tools.chaos.history import (
    CarrierReceipt,
    CarrierSubmit,
    ClientReceipt,
    History,
    Reply,
    StoredMessage,
    Submit,
)
from tools.chaos.wire import ESME_ROK


class Index:
    """A history by the keys that the invariants need."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.faults = sorted(history.faults, key=lambda fault: fault.began_at)
        self.submits = {submit.nonce: submit for submit in history.submits}
        self.acknowledged = [submit for submit in history.submits if submit.reply is Reply.OK]
        self.sends: dict[str, list[CarrierSubmit]] = defaultdict(list)
        self.refusals: dict[str, set[int]] = defaultdict(set)
        self.issued: dict[tuple[str, str], CarrierSubmit] = {}
        for send in sorted(history.carrier_submits, key=lambda send: send.at):
            if send.command_status == ESME_ROK:
                self.sends[send.nonce].append(send)
                self.issued[send.carrier, send.carrier_message_id] = send
            else:
                self.refusals[send.nonce].add(send.command_status)
        self.reported: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.acked: dict[tuple[str, str], CarrierReceipt] = {}
        for receipt in history.carrier_receipts:
            key = (receipt.carrier, receipt.carrier_message_id)
            if receipt.answer is None:
                self.reported[key].add(receipt.state)
            elif receipt.answer == ESME_ROK:
                self.acked[key] = receipt
        self.rows: dict[str, list[StoredMessage]] = defaultdict(list)
        for row in history.store.messages:
            self.rows[row.nonce].append(row)
        self.receipts: dict[str, list[ClientReceipt]] = defaultdict(list)
        for client_receipt in sorted(history.client_receipts, key=lambda receipt: receipt.at):
            self.receipts[client_receipt.message_id].append(client_receipt)

    def is_reported(self, submit: Submit, row: StoredMessage) -> bool:
        """The client has said its last word about a receipt for it, or asked for none of that state."""
        if not wants_receipt(submit, row.state):
            return True
        return any(receipt.answer not in AGAIN for receipt in self.receipts[submit.message_id])
