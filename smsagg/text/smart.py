"""Smart encoding: the body of a submitted message, written anew where that is no dearer.

Only a body that is text alone is touched: UCS-2, Latin-1 or ASCII without a user data header. It becomes GSM 03.38 when
all of it can be said so, after transliteration as far as the rules allow; or else GSM 03.38 with national tables, named
in a user data header, when it then is one segment and was several. It never takes more segments than before. A class
that ``data_coding`` gives to the message (flash) stays. Everything else is left octet for octet.

A body over ``SMART_OCTETS_MAX``, 61 segments of UCS-2, is left as it is, so that one message never holds up the others.
"""

from typing import NamedTuple

from smsagg.text.data_coding import Alphabet, alphabet_of
from smsagg.text.decode import UNREADABLE, text_of
from smsagg.text.gsm import GSM_DEFAULT
from smsagg.text.header import CONCATENATION_OCTETS
from smsagg.text.planning import Rules, plan
from smsagg.text.split import part_octets
from smsagg.text.transliteration import transliterate

SMART_OCTETS_MAX = 8_192
SHORT_MESSAGE_OCTETS_MAX = 254
"""What fits short_message (SMPP 3.4 §4.4.1); a body that came in it has to stay in it."""
_UCS2, _UCS2_WITH_CLASS = 0x08, 0x18
_WITH_CLASS = frozenset({0x10, 0xF0})
"""Groups of data_coding whose lowest bits are a message class (3GPP TS 23.038 §4)."""
_UDHI = 0x40
_TEXTS = frozenset({Alphabet.UCS2, Alphabet.LATIN1, Alphabet.ASCII})


class Encoded(NamedTuple):
    """A body with the fields that say how to read it."""

    body: bytes
    data_coding: int
    esm_class: int


def encode_text(text: str, rules: Rules, data_coding: int = 0) -> Encoded:
    """Octets, data_coding and esm_class of ``text``: GSM 03.38 where it can say that, else UCS-2. The class (flash …)
    that ``data_coding`` gives to a message stays."""
    body = text.encode("utf-16-be", "surrogatepass")
    coding = _UCS2 if data_coding & 0xF0 not in _WITH_CLASS else _UCS2_WITH_CLASS | data_coding & 3
    return encode_smart(body, coding, 0, rules) or Encoded(body, coding, 0)


def encode_smart(body: bytes, data_coding: int, esm_class: int, rules: Rules) -> Encoded | None:
    """The new form of a body that is not part of a longer message; ``None``: it is to be left as it is.

    What was 254 octets at most stays so, so that a short_message does not outgrow its field.
    """
    alphabet = alphabet_of(data_coding)
    if alphabet not in _TEXTS or esm_class & _UDHI or not 0 < len(body) <= SMART_OCTETS_MAX:
        return None
    text = text_of(body, data_coding)
    if text is None or UNREADABLE in text:
        return None
    try:
        septets = GSM_DEFAULT.encode(text)
    except UnicodeEncodeError:
        if rules.languages and segment_count(len(body), data_coding) > 1:
            national = _national(text, rules, data_coding, esm_class)
            if national is not None:
                return national
        plain = transliterate(text, GSM_DEFAULT, rules.transliteration)
        if plain is None:
            return None
        septets = GSM_DEFAULT.encode(plain)
    if not septets:  # combining marks alone: nothing would be left to say
        return None
    if len(septets) > max(len(body), SHORT_MESSAGE_OCTETS_MAX):
        return None
    if segment_count(len(septets), 0) > segment_count(len(body), data_coding):
        return None
    return Encoded(septets, gsm_coding_of(data_coding), esm_class)


def segment_count(body_octets: int, data_coding: int) -> int:
    """Segments that a body without header needs, when every one is filled."""
    if body_octets <= part_octets(data_coding):
        return 1
    return -(-body_octets // part_octets(data_coding, 1 + CONCATENATION_OCTETS))


def gsm_coding_of(data_coding: int) -> int:
    """The ``data_coding`` that says GSM 03.38 and else what this one says: class, automatic deletion, indication."""
    if data_coding < 0x10:
        return 0
    return data_coding & ~0x0C if data_coding < 0x80 else 0xD0 | data_coding & 0x0F


def _national(text: str, rules: Rules, data_coding: int, esm_class: int) -> Encoded | None:
    """The text in national tables, if they make it one segment."""
    if len(text) > part_octets(0):
        return None
    planned = plan(text, rules)
    if not planned.elements or len(planned.bodies) > 1:
        return None
    body = bytes((len(planned.elements),)) + planned.elements + planned.bodies[0]
    return Encoded(body, gsm_coding_of(data_coding), esm_class | _UDHI)
