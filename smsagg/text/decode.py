"""The text of a body, for people to read: logs, reports, the command line.

Decoding never fails. What cannot be read is U+FFFD, a binary body has no text. What ``data_coding`` 0
means is the peer's to say; all other values mean what :mod:`smsagg.text.data_coding` says.
"""

from smsagg.text.data_coding import Alphabet, DefaultCoding, alphabet_of
from smsagg.text.gsm import GSM_DEFAULT, gsm_alphabet
from smsagg.text.header import languages_of, split_header
from smsagg.text.septets import fill_bits_after, unpack

UNREADABLE = "\ufffd"


_PYTHON_CODECS = {
    Alphabet.ASCII: "ascii",
    Alphabet.LATIN1: "latin-1",
    Alphabet.UCS2: "utf-16-be",
    Alphabet.SHIFT_JIS: "shift_jis",
    Alphabet.CYRILLIC: "iso8859-5",
    Alphabet.HEBREW: "iso8859-8",
    Alphabet.ISO_2022_JP: "iso2022_jp",
    Alphabet.EUC_JP: "euc_jp",
    Alphabet.EUC_KR: "euc_kr",
}


def text_of(
    body: bytes, data_coding: int, has_header: bool = False, default: DefaultCoding = DefaultCoding.GSM
) -> str | None:
    """The text of ``body``; ``None`` when ``data_coding`` says that it is binary.

    ``has_header``: the body begins with a user data header (UDHI), which is not part of the text, but names the
    national language tables.
    """
    header = b""
    if has_header:
        header, body = split_header(body)
    alphabet = alphabet_of(data_coding)
    if alphabet is Alphabet.BINARY:
        return None
    if data_coding == 0 and default is not DefaultCoding.GSM:
        if default is DefaultCoding.GSM_PACKED:
            body = unpack(body, fill_bits_after(len(header)))
        else:
            alphabet = Alphabet.LATIN1 if default is DefaultCoding.LATIN1 else Alphabet.ASCII
    if alphabet is Alphabet.GSM:
        return (gsm_alphabet(*languages_of(header)) if header else GSM_DEFAULT).decode(body)
    return body.decode(_PYTHON_CODECS[alphabet], "replace")
