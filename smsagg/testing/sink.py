"""An account's session as the engine sees it: takes deliveries, and answers them by itself or when the test says."""

from collections.abc import Callable, Iterable, Sequence

import trio

from smsagg.engine.ending.deliveries import Deliveries
from smsagg.model import Delivery


class FakeSink:
    """A :class:`smsagg.engine.ending.deliveries.Sink`. With ``status`` it answers everything one turn later."""

    def __init__(self, deliveries: Deliveries, account: str, window: int, status: int | None) -> None:
        self.account = account
        self.window = window
        self.status = status
        """What it answers by itself; ``None``: nothing."""
        self.received: list[Delivery] = []
        """Everything it was ever handed, in order."""
        self.outstanding: list[Delivery] = []
        self.observe: Callable[[Delivery], None] = lambda _delivery: None
        self._deliveries = deliveries

    @property
    def delivery_window_free(self) -> int:
        return self.window - len(self.outstanding)

    @property
    def deliveries_outstanding(self) -> int:
        return len(self.outstanding)

    @property
    def message_ids(self) -> list[str]:
        """Of what messages it was told, in order, repetitions included."""
        return [delivery.message_id for delivery in self.received]

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        assert 0 < len(deliveries) <= self.delivery_window_free, "more than the window"
        assert all(delivery.account == self.account for delivery in deliveries), "another account's"
        for delivery in deliveries:
            self.observe(delivery)
        self.received += deliveries
        self.outstanding += deliveries
        if self.status is not None:
            trio.lowlevel.current_trio_token().run_sync_soon(self._answer_by_itself, list(deliveries))

    def answer(self, status: int | None, deliveries: Iterable[Delivery] | None = None) -> None:
        """Answer ``deliveries`` (all outstanding) with a command_status; ``None``: the response timer fires."""
        answered = list(self.outstanding if deliveries is None else deliveries)
        wanted = set(map(id, answered))
        self.outstanding = [delivery for delivery in self.outstanding if id(delivery) not in wanted]
        if answered:
            self._deliveries.on_answers(self.account, [(delivery, status) for delivery in answered])

    def detach(self) -> None:
        """The session ends; what it did not answer goes back."""
        unanswered, self.outstanding, self.window = self.outstanding, [], 0
        self._deliveries.detach(self.account, self, unanswered)

    def _answer_by_itself(self, deliveries: list[Delivery]) -> None:
        outstanding = set(map(id, self.outstanding))
        if self.status is not None:
            self.answer(self.status, [delivery for delivery in deliveries if id(delivery) in outstanding])
