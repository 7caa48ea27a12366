"""Messages as the API shows them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from smsagg.config.amounts import format_micros
from smsagg.events.kinds import WORDS
from smsagg.model import Cause, Message, MessageState
from smsagg.smpp.status import name_of
from smsagg.text import Alphabet, alphabet_of
from smsagg.text.smart import segment_count

_ALPHABETS = {Alphabet.GSM: "gsm7", Alphabet.UCS2: "ucs2"}


def view_of(parts: Sequence[Message], currency: str, is_priced: bool, now: int) -> dict[str, Any]:
    """The document of one message: of its parts that were taken together, or of one record of the whole."""
    first = parts[0]
    segments = len(parts) if len(parts) > 1 else segment_count(len(first.body), first.data_coding)
    price = {"amount": format_micros(sum(part.price for part in parts)), "currency": currency}
    return {
        "id": first.message_id,
        "state": state_of(first, now),
        "to": first.destination_addr,
        "from": first.source_addr,
        "alphabet": _ALPHABETS.get(alphabet_of(first.data_coding), "other"),
        "segments": segments,
        "price": price if is_priced and not first.is_sandbox else None,
        "reference": first.reference,
        "accepted_at": instant(first.accepted_at),
        "send_at": instant(first.not_before) if first.not_before > first.accepted_at else None,
        "expires_at": instant(first.expires_at),
        "done_at": instant(first.done_at) if first.done_at else None,
        "error": _error_of(first),
        "sandbox": first.is_sandbox,
    }


def state_of(message: Message, now: int) -> str:
    """The word for where it stands."""
    if message.state is MessageState.QUEUED:
        return "scheduled" if message.not_before > now else "queued"
    return WORDS[message.state]


def instant(at: int) -> str:
    """UTC milliseconds as RFC 3339."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error_of(message: Message) -> str | None:
    if message.cause is not Cause.NONE:
        return message.cause.name.lower()
    if message.state is MessageState.REJECTED and message.error_code:
        return name_of(message.error_code).removeprefix("ESME_").lower()
    return None
