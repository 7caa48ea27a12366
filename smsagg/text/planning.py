"""How a text goes out: its alphabet, its segments, and what they cost.

A text that GSM 03.38 and its extension can say goes so. Else it is the way with the fewest segments, and of equals the
first of these:

1. GSM 03.38 with national tables that the rules allow, if UCS-2 takes more segments: handsets may not know the tables;
2. GSM 03.38 after transliteration, when the rules allow enough of it;
3. UCS-2, of the text as it was written.

Lengths follow from 140 octets on air less the user data header, which names the national tables and, when there are
several segments, their reference (of 8 bits). Segments end between grapheme clusters, unless one alone is longer than a
segment. Work grows with the text's length and not faster.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from attrs import define

from smsagg.text.data_coding import Alphabet
from smsagg.text.graphemes import last_boundary
from smsagg.text.gsm import GSM_DEFAULT, GsmAlphabet, gsm_alphabet
from smsagg.text.gsm_tables import LOCKING_SHIFT, Language
from smsagg.text.header import CONCATENATION_OCTETS, language_elements
from smsagg.text.split import part_octets
from smsagg.text.transliteration import Transliteration, transliterate

DATA_CODING_GSM = 0x00
DATA_CODING_UCS2 = 0x08


@define(frozen=True)
class Rules:
    """What may be done to a text."""

    transliteration: Transliteration = Transliteration.NONE
    languages: tuple[Language, ...] = ()
    """Whose national tables may be used: the handsets must know them."""
    alphabet: Alphabet | None = None
    """``GSM`` or ``UCS2`` and no other; ``None``: the cheapest."""


@define(frozen=True)
class Plan:
    """A text as it goes out."""

    alphabet: Alphabet
    """``GSM`` or ``UCS2``."""
    locking: Language | None
    single: Language | None
    text: str
    """What is sent: as it was given, or transliterated."""
    segments: tuple[str, ...]
    """At least one; joined they are ``text``."""
    bodies: tuple[bytes, ...]
    """The segments' octets without header: septets unpacked, or UTF-16 big-endian."""
    segment_units: int
    """Septets (GSM) or 16-bit units (UCS-2) that one segment can hold."""
    remaining_units: int
    """How many more fit the last segment."""
    forced_by: str
    """The characters of the given text, each once, that GSM 03.38 does not have."""

    @property
    def data_coding(self) -> int:
        return DATA_CODING_GSM if self.alphabet is Alphabet.GSM else DATA_CODING_UCS2

    @property
    def elements(self) -> bytes:
        """Information elements that name the national tables; they belong into the header of each segment."""
        return language_elements(self.locking, self.single)

    @property
    def units(self) -> int:
        """Septets or 16-bit units of the whole text."""
        octets = sum(map(len, self.bodies))
        return octets if self.alphabet is Alphabet.GSM else octets // 2


class DoesNotFit(ValueError):
    """The one alphabet that the rules allow lacks characters of the text."""

    def __init__(self, missing: str) -> None:
        super().__init__(f"GSM 03.38 has no {missing!r}")
        self.missing = missing


def plan(text: str, rules: Rules) -> Plan:
    """The cheapest way to send ``text`` under ``rules``.

    Raises :class:`DoesNotFit` when only GSM is allowed and does not do.
    """
    missing = GSM_DEFAULT.missing(text)
    if rules.alphabet is Alphabet.UCS2:
        return _ucs2_plan(text, missing)
    if not missing:
        return _gsm_plan(text, missing, GSM_DEFAULT)
    ucs2 = [] if rules.alphabet is Alphabet.GSM else [_ucs2_plan(text, missing)]
    national = [_gsm_plan(text, missing, alphabet) for alphabet in _national(rules.languages, text)]
    if ucs2:
        national = [way for way in national if len(way.segments) < len(ucs2[0].segments)]
    plain = transliterate(text, GSM_DEFAULT, rules.transliteration)
    says_nothing = not plain and bool(ucs2)  # combining marks alone
    transliterated = [] if plain is None or says_nothing else [_gsm_plan(plain, missing, GSM_DEFAULT)]
    ways = national + transliterated + ucs2
    if not ways:
        raise DoesNotFit("".join(c for c in missing if transliterate(c, GSM_DEFAULT, rules.transliteration) is None))
    return min(ways, key=lambda way: len(way.segments))  # of equals the first


def _national(languages: Sequence[Language], text: str) -> Iterator[GsmAlphabet]:
    """The alphabets of ``languages`` that have all of ``text``, those with the shortest header first."""
    pairs: list[tuple[Language | None, Language | None]] = [(None, language) for language in languages]
    pairs += [(language, None) for language in languages if language in LOCKING_SHIFT]
    pairs += [(language, language) for language in languages if language in LOCKING_SHIFT]
    for locking, single in pairs:
        alphabet = gsm_alphabet(locking, single)
        if not alphabet.missing(text):
            yield alphabet


def _gsm_plan(text: str, missing: str, alphabet: GsmAlphabet) -> Plan:
    two = alphabet.two_septets
    elements = language_elements(alphabet.locking, alphabet.single)
    segments, size = _segments(text, [2 if c in two else 1 for c in text], elements, DATA_CODING_GSM, 1)
    bodies = tuple(map(alphabet.encode, segments))
    remaining = size - len(bodies[-1])
    return Plan(Alphabet.GSM, alphabet.locking, alphabet.single, text, segments, bodies, size, remaining, missing)


def _ucs2_plan(text: str, missing: str) -> Plan:
    segments, size = _segments(text, [1 + (c > "\uffff") for c in text], b"", DATA_CODING_UCS2, 2)
    bodies = tuple(segment.encode("utf-16-be", "surrogatepass") for segment in segments)
    remaining = size - len(bodies[-1]) // 2
    return Plan(Alphabet.UCS2, None, None, text, segments, bodies, size, remaining, missing)


def _segments(
    text: str, units: Sequence[int], elements: bytes, data_coding: int, unit_octets: int
) -> tuple[tuple[str, ...], int]:
    """Cut ``text``, whose characters take ``units``; and the units that fit one segment."""
    ends = list(accumulate(units))
    total = ends[-1] if ends else 0
    size = part_octets(data_coding, 1 + len(elements) if elements else 0) // unit_octets
    if total <= size:
        return (text,), size
    size = part_octets(data_coding, 1 + len(elements) + CONCATENATION_OCTETS) // unit_octets
    segments = []
    start = done = 0
    while total - done > size:
        limit = bisect_right(ends, done + size)
        cut = last_boundary(text[start:limit], text[limit]) or limit - start
        segments.append(text[start : start + cut])
        start += cut
        done = ends[start - 1]
    segments.append(text[start:])
    return tuple(segments), size
