"""Cutting encoded bodies into the parts of a long message, octet for octet.

A body is cut where its alphabet allows it, and nowhere else:

==========  ===========================================================================================
Alphabet    A cut never falls
==========  ===========================================================================================
GSM         after the escape 0x1B, between CR and LF
UCS-2       within a surrogate pair, within a grapheme cluster, at an odd octet
the others  anywhere is well
==========  ===========================================================================================

What is longer than a part by itself (a cluster of a letter and many accents, a run of escapes) is cut all the same:
then at a character of its alphabet. Work grows with the length of the body and not faster.
"""

from smsagg.text.data_coding import Alphabet, alphabet_of
from smsagg.text.graphemes import last_boundary

USER_DATA_OCTETS = 140
"""Octets of one short message on air (3GPP TS 23.040 §9.2.3.24)."""
SURROGATE_PAIR_OCTETS = 4

_ESCAPE, _CR, _LF = 0x1B, 0x0D, 0x0A


def part_octets(data_coding: int, udh_octets: int = 0) -> int:
    """How many octets of body, as submitted, fit one short message beside a user data header.

    ``udh_octets`` counts the header's length octet too; 0: none, 6 and 7: concatenation with a reference of 8 and
    of 16 bits (3GPP TS 23.040 §9.2.3.24.1 and .8). GSM 03.38 and ASCII go on air as septets of which one stands in each
    octet of the body: 160, 153, 152. All others are octets on air: 140, 134, 133; for UCS-2 always an even number.
    """
    alphabet = alphabet_of(data_coding)
    octets = max(USER_DATA_OCTETS - udh_octets, 0)
    if alphabet is Alphabet.GSM or alphabet is Alphabet.ASCII:
        return octets * 8 // 7
    return octets & ~1 if alphabet is Alphabet.UCS2 else octets


def split_body(body: bytes, data_coding: int, octets_max: int) -> list[bytes]:
    """``body`` in parts of at most ``octets_max`` octets each, which joined are ``body`` again.

    ``body`` is text or data without a user data header, as it came in short_message or message_payload: GSM 03.38 has
    one character or escape in each octet. No part is empty, but an empty body is one empty part. A broken body (an odd
    number of octets of UCS-2, a lone surrogate) is cut as well as it can be.

    Raises ``ValueError`` when ``octets_max`` is below 1, or below 4 for UCS-2, where a surrogate pair has to fit.
    """
    alphabet = alphabet_of(data_coding)
    if octets_max < (SURROGATE_PAIR_OCTETS if alphabet is Alphabet.UCS2 else 1):
        raise ValueError(f"no {alphabet.value} text fits parts of {octets_max} octets")
    size = len(body)
    if size <= octets_max:
        return [body]
    if alphabet is Alphabet.UCS2:
        octets_max &= ~1
    parts = []
    start = 0
    while size - start > octets_max:
        if alphabet is Alphabet.GSM:
            end = _gsm_cut(body, start, start + octets_max)
        elif alphabet is Alphabet.UCS2:
            end = _ucs2_cut(body, start, start + octets_max)
        else:
            end = start + octets_max
        parts.append(body[start:end])
        start = end
    parts.append(body[start:])
    return parts


def _gsm_cut(body: bytes, start: int, limit: int) -> int:
    """The last legal cut after ``start`` and not after ``limit``, which lies within the body."""
    end = limit
    if body[end] == _LF and body[end - 1] == _CR:
        end -= 1
    while end > start and body[end - 1] == _ESCAPE:
        end -= 1
    if end > start:
        return end
    return limit - (limit - start) % 2 if limit - start > 1 else limit


def _ucs2_cut(body: bytes, start: int, limit: int) -> int:
    """The same for UCS-2; ``start`` and ``limit`` lie an even number of octets apart."""
    if limit + 1 == len(body):
        return limit
    end = limit
    if body[end - 2] & 0xFC == 0xD8 and body[end] & 0xFC == 0xDC:
        end -= 2
    text = _characters(body[start:end])
    cut = last_boundary(text, _characters(body[end : end + SURROGATE_PAIR_OCTETS])[0])
    if cut == len(text) or cut == 0:
        return end
    return start + len(text[:cut].encode("utf-16-be", "surrogatepass"))


def _characters(octets: bytes) -> str:
    return octets[: len(octets) & ~1].decode("utf-16-be", "surrogatepass")
