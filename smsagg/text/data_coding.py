"""What the octets of a body are, by its ``data_coding``.

SMPP took the values 0 to 15 for itself (SMPP 3.4 §5.2.19) and left the rest, which it calls reserved or "GSM", to the
groups of 3GPP TS 23.038 §4, and so do carriers and handsets:

=========  ======================================================================================================
Value      Alphabet
=========  ======================================================================================================
0x00       the carrier's default: GSM 03.38, one character an octet, unless it says otherwise
0x01       ASCII (IA5)
0x02 0x04  binary
0x03       Latin-1
0x05 0x0D  Shift JIS (X 0208), EUC-JP (extended kanji, X 0212)
0x06 0x07  ISO 8859-5, ISO 8859-8
0x08       UCS-2
0x0A 0x0E  ISO 2022-JP, EUC-KR (KS C 5601)
0x09       pictograms, nowhere defined: binary. 0x0B, 0x0C, 0x0F: reserved: GSM
0x10-0x7F  general groups, with and without automatic deletion: bits 3 and 2 are GSM, binary, UCS-2 or reserved; with
           bit 5 the text is compressed, which is binary to us
0x80-0xBF  reserved groups, to be read as GSM
0xC0-0xDF  message waiting, GSM. 0xE0-0xEF: message waiting, UCS-2
0xF0-0xFF  data coding and class: bit 2 is GSM or binary
=========  ======================================================================================================
"""

from enum import Enum


class Alphabet(Enum):
    """How octets become characters."""

    GSM = "gsm"
    """GSM 03.38 default alphabet, one septet an octet, the highest bit zero."""
    ASCII = "ascii"
    LATIN1 = "latin1"
    UCS2 = "ucs2"
    """UTF-16 big-endian."""
    BINARY = "binary"
    SHIFT_JIS = "shift_jis"
    CYRILLIC = "iso8859_5"
    HEBREW = "iso8859_8"
    ISO_2022_JP = "iso2022_jp"
    EUC_JP = "euc_jp"
    EUC_KR = "euc_kr"


class DefaultCoding(Enum):
    """What a peer means by ``data_coding`` 0, the "SMSC default alphabet" of SMPP 3.4 §5.2.19."""

    GSM = "gsm"
    """GSM 03.38, one septet an octet."""
    GSM_PACKED = "gsm_packed"
    """GSM 03.38, septets packed: eight in seven octets."""
    LATIN1 = "latin1"
    ASCII = "ascii"


_SMPP = {
    0x01: Alphabet.ASCII,
    0x02: Alphabet.BINARY,
    0x03: Alphabet.LATIN1,
    0x04: Alphabet.BINARY,
    0x05: Alphabet.SHIFT_JIS,
    0x06: Alphabet.CYRILLIC,
    0x07: Alphabet.HEBREW,
    0x08: Alphabet.UCS2,
    0x09: Alphabet.BINARY,
    0x0A: Alphabet.ISO_2022_JP,
    0x0D: Alphabet.EUC_JP,
    0x0E: Alphabet.EUC_KR,
}
_COMPRESSED = 0x20
_GENERAL = (Alphabet.GSM, Alphabet.BINARY, Alphabet.UCS2, Alphabet.GSM)
"""By bits 3 and 2; the reserved one is to be read as GSM (TS 23.038 §4)."""


def _alphabet(data_coding: int) -> Alphabet:
    if data_coding < 0x10:
        return _SMPP.get(data_coding, Alphabet.GSM)
    if data_coding < 0x80:
        return Alphabet.BINARY if data_coding & _COMPRESSED else _GENERAL[data_coding >> 2 & 3]
    if data_coding < 0xE0:
        return Alphabet.GSM
    if data_coding < 0xF0:
        return Alphabet.UCS2
    return Alphabet.BINARY if data_coding & 0x04 else Alphabet.GSM


_ALPHABETS = tuple(_alphabet(data_coding) for data_coding in range(256))


def alphabet_of(data_coding: int) -> Alphabet:
    """The alphabet of a body; ``data_coding`` is 0 to 255."""
    return _ALPHABETS[data_coding]
