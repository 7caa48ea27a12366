"""How many segments a row of the store is on air: a part is one, and a long body that goes on whole is several."""

from smsagg.model import Message
from smsagg.smpp.concatenation import UDHI
from smsagg.text import segment_count
from smsagg.text.header import CONCATENATION_OCTETS
from smsagg.text.split import USER_DATA_OCTETS, part_octets


def segments_of(message: Message) -> int:
    """Segments that the recipient gets of ``message``, at least 1."""
    if len(message.body) <= USER_DATA_OCTETS or message.group is not None:
        return 1
    return segments_of_whole(message.body, message.data_coding, message.esm_class)


def segments_of_whole(body: bytes, data_coding: int, esm_class: int) -> int:
    """The same of a message that is no part."""
    octets = len(body)
    if octets <= USER_DATA_OCTETS:
        return 1
    if not esm_class & UDHI:
        return segment_count(octets, data_coding)
    header = 1 + body[0]
    text = max(octets - header, 0)
    if text <= part_octets(data_coding, header):
        return 1
    return -(-text // max(part_octets(data_coding, header + CONCATENATION_OCTETS), 1))
