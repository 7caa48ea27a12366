"""What the memory store keeps of events and their deliveries, and the answers about them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice

from attrs import define, field

from smsagg.model import Event, EventDelivery
from smsagg.store.base import Changes


@define(eq=False)
class EventTables:
    """What is durable."""

    events: dict[int, Event] = field(factory=dict)
    """In the order of their ids, which is that in which they are written."""
    deliveries: dict[tuple[str, int], EventDelivery] = field(factory=dict)
    last_event_id: int = 0

    def apply(self, changes: Changes) -> None:
        """The events of one transaction."""
        for event in changes.events:
            self.events[event.event_id] = event
            self.last_event_id = max(self.last_event_id, event.event_id)
        for delivery in changes.event_deliveries:
            self.deliveries[delivery.endpoint, delivery.event_id] = delivery
        for done in changes.done_event_deliveries:
            self.deliveries.pop(done, None)

    def due(self, endpoint: str, due_by: int, limit: int) -> list[tuple[EventDelivery, Event]]:
        owed = [d for d in self.deliveries.values() if d.endpoint == endpoint and d.next_attempt_at <= due_by]
        owed.sort(key=lambda delivery: (delivery.next_attempt_at, delivery.event_id))
        return [(delivery, self.events[delivery.event_id]) for delivery in owed[:limit]]

    def next_due(self, after: str, limit: int) -> dict[str, int]:
        earliest: dict[str, int] = {}
        for delivery in self.deliveries.values():
            at = delivery.next_attempt_at
            earliest[delivery.endpoint] = min(earliest.get(delivery.endpoint, at), at)
        return dict(sorted((name, at) for name, at in earliest.items() if name > after)[:limit])

    def owed_to(self, endpoint: str) -> list[tuple[str, int]]:
        return sorted(key for key in self.deliveries if key[0] == endpoint)

    def last_before(self, at: int) -> int:
        return max((event_id for event_id, event in self.events.items() if event.at < at), default=0)

    def owe(
        self, endpoint: str, account: str, kinds: Sequence[str], after: int, up_to: int, limit: int
    ) -> tuple[int, int]:
        found = self.find(account, after, limit, kinds, "")
        ids = [event.event_id for event in found if event.event_id <= up_to]
        self.deliveries |= {(endpoint, event_id): EventDelivery(endpoint, event_id) for event_id in ids}
        return len(ids), ids[-1] if len(ids) == limit else 0

    def forgive(self, endpoint: str, limit: int) -> int:
        owed = self.owed_to(endpoint)[:limit]
        for key in owed:
            del self.deliveries[key]
        return len(owed)

    def find(self, account: str, after: int, limit: int, kinds: Sequence[str], message_id: str) -> list[Event]:
        found = (
            event
            for event_id, event in sorted(self.events.items())
            if event_id > after
            and event.account == account
            and (not kinds or event.kind in kinds)
            and message_id in ("", event.message_id)
        )
        return [event for event, _ in zip(found, range(limit), strict=False)]

    def drop(self, before: int, limit: int) -> tuple[int, Mapping[str, int]]:
        old = {event_id for event_id, event in islice(self.events.items(), limit) if event.at < before}
        owed = Counter(endpoint for endpoint, event_id in self.deliveries if event_id in old)
        if old:
            for event_id in old:
                del self.events[event_id]
            self.deliveries = {key: kept for key, kept in self.deliveries.items() if key[1] not in old}
        return len(old), owed
