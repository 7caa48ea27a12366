"""How keywords of messages from handsets are compared."""

import unicodedata


def fold_keyword(word: str) -> str:
    """One word, folded so that its spellings are equal: NFKC, Unicode case folding, no punctuation at the edges.

    ``STOP``, ``stop!`` and full-width ``ＳＴＯＰ`` are one keyword, and so are the composed and the decomposed form of
    a letter with diacritics. A word of punctuation alone stays as it is.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).casefold())
    start, end = 0, len(folded)
    while start < end and _is_punctuation(folded[start]):
        start += 1
    while end > start and _is_punctuation(folded[end - 1]):
        end -= 1
    return folded[start:end] or folded


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")
