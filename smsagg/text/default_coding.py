"""Between our form of ``data_coding`` 0, which is GSM 03.38 with a septet in each octet, and what a peer means by it.

==============  ====================================  ==========================================================
The peer means  to the peer                           from the peer
==============  ====================================  ==========================================================
gsm             as it is                              as it is
gsm_packed      septets packed; so are all other      unpacked
                data_codings that say GSM 03.38
latin1, ascii   as text in that alphabet; what it     as GSM 03.38; what GSM 03.38 lacks makes it UCS-2
                lacks makes it UCS-2 if that fits
                one short message, else each such
                character becomes its like, or "?"
==============  ====================================  ==========================================================

A user data header stays as it is before the text. Text in national tables, which the header names, is not for Latin-1
and ASCII: it becomes UCS-2 if that fits one short message, and else stays as it is.
"""

from anyascii import anyascii

from smsagg.text.data_coding import Alphabet, DefaultCoding, alphabet_of
from smsagg.text.gsm import GSM_DEFAULT, gsm_alphabet
from smsagg.text.header import languages_of, split_header
from smsagg.text.septets import fill_bits_after, pack, unpack
from smsagg.text.split import USER_DATA_OCTETS

_UCS2 = 0x08
_SEPTETS = bytes(i if i < 128 else ord("?") for i in range(256))
"""Octets that are no septets become question marks."""
_PYTHON_CODECS = {DefaultCoding.LATIN1: "latin-1", DefaultCoding.ASCII: "ascii"}


def to_peer(body: bytes, data_coding: int, has_header: bool, default: DefaultCoding) -> tuple[bytes, int]:
    """Our ``body`` and its ``data_coding`` as the peer reads them."""
    if default is DefaultCoding.GSM or alphabet_of(data_coding) is not Alphabet.GSM:
        return body, data_coding
    header, text = split_header(body) if has_header else (b"", body)
    if default is DefaultCoding.GSM_PACKED:
        return header + pack(text.translate(_SEPTETS), fill_bits_after(len(header))), data_coding
    if data_coding != 0:
        return body, data_coding
    locking, single = languages_of(header)
    if locking or single:
        ucs2 = header + gsm_alphabet(locking, single).decode(text).encode("utf-16-be")
        return (ucs2, _UCS2) if len(ucs2) <= USER_DATA_OCTETS else (body, data_coding)
    characters = GSM_DEFAULT.decode(text)
    codec = _PYTHON_CODECS[default]
    try:
        return header + characters.encode(codec), data_coding
    except UnicodeEncodeError:
        ucs2 = header + characters.encode("utf-16-be")
    if len(ucs2) <= USER_DATA_OCTETS:
        return ucs2, _UCS2
    likes = {ord(c): _like(c, codec) for c in set(characters)}
    return header + characters.translate(likes).encode(codec), data_coding


def from_peer(body: bytes, data_coding: int, has_header: bool, default: DefaultCoding) -> tuple[bytes, int]:
    """The peer's ``body`` and its ``data_coding`` in our form."""
    if default is DefaultCoding.GSM or alphabet_of(data_coding) is not Alphabet.GSM:
        return body, data_coding
    header, text = split_header(body) if has_header else (b"", body)
    if default is DefaultCoding.GSM_PACKED:
        return header + unpack(text, fill_bits_after(len(header))), data_coding
    if data_coding != 0 or any(languages_of(header)):
        return body, data_coding
    characters = text.decode("latin-1")
    try:
        return header + GSM_DEFAULT.encode(characters), data_coding
    except UnicodeEncodeError:
        return header + characters.encode("utf-16-be"), _UCS2


def _like(character: str, codec: str) -> str:
    """The character, or one that is like it."""
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        plain = anyascii(character)
        return plain if len(plain) == 1 else "?"
    return character
