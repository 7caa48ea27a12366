"""Makes one message of all parts of one, for carriers that take long messages whole (``message_payload``).

Only parts that say the same but for their text can be joined: one alphabet, one esm_class, the same other elements in
their headers, the same TLVs. Customers' parts may differ; those go singly.
"""

import copy
from collections.abc import Sequence

from smsagg.model import Message
from smsagg.smpp.concatenation import UDHI, read_user_data, without_sar, write_user_data
from smsagg.smpp.tlv import decode_tlvs, encode_tlvs

PAYLOAD_OCTETS_MAX = 0xFFFF
_TLVS_MAX = 10_000


def joined(parts: Sequence[Message]) -> Message | None:
    """A message that stands for ``parts`` (:attr:`Message.joins`), which are in order; ``None`` unless they are all
    the parts of their message and can be joined. It has the first one's ``seq``, and the latest ``expires_at``
    that none of them exceeds."""
    first = parts[0]
    group = first.group
    if group is None or [part.part_number for part in parts] != list(range(1, group.parts_total + 1)):
        return None
    texts: list[bytes] = []
    common: object = None
    for part in parts:
        elements, text = text_of_part(part)
        facts = (elements, part.esm_class, part.data_coding, part.protocol_id, part.service_type, _other_tlvs(part))
        if common is not None and facts != common:
            return None
        common = facts
        texts.append(text)
    elements = text_of_part(first)[0]
    body = write_user_data(None, elements, b"".join(texts))
    if len(body) > PAYLOAD_OCTETS_MAX:
        return None
    whole = copy.copy(first)
    whole.group, whole.group_seq, whole.part_number = None, 0, 0
    whole.joins = tuple(parts)
    whole.body = body
    whole.in_payload = True
    whole.esm_class = first.esm_class | UDHI if elements else first.esm_class & ~UDHI
    whole.tlvs = _other_tlvs(first)
    whole.expires_at = min(part.expires_at for part in parts)
    whole.registered_delivery = max(part.registered_delivery for part in parts)
    return whole


def text_of_part(part: Message) -> tuple[bytes, bytes]:
    """The elements of its header that do not say which part it is, and what follows the header."""
    data = read_user_data(part.body) if part.esm_class & UDHI else None
    return (b"", part.body) if data is None else (data.elements, data.text)


def _other_tlvs(part: Message) -> bytes:
    return encode_tlvs(without_sar(decode_tlvs(part.tlvs, _TLVS_MAX, check=False))) if part.tlvs else b""
