"""Patterns that operators write, looked for in time linear in the text whatever the pattern: RE2.

RE2's syntax is that of Perl and Python without back-references and look-around, which are what makes other engines take
exponential time. A :class:`PatternSet` looks for all of its patterns in one pass, so that a hundred cost as much as
one.
"""

from collections.abc import Sequence

import re2

PATTERN_CHARACTERS_MAX = 1_000
SET_OCTETS_MAX = 32 << 20
"""Of memory that a set may have."""


class Pattern:
    """One pattern. ``fold``: letters match in either case, for texts that are folded."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str, *, fold: bool = False) -> None:
        """Raises ValueError with what is wrong with the pattern."""
        self.text = text
        self._compiled = _compile(text, fold)

    def is_in(self, text: str) -> bool:
        """Whether it is found anywhere in ``text``."""
        return self._compiled.search(text) is not None


class PatternSet:
    """Several patterns, by their index."""

    __slots__ = ("_set",)

    def __init__(self, texts: Sequence[str], *, fold: bool = False) -> None:
        """Raises ValueError with what is wrong with a pattern, or that they are too much together."""
        self._set = None
        if not texts:
            return
        compiled = re2.Set.SearchSet(_options(fold))
        for text in texts:
            _compile(text, fold)
            compiled.Add(text)
        try:
            compiled.Compile()
        except re2.error as error:
            raise ValueError("the patterns need too much memory together") from error
        self._set = compiled

    def find(self, text: str) -> list[int]:
        """The indices of those found anywhere in ``text``, ascending."""
        return sorted(self._set.Match(text) or ()) if self._set is not None else []


def _compile(text: str, fold: bool) -> re2._Regexp:
    if len(text) > PATTERN_CHARACTERS_MAX:
        raise ValueError(f"must have at most {PATTERN_CHARACTERS_MAX} characters, not {len(text)}")
    try:
        return re2.compile(text, _options(fold))
    except re2.error as error:
        reason = error.args[0]
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"is no pattern of RE2: {said}") from error


def _options(fold: bool) -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    options.case_sensitive = not fold
    options.max_mem = SET_OCTETS_MAX
    return options
