"""Saying in GSM 03.38 what was written with other characters.

Four levels, each including the ones before:

===========  ==========================================================================================================
Level        What is replaced, where GSM has no such character
===========  ==========================================================================================================
none         nothing but the form: a letter and its combining accent become one character (Unicode NFC)
typographic  quotes, dashes, ellipsis, spaces of all widths, ligatures, full-width forms and the like by plain ones;
             characters that are not seen (zero width, direction marks) go
latin        letters of the Latin script by those without the accent, as ``anyascii`` has them: ``ł`` by ``l``
all          everything by what ``anyascii`` has for it: Cyrillic, Greek, Chinese in Latin letters, emoji by their names
===========  ==========================================================================================================

It is all or nothing: a text with a character that the level has no replacement for is given up at that character, so
that a text in another script costs next to nothing. Replacements are kept, at most ``KEPT_MAX`` for each alphabet and
level, since working one out takes some microseconds.
"""

from enum import IntEnum
from functools import cache
from unicodedata import category, is_normalized, name, normalize

import regex
from anyascii import anyascii

from smsagg.text.gsm import GsmAlphabet

KEPT_MAX = 30_000
SHORT_TEXT = 500
"""So many characters are normalised quickly, whatever they are."""
_UNSAFE_RUN = regex.compile(r"\p{M}{31}")
_COMBINING_DIACRITICS = range(0x0300, 0x0370)


class Transliteration(IntEnum):
    """How far replacing may go."""

    NONE = 0
    TYPOGRAPHIC = 1
    LATIN = 2
    ALL = 3


_TYPOGRAPHIC_GROUPS = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u2035\u02b9\u02bb\u02bc\u02bd\u00b4\u0060\u02cb\u2039\u203a",
    '"': "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u02ba\u02ee\u301d\u301e\u301f",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\u02d7\ufe58\ufe63\u2e3a\u2e3b",
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\u000b\u0085\u2028\u2029",
    "": "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff",
    "*": "\u2022\u2023\u25cf\u25e6\u2217\u204e\u00b7\u2219",
    ".": "\u2024",
    "..": "\u2025",
    "...": "\u2026",
    "/": "\u2044\u2215\u00f7",
    "x": "\u00d7",
    ":": "\u2236\u02d0",
    "~": "\u02dc\u223c\u301c",
    "^": "\u02c6\u2303",
    "|": "\u00a6\u2223",
    "<": "\u2329\u3008",
    ">": "\u232a\u3009",
    "!!": "\u203c",
    "(c)": "\u00a9",
    "(R)": "\u00ae",
    "o": "\u00b0",
    "+-": "\u00b1",
    "u": "\u00b5",
    "c": "\u00a2",
    "%.": "\u2030",
}
_TYPOGRAPHIC = {ord(c): plain for plain, characters in _TYPOGRAPHIC_GROUPS.items() for c in characters}
"""Where NFKC has nothing, or something else than what one writes in a text message."""


class _NoReplacement(ValueError):
    """Not a LookupError, which :meth:`str.translate` would take to mean that the character stays."""


class _Replacements(dict[int, str]):
    """What :meth:`str.translate` asks: the replacement by code point, worked out when it is first asked for."""

    def __init__(self, alphabet: GsmAlphabet, level: Transliteration) -> None:
        super().__init__()
        self._alphabet = alphabet
        self._level = level

    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        replacement = character if character in self._alphabet else self._replace(character)
        if len(self) < KEPT_MAX:
            self[code_point] = replacement
        return replacement

    def _replace(self, character: str) -> str:
        if self._level >= Transliteration.TYPOGRAPHIC:
            plain = _TYPOGRAPHIC.get(ord(character))
            if plain is None:
                plain = normalize("NFKC", character).translate(_TYPOGRAPHIC)
            if self._fits(plain):
                return plain
        if self._level >= Transliteration.LATIN and (self._level >= Transliteration.ALL or _is_latin(character)):
            plain = anyascii(character).replace("`", "'")
            if self._fits(plain) and (plain or ord(character) in _COMBINING_DIACRITICS):
                return plain
        raise _NoReplacement(character)

    def _fits(self, text: str) -> bool:
        return not self._alphabet.missing(text)


@cache
def _replacements(alphabet: GsmAlphabet, level: Transliteration) -> _Replacements:
    return _Replacements(alphabet, level)


def transliterate(text: str, alphabet: GsmAlphabet, level: Transliteration) -> str | None:
    """``text`` with what ``alphabet`` lacks replaced; ``None`` when ``level`` has no replacement for some of it.

    A text with more than 30 combining marks in a row is no text (UAX #15 §13): ``None``. Normalising it takes a time
    that grows with the square of their number.
    """
    if len(text) > SHORT_TEXT and _UNSAFE_RUN.search(text):
        return None
    if not is_normalized("NFC", text):
        text = normalize("NFC", text)
    try:
        return text.translate(_replacements(alphabet, level))
    except _NoReplacement:
        return None


def _is_latin(character: str) -> bool:
    """A letter of the Latin script, or an accent that no composed letter took in."""
    if ord(character) in _COMBINING_DIACRITICS:
        return True
    return category(character)[0] == "L" and name(character, "").startswith("LATIN ")
