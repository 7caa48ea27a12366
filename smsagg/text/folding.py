"""One spelling for texts that mean to read alike: what patterns are looked for in.

A rule that looks for ``paypal`` should find ``PayPal``, full-width ``ＰＡＹＰＡＬ``, ``pay\\u200bpal`` and ``рaypal``
with a Cyrillic first letter. A text therefore has one or two *readings*:

* :func:`folded`: NFKC, Unicode case folding, no characters that take no room (zero-width spaces and joiners, soft
  hyphens, marks of direction, variation selectors), and one space for each run of white space;
* the folded text *as it looks*: its letters replaced by the Latin ones that they are drawn like, and without accents.
  It is another one only when there is such a letter, so texts in ASCII have one reading.

Who looks for words of other scripts finds them in the first. Nothing here knows digits drawn as letters (``pay9al``):
these change what honest texts say. All of it takes time linear in the text: long runs of combining marks, of which
normalising takes a time that grows with the square of their number, are cut to 30 (UAX #15 §13).
"""

import unicodedata

import regex

_LOOKS = {
    # Cyrillic
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "ё": "e", "є": "e", "ґ": "r", "һ": "h", "н": "h", "і": "i",
    "ї": "i", "ј": "j", "к": "k", "ӏ": "l", "м": "m", "о": "o", "р": "p", "ԛ": "q", "г": "r", "ѕ": "s", "т": "t",
    "ц": "u", "ѵ": "v", "ш": "w", "щ": "w", "ԝ": "w", "х": "x", "ҳ": "x", "у": "y", "ү": "y", "з": "3", "ь": "b",
    # Greek
    "α": "a", "β": "b", "ϲ": "c", "δ": "d", "ε": "e", "η": "n", "ι": "i", "κ": "k", "μ": "u", "ν": "v", "ο": "o",
    "ρ": "p", "σ": "o", "τ": "t", "υ": "u", "χ": "x", "γ": "y", "ω": "w", "ϳ": "j", "ζ": "z",
    # Armenian, Cherokee (folded to its small letters' capitals), and Latin letters that no accent explains
    "ո": "n", "ս": "u", "օ": "o", "հ": "h", "ց": "g", "զ": "q", "ք": "p", "յ": "j", "ա": "w",
    "Ꭺ": "a", "Ᏼ": "b", "Ꮯ": "c", "Ꭼ": "e", "Ꮋ": "h", "Ꭻ": "j", "Ꮶ": "k", "Ꮮ": "l", "Ꮇ": "m", "Ꮲ": "p", "Ꮪ": "s",
    "Ꭲ": "t", "Ꮩ": "v", "Ꮤ": "w", "Ꮓ": "z", "ı": "i", "ɩ": "i", "ɡ": "g", "ɑ": "a", "ø": "o", "đ": "d", "ħ": "h",
    "ł": "l", "ŧ": "t", "ƅ": "b", "ᴏ": "o", "ᴀ": "a", "ᴄ": "c", "ᴅ": "d", "ᴇ": "e", "ᴋ": "k", "ᴍ": "m", "ᴘ": "p",
    "ꜱ": "s", "ᴛ": "t", "ᴜ": "u", "ᴠ": "v", "ᴡ": "w", "ᴢ": "z", "ɪ": "i", "ʏ": "y", "ɴ": "n", "ʀ": "r", "ʟ": "l",
    "ʜ": "h", "ʙ": "b",
}  # fmt: skip
_LIKENESSES = str.maketrans(_LOOKS)
_UNSAFE_RUN = regex.compile(r"(\p{M}{30})\p{M}+")
_SHORT_TEXT = 500
"""So many characters are normalised quickly, whatever they are."""
_LONG_LIGATURES = {0xFDFA: " ", 0xFDFB: " "}
"""Two Arabic phrases in one character each, of which NFKC makes 18 and 8; in long texts they are left out."""
_JOINER = "\u034f"
"""COMBINING GRAPHEME JOINER, which is a mark and is never seen."""


def folded(text: str) -> str:
    """``text`` in one spelling, in its own script."""
    if text.isascii():
        folded_text = text.lower()
    else:
        seen = "".join(character for character in text if _takes_room(character))
        if len(seen) > _SHORT_TEXT:
            seen = _UNSAFE_RUN.sub(r"\1", seen.translate(_LONG_LIGATURES))
        folded_text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    return " ".join(folded_text.split())


def readings(text: str) -> tuple[str, ...]:
    """``text`` folded, and folded as it looks when that is another."""
    first = folded(text)
    if first.isascii():
        return (first,)
    second = as_it_looks(first)
    return (first,) if second == first else (first, second)


def as_it_looks(folded_text: str) -> str:
    """A folded text with Latin letters for those that look like them, and without accents."""
    bare = "".join(
        character for character in unicodedata.normalize("NFD", folded_text) if unicodedata.category(character) != "Mn"
    )
    return unicodedata.normalize("NFC", bare.translate(_LIKENESSES))


def _takes_room(character: str) -> bool:
    if character < "\u007f":
        return True
    category = unicodedata.category(character)
    if category == "Mn":
        return character != _JOINER and not "\ufe00" <= character <= "\ufe0f" and not character >= "\U000e0100"
    return category != "Cf"
