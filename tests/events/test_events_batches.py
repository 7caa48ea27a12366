"""Several events in one request."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from smsagg.events.batches import OCTETS_MAX, Owed, batch_envelope_of, batches_of
from smsagg.model import Event, EventDelivery


def owed(event_id: int, octets: int = 2) -> Owed:
    document = b'"' + b"x" * (octets - 2) + b'"'
    return EventDelivery("acme/a", event_id), Event(event_id, "acme", "message.sent", 5, "", document)


@given(st.lists(st.integers(2, OCTETS_MAX * 2), max_size=12), st.integers(1, 5))
def test_batches_are_all_there_is_in_order_and_within_bounds(sizes: list[int], events_max: int) -> None:
    """But for one that is too large by itself."""
    due = [owed(number, size) for number, size in enumerate(sizes)]
    batches = batches_of(due, events_max)
    assert [one for batch in batches for one in batch] == due
    for batch in batches:
        assert 1 <= len(batch) <= events_max
        assert len(batch) == 1 or sum(len(event.document) for _, event in batch) <= OCTETS_MAX


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_a_batch_has_the_name_of_its_events(some: list[int], others: list[int]) -> None:
    """Tried again, it has it again; and no others have it."""
    events = [[owed(number)[1] for number in numbers] for numbers in (some, others)]
    (name, body), (other, _) = batch_envelope_of(events[0], 1), batch_envelope_of(events[1], 2)
    assert (name == other) == (some == others)
    document = orjson.loads(body)
    assert document["id"] == name
    assert [event["id"] for event in document["data"]["events"]] == [f"evt_{number:012x}" for number in some]
