"""A body as text: read, cut, encoded anew, translated for peers.

The first octet is its ``data_coding``; of the second, bit 0 says that it has a user data header, bits 1 and 2 what the
peer means by data_coding 0, bits 3 and 4 how far transliteration goes, bit 5 that national tables may be used. The
third, and 4 more, are the octets of a part.
"""

from smsagg.text import (
    DefaultCoding,
    Language,
    Rules,
    Transliteration,
    encode_smart,
    from_peer,
    plan,
    split_body,
    text_of,
    to_peer,
)

_DEFAULTS = tuple(DefaultCoding)


def run_text(octets: bytes) -> int:
    """Nothing fails; what is cut joins to what it was; what is encoded anew is no binary and fits."""
    data_coding, flags, part, body = octets[0], octets[1], octets[2] + 4, octets[3:]
    has_header, default = bool(flags & 1), _DEFAULTS[flags >> 1 & 3]
    rules = Rules(Transliteration(flags >> 3 & 3), tuple(Language) if flags & 0x20 else ())
    text = text_of(body, data_coding, has_header, default)
    parts = split_body(body, data_coding, part)
    assert b"".join(parts) == body
    assert max(map(len, parts)) <= part
    for translate in (to_peer, from_peer):
        translated, coding = translate(body, data_coding, has_header, default)
        assert (text_of(translated, coding, has_header) is None) is (text is None)
    encoded = encode_smart(body, data_coding, 0x40 * has_header, rules)
    if encoded is not None:
        assert text_of(encoded.body, encoded.data_coding, bool(encoded.esm_class & 0x40))
    if text is not None:
        planned = plan(text, rules)
        assert "".join(planned.segments) == planned.text
        assert all(planned.segments) or not text
    return 0
