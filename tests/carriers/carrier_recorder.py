"""A recorder of everything a carrier reports, and messages to hand it."""

from collections.abc import Callable, Sequence
from typing import Any

import trio

from smsagg.model import CarrierAlert, CarrierMo, CarrierReceipt, Message, Outcome
from smsagg.observe.watch import Watch


class RecordingEvents:
    """A CarrierEvents that keeps what it hears; receipts and MO are answered with ``receipt_status``, ``mo_status``."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.outcomes: list[Outcome] = []
        self.receipts: list[CarrierReceipt] = []
        self.mo: list[CarrierMo] = []
        self.alerts: list[CarrierAlert] = []
        self.log: list[tuple[str, str]] = []
        """("outcome" | "receipt", carrier_message_id), in the order heard."""
        self.capacity_calls: list[Any] = []
        self.congested: list[Any] = []
        self.receipt_status: Callable[[CarrierReceipt], int | None] = lambda receipt: 0
        self.mo_status: Callable[[CarrierMo], int | None] = lambda message: 0
        self._changed = trio.Event()

    def on_outcomes(self, link: Any, outcomes: Sequence[Outcome]) -> None:
        self.outcomes.extend(outcomes)
        self.log.extend(("outcome", getattr(outcome, "carrier_message_id", "")) for outcome in outcomes)
        self._notify()

    def on_receipts(self, carrier: str, receipts: Sequence[CarrierReceipt], respond: Any) -> None:
        self.receipts.extend(receipts)
        self.log.extend(("receipt", receipt.carrier_message_id) for receipt in receipts)
        answers = [(receipt, self.receipt_status(receipt)) for receipt in receipts]
        respond([(receipt, status) for receipt, status in answers if status is not None])
        self._notify()

    def on_alerts(self, carrier: str, alerts: Sequence[CarrierAlert]) -> None:
        self.alerts += alerts

    def on_mo(self, carrier: str, messages: Sequence[CarrierMo], respond: Any) -> None:
        self.mo.extend(messages)
        answers = [(message, self.mo_status(message)) for message in messages]
        respond([(message, status) for message, status in answers if status is not None])
        self._notify()

    def on_congestion(self, link: Any) -> None:
        self.congested.append(link)

    def on_capacity(self, link: Any) -> None:
        self.capacity_calls.append(link)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Return when ``condition()`` holds after something was heard; trio.TooSlowError after ``timeout_s``."""
        with trio.fail_after(timeout_s):
            while not condition():
                await self._changed.wait()


def make_message(seq: int = 1, **changes: Any) -> Message:
    """A message to a GB number that asks for a receipt."""
    fields: dict[str, Any] = {
        "seq": seq,
        "message_id": f"{seq:08x}00000000",
        "account": "demo",
        "message_class": "default",
        "service_type": "",
        "source_addr_ton": 5,
        "source_addr_npi": 0,
        "source_addr": "ACME",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": f"4477009{seq % 100000:05d}",
        "esm_class": 0,
        "protocol_id": 0,
        "priority": 0,
        "registered_delivery": 1,
        "data_coding": 0,
        "sm_default_msg_id": 0,
        "body": b"hello %d" % seq,
        "in_payload": False,
        "tlvs": b"",
        "country": "GB",
        "pool": "gb",
        "accepted_at": 0,
        "not_before": 0,
        "expires_at": 86_400_000,
    }
    return Message(**(fields | changes))
