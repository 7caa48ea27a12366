"""What the simulated SMSC owes to its clients: receipts and MO, per system_id, until they are acknowledged.

Theory of operation. A delivery is planned (in a time slot), then *ready* (in the queue of its client), then
*outstanding* (in the window of a session), and over when its deliver_sm_resp says ESME_ROK. An error or no answer
plans it again; a session that ends gives its outstanding ones back to the front of the queue. All deliveries of a
simulator together are bounded by ``receipts.pending_max``.
"""

from collections import deque
from typing import Protocol

from attrs import define, field

from smsagg.simulator import wire


@define(eq=False)
class Delivery:
    """One deliver_sm owed to a client."""

    client: "Client"
    message_id: str
    """As the submit_sm_resp wrote it; ``""`` for MO."""
    receipt_id: str
    word: str
    """The ``stat`` word; ``"MO"`` for a message from a handset."""
    error: int
    submitted: wire.Submitted | None
    submitted_at: int
    """UTC milliseconds."""
    body: bytes = b""
    """Made when it is first sent."""
    tlvs: bytes = b""
    sent_at: float = 0.0

    @property
    def is_mo(self) -> bool:
        return self.submitted is None

    def prepare(self, now_ms: int, tlvs: bool) -> None:
        """Make the body, unless that was done for an earlier sending."""
        if self.submitted is not None and not self.body:
            self.body = wire.receipt_body(
                self.submitted, self.receipt_id, self.word, self.error, self.submitted_at, now_ms
            )
            self.tlvs = wire.receipt_tlvs(self.receipt_id, self.word) if tlvs else b""


class Receiver(Protocol):
    """A session that may receive."""

    @property
    def deliver_window_free(self) -> int: ...

    def deliver(self, deliveries: list[Delivery]) -> None: ...


@define(eq=False)
class Client:
    """Everything that binds with one system_id."""

    system_id: str
    ready: deque[Delivery] = field(factory=deque)
    receivers: list[Receiver] = field(factory=list)

    def pump(self) -> None:
        """Hand what is ready to the receivers with room, evenly."""
        ready, receivers = self.ready, self.receivers
        while ready:
            with_room = [receiver for receiver in receivers if receiver.deliver_window_free > 0]
            if not with_room:
                return
            share = -(-len(ready) // len(with_room))
            for receiver in with_room:
                count = min(share, receiver.deliver_window_free, len(ready))
                if count:
                    receiver.deliver([ready.popleft() for _ in range(count)])
