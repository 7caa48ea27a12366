"""How many segments a row of the store is on air: a part is one, and a long body that goes on whole is several."""

from smsagg.model import Message
from smsagg.smpp.concatenation import UDHI
from smsagg.text import segment_count
from smsagg.text.header import CONCATENATION_OCTETS
from smsagg.text.split import USER_DATA_OCTETS, part_octets


def segments_of(message: Message) -> int:
    """Segments that the recipient gets of ``message``, at least 1."""
    octets = len(message.body)
    if octets <= USER_DATA_OCTETS or message.group is not None:
        return 1
    if not message.esm_class & UDHI:
        return segment_count(octets, message.data_coding)
    header = 1 + message.body[0]
    text = max(octets - header, 0)
    if text <= part_octets(message.data_coding, header):
        return 1
    return -(-text // max(part_octets(message.data_coding, header + CONCATENATION_OCTETS), 1))
