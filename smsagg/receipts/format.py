"""The delivery receipt that we owe a customer, as text (SMPP 3.4 appendix B)::

    id:IIII sub:001 dlvrd:001 submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DELIVRD err:000 text:...

``id`` is our message_id exactly as submit_sm_resp gave it. ``text`` is the first 20 octets of the customer's body, for
UCS-2 the first 20 characters with all but ASCII as ``?``, and empty for binary and secret bodies; a user data header is
left out.
"""

from smsagg.model import Delivery, DeliveryKind, Message, MessageState
from smsagg.receipts.dates import format_date
from smsagg.receipts.registered import SUCCESS
from smsagg.text.data_coding import Alphabet, alphabet_of

ESM_CLASS_RECEIPT = 0x04
ESM_CLASS_INTERMEDIATE = 0x20
TEXT_OCTETS = 20

_ERR_MAX = 999
_UDHI = 0x40
_ESCAPE = b"\x1b"

STAT_WORDS: dict[MessageState, str] = {
    MessageState.QUEUED: "ENROUTE",
    MessageState.SENDING: "ENROUTE",
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
}
_WORDS = {state: (word, "001" if state in SUCCESS else "000") for state, word in STAT_WORDS.items()}


def make_receipt(
    message: Message,
    state: MessageState,
    error_code: int,
    done_at: int,
    delivery_id: int,
    expires_at: int,
    intermediate: bool = False,
) -> Delivery:
    """The ``deliver_sm`` that tells ``message``'s account of ``state``: addresses swapped, esm_class set.

    ``error_code`` above 999 is written as 999 in the text, whose field has three digits, and whole in the delivery.
    Instants are UTC ms; ``expires_at`` is when the receipt itself is given up.
    """
    word, delivered = _WORDS[state]
    head = (
        f"id:{message.message_id} sub:001 dlvrd:{delivered} submit date:{format_date(message.accepted_at)} "
        f"done date:{format_date(done_at)} stat:{word} err:{min(error_code, _ERR_MAX):03d} text:"
    )
    return Delivery(
        delivery_id,
        message.account,
        DeliveryKind.INTERMEDIATE if intermediate else DeliveryKind.RECEIPT,
        message.service_type,
        message.dest_addr_ton,
        message.dest_addr_npi,
        message.destination_addr,
        message.source_addr_ton,
        message.source_addr_npi,
        message.source_addr,
        ESM_CLASS_INTERMEDIATE if intermediate else ESM_CLASS_RECEIPT,
        0,
        0,
        head.encode("ascii") + _text_of(message),
        b"",
        message.message_id,
        state if 1 <= state <= 8 else 1,
        error_code,
        done_at,
        expires_at,
        message.country,
        message.accepted_at,
    )


def _text_of(message: Message) -> bytes:
    """The beginning of the body for the ``text`` field, nothing of a secret one."""
    if message.is_secret:
        return b""
    body = message.body
    if message.esm_class & _UDHI and body:
        body = body[1 + body[0] :]
    if message.data_coding == 0:
        return _head_of_gsm(body)
    alphabet = alphabet_of(message.data_coding)
    if alphabet is Alphabet.UCS2:
        head = body[: 2 * TEXT_OCTETS]
        return head.decode("utf-16-be", "replace").encode("ascii", "replace")
    if alphabet is Alphabet.BINARY:
        return b""
    return _head_of_gsm(body) if alphabet is Alphabet.GSM else body[:TEXT_OCTETS]


def _head_of_gsm(body: bytes) -> bytes:
    """The beginning, without half of a character at its end."""
    head = body[:TEXT_OCTETS]
    return head[:-1] if head[-1:] == _ESCAPE and len(body) > TEXT_OCTETS else head
