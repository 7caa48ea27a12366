"""How people say in a message that they want no more of them, or want them again: one word, and nothing else.

Theory of operation. Texts and keywords are folded alike (:func:`fold_text`), so that case, width, punctuation, kinds of
apostrophes and accents that a keyboard does not have make no difference. A language is heard from the numbers of its
countries, or from everywhere. Where a word belongs to several languages of a country, the first one answers.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from attrs import define

EVERYWHERE = "*"
TEXT_CHARACTERS_MAX = 40
"""A longer text is no keyword."""
_ACCENTS = range(0x300, 0x370)
"""Combining marks of Latin, Greek and Cyrillic letters; those of other scripts are vowels."""


class Wish(StrEnum):
    """What a keyword asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"


@define(frozen=True)
class Language:
    """The words of one language, and what is answered in it."""

    name: str
    countries: frozenset[str]
    """ISO 3166; :data:`EVERYWHERE`: of all numbers."""
    words: Mapping[Wish, Sequence[str]]
    answers: Mapping[Wish, str]
    """To STOP and START; HELP is answered by the account."""


class Heard(NamedTuple):
    """What somebody said."""

    wish: Wish
    language: Language


class Keywords:
    """The words of all languages."""

    def __init__(self, languages: Sequence[Language] = ()) -> None:
        """Of languages that share a word in a country the first one has it; those that are heard everywhere come
        last."""
        self._by_country: dict[str, dict[str, Heard]] = {}
        for language in languages:
            for country in language.countries:
                words = self._by_country.setdefault(country, {})
                for wish, own in language.words.items():
                    for word in own:
                        words.setdefault(fold_text(word), Heard(wish, language))

    def find(self, text: str, country: str) -> Heard | None:
        """What ``text``, from a number of ``country`` (``""``: of an unknown one), says; ``None``: no keyword."""
        if len(text) > TEXT_CHARACTERS_MAX:
            return None
        folded = fold_text(text)
        for place in (country, EVERYWHERE):
            heard = self._by_country.get(place, {}).get(folded)
            if heard is not None:
                return heard
        return None


def fold_text(text: str) -> str:
    """One spelling: NFKC, case folding, no accents or apostrophes, words parted by one space, letters and digits only.
    Folding it again changes nothing."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = (character for character in decomposed if ord(character) not in _ACCENTS)
    recomposed = unicodedata.normalize("NFKC", "".join(kept)).casefold()
    return " ".join("".join(_plain(character) for character in recomposed).split())


def _plain(character: str) -> str:
    if character in _APOSTROPHES:
        return ""
    return character if unicodedata.category(character)[0] in "LMN" else " "


_APOSTROPHES = frozenset("'`´‘’ʻʼʹ＇")
