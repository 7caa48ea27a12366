"""The keyword of a message from a handset: the first word of its text, folded."""

from smsagg.config.keyword import fold_keyword
from smsagg.smpp.concatenation import UDHI, read_user_data
from smsagg.text.data_coding import Alphabet, alphabet_of

KEYWORD_OCTETS_MAX = 140
"""The first word stands within so many octets of the text: one message on air has no more."""

_GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""3GPP TS 23.038 §6.2.1. The escape reads as a space, and what follows it as its default letter: none of the characters
of the extension table is a letter."""

_CODECS = {
    Alphabet.ASCII: "latin-1",
    Alphabet.LATIN1: "latin-1",
    Alphabet.UCS2: "utf-16-be",
    Alphabet.SHIFT_JIS: "shift_jis",
    Alphabet.CYRILLIC: "iso8859_5",
    Alphabet.HEBREW: "iso8859_8",
    Alphabet.ISO_2022_JP: "iso2022_jp",
    Alphabet.EUC_JP: "euc_jp",
    Alphabet.EUC_KR: "euc_kr",
}


def first_word(body: bytes, data_coding: int, esm_class: int) -> str:
    """The folded first word of a body; ``""`` when it is binary or has no word. Never raises, whatever the octets.

    A user data header (``esm_class``) is not text and is left out.
    """
    if esm_class & UDHI:
        user_data = read_user_data(body)
        if user_data is None:
            return ""
        body = user_data.text
    words = _decode(body[:KEYWORD_OCTETS_MAX], alphabet_of(data_coding)).split(None, 1)
    return fold_keyword(words[0]) if words else ""


def _decode(octets: bytes, alphabet: Alphabet) -> str:
    if alphabet is Alphabet.GSM:
        return "".join(_GSM[octet] for octet in octets if octet < len(_GSM))
    codec = _CODECS.get(alphabet)
    return "" if codec is None else octets.decode(codec, "ignore")
