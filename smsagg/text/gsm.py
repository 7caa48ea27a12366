"""GSM 03.38: characters to septets and back, with the national language tables (3GPP TS 23.038 §6.2.1).

One septet stands in each octet, its highest bit zero, as SMPP carries it; :mod:`smsagg.text.septets` packs them. The
main table is the default alphabet or a national locking shift table; after the escape 0x1B comes a septet of the
extension table or of a national single shift table, which replaces it.

Decoding takes everything, as the specification wants it: a septet after an escape that its table does not define is
read from the main table; an escape after an escape, and one at the end, is a space. What the main table does not
define, and octets above 0x7F, are U+FFFD.
"""

import codecs
import re
from functools import cache

from smsagg.text.gsm_tables import DEFAULT_ALPHABET, EXTENSION, LOCKING_SHIFT, SINGLE_SHIFT, Language

ESCAPE = 0x1B
UNDEFINED = "\ufffd"
_ESC = bytes((ESCAPE,))
_PAIR = re.compile("\x1b(.?)", re.DOTALL)
_NAMES = {"SP": " ", "LF": "\n", "CR": "\r", "FF": "\f"}


class GsmAlphabet:
    """A main table and what follows its escape. Get one from :func:`gsm_alphabet`."""

    def __init__(self, locking: Language | None, single: Language | None) -> None:
        self.locking = locking
        self.single = single
        main = _cells(LOCKING_SHIFT[locking] if locking else DEFAULT_ALPHABET)
        escaped = _cells(SINGLE_SHIFT[single] if single else EXTENSION)
        self._main = (
            "".join(_NAMES["SP"] if i == ESCAPE else c or UNDEFINED for i, c in enumerate(main)) + UNDEFINED * 128
        )
        after_escape = (" " if i == ESCAPE else escaped[i] or self._main[i] for i in range(128))
        self._numbered = self._main + "".join(after_escape) + UNDEFINED * 128
        """By the number of :func:`_numbered`: octets alone, then octets after an escape."""
        self._codes: dict[int, int | bytes] = {}
        for i in range(127, -1, -1):
            if escaped[i]:
                self._codes[ord(escaped[i])] = bytes((ESCAPE, i))
        for i in range(127, -1, -1):
            if main[i]:
                self._codes[ord(main[i])] = i
        self.two_septets = frozenset(chr(c) for c, code in self._codes.items() if isinstance(code, bytes))
        """Characters that need an escape."""

    def encode(self, text: str) -> bytes:
        """One septet an octet. Raises :class:`UnicodeEncodeError` at the first character that it does not have."""
        return codecs.charmap_encode(text, "strict", self._codes)[0]

    def decode(self, octets: bytes) -> str:
        """The text; never fails."""
        if _ESC not in octets:
            return codecs.charmap_decode(octets, "strict", self._main)[0]
        return _PAIR.sub(_numbered, octets.decode("latin-1")).translate(self._numbered)

    def __contains__(self, character: str) -> bool:
        return ord(character) in self._codes

    def missing(self, text: str) -> str:
        """The characters of ``text`` that it does not have, each once, in order."""
        codes = self._codes
        return "".join(c for c in dict.fromkeys(text) if ord(c) not in codes)


@cache
def gsm_alphabet(locking: Language | None = None, single: Language | None = None) -> GsmAlphabet:
    """The alphabet of these tables; ``None`` means the default alphabet and the extension table.

    Raises :class:`KeyError` for a language that has no table of the kind (Spanish has no locking shift).
    """
    return GsmAlphabet(locking, single)


def _numbered(pair: re.Match[str]) -> str:
    """An escape and its octet as one character; an escape at the end is followed by an escape, so to speak."""
    return chr(0x100 + ord(pair[1] or "\x1b"))


def _cells(table: str) -> list[str]:
    """The 128 characters of a table, ``""`` where it defines none and at its escape."""
    cells = table.split()
    assert len(cells) == 128, len(cells)
    return ["" if cell in ("--", "ESC") else _character(cell) for cell in cells]


def _character(cell: str) -> str:
    return chr(int(cell, 16)) if len(cell) == 4 else _NAMES.get(cell, cell)


GSM_DEFAULT = gsm_alphabet()
"""The default alphabet with its extension."""
