"""Several events in one request, for endpoints that want that. Pure."""

from collections.abc import Sequence
from hashlib import sha256

import orjson

from smsagg.config.event_kinds import BATCH
from smsagg.events.documents import envelope_of, instant
from smsagg.model import Event, EventDelivery

OCTETS_MAX = 262_144
"""Of the events' documents in one request, unless there is but one."""

Owed = tuple[EventDelivery, Event]


def batches_of(owed: Sequence[Owed], events_max: int) -> list[list[Owed]]:
    """What is sent in one request each, in the same order."""
    batches: list[list[Owed]] = []
    octets = 0
    for one in owed:
        size = len(one[1].document)
        if not batches or len(batches[-1]) == events_max or octets + size > OCTETS_MAX:
            batches.append([])
            octets = 0
        batches[-1].append(one)
        octets += size
    return batches


def batch_envelope_of(events: Sequence[Event], now: int) -> tuple[str, bytes]:
    """What these are together, and its name: the same for the same events. Their own envelopes are in
    ``data.events``."""
    name = "bat_" + sha256(repr([event.event_id for event in events]).encode()).hexdigest()[:24]
    data = {"events": [orjson.Fragment(envelope_of(event)) for event in events]}
    return name, orjson.dumps({"type": BATCH, "id": name, "timestamp": instant(now), "data": data})
