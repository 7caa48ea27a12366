"""What those are shown who may see neither texts nor whose numbers they are."""

from typing import Any

import orjson

from smsagg.events import envelope_of
from smsagg.model import Event
from smsagg.observe.log import masked, with_masked_numbers

_NUMBERS = frozenset({"to", "from", "recipient"})
_TEXTS = frozenset({"text", "body"})


def unnamed(document: dict[str, Any]) -> dict[str, Any]:
    """A message's document, or a verification's."""
    return document | {"to": masked(document["to"])}


def masked_envelope_of(event: Event) -> bytes:
    """An event, as :func:`smsagg.events.envelope_of` tells it."""
    document: dict[str, Any] = orjson.loads(event.document)
    for name in _NUMBERS & document.keys():
        document[name] = with_masked_numbers(document[name] or "") or None
    for name in _TEXTS & document.keys():
        document[name] = None
    return envelope_of(event._replace(document=orjson.dumps(document)))
