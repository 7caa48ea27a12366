"""A history by the keys that the invariants need."""

from collections import defaultdict

from tools.chaos.checker.states import AGAIN, wants_receipt
from tools.chaos.history import (
    Cancel,
    CarrierReceipt,
    CarrierSubmit,
    ClientReceipt,
    History,
    Reply,
    StoredMessage,
    Submit,
    Told,
)
from tools.chaos.wire import ESME_ROK


def _overlap_s(began_at: float, ended_at: float, other_began_at: float, other_ended_at: float) -> float:
    return max(0.0, min(ended_at, other_ended_at) - max(began_at, other_began_at))


class Index:
    """A history by the keys that the invariants need."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.faults = sorted(history.faults, key=lambda fault: fault.began_at)
        self.submits = {submit.nonce: submit for submit in history.submits}
        self.acknowledged = [submit for submit in history.submits if submit.reply is Reply.OK]
        self.sends: dict[str, list[CarrierSubmit]] = defaultdict(list)
        self.refusals: dict[str, set[int]] = defaultdict(set)
        self.attempts: dict[str, list[CarrierSubmit]] = defaultdict(list)
        """Every arrival, taken or refused, by nonce and in order of time."""
        self.issued: dict[tuple[str, str], CarrierSubmit] = {}
        for send in sorted(history.carrier_submits, key=lambda send: send.at):
            self.attempts[send.nonce].append(send)
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

        self.told: dict[tuple[str, str], list[Told]] = defaultdict(list)
        """By endpoint (account/name) and webhook-id, in order of time."""
        for told in sorted(history.told, key=lambda told: told.at):
            self.told[f"{told.account}/{told.endpoint}", told.webhook_id].append(told)
        self.cancels: dict[str, list[Cancel]] = defaultdict(list)
        for cancel in history.cancels:
            self.cancels[cancel.nonce].append(cancel)

    def fault_between(self, earlier_at: float, later_at: float) -> bool:
        """Whether some fault was on at some time between, or the machine let nobody run."""
        is_struck = any(fault.ended_at >= earlier_at and fault.began_at <= later_at for fault in self.faults)
        return is_struck or self.stalled_s(earlier_at, later_at) > 0

    def held_up_s(self, at: float, settle_s: float) -> float:
        """How long what arrived at that instant may have been held up on its way."""
        held_s = sum(
            fault.ended_at - fault.began_at
            for fault in self.faults
            if fault.began_at <= at <= fault.ended_at + settle_s
        )
        return held_s + self.stalled_s(at - settle_s, at)

    def longest_hold_s(self, began_at: float, ended_at: float) -> float:
        """The longest of the faults and stalls that overlap with a time."""
        holds = [(fault.began_at, fault.ended_at) for fault in self.faults]
        holds += [(stall.began_at, stall.ended_at) for stall in self.history.stalls]
        return max((until - since for since, until in holds if until >= began_at and since <= ended_at), default=0.0)

    def stalled_s(self, began_at: float, ended_at: float) -> float:
        """For how long of a time the machine let nobody run."""
        return sum(_overlap_s(stall.began_at, stall.ended_at, began_at, ended_at) for stall in self.history.stalls)

    def down_s(self, began_at: float, ended_at: float) -> float:
        """For how long of a time the server was stopped, dead or starting."""
        return sum(
            _overlap_s(fault.began_at, fault.ended_at, began_at, ended_at)
            for fault in self.faults
            if fault.target == "server"
        )

    def is_reported(self, submit: Submit, row: StoredMessage) -> bool:
        """The client has said its last word about a receipt for it, or asked for none of that state."""
        if not wants_receipt(submit, row.state):
            return True
        return any(receipt.answer not in AGAIN for receipt in self.receipts[submit.message_id])
