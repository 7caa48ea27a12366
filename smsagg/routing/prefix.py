"""Longest-prefix look-up on digits: a number's country, or any other table keyed by leading digits.

Theory of operation. Prefixes are grouped by their first three digits (calling codes have at most three). For each
group the table knows the value when nothing longer matches and the lengths of the longer prefixes that exist, so
most look-ups are one slice and one dict access, and the others try only lengths that can match, longest first.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

from smsagg.routing.prefixes import PREFIXES

V = TypeVar("V")

_GROUP_DIGITS = 3


class PrefixTable(Generic[V]):
    """Values by leading digits; immutable, memory linear in the number of prefixes (and 1,110 groups at most)."""

    __slots__ = ("_by_prefix", "_deep", "_default", "_shallow")

    def __init__(self, by_prefix: Mapping[str, V], default: V) -> None:
        """``by_prefix`` holds ASCII digit strings; the empty prefix is not allowed, ``default`` says that."""
        for prefix in by_prefix:
            if not (prefix.isascii() and prefix.isdecimal()):
                raise ValueError(f"not a digit prefix: {prefix!r}")
        self._default = default
        self._by_prefix = dict(by_prefix)
        deep: dict[str, set[int]] = {}
        for prefix in by_prefix:
            if len(prefix) > _GROUP_DIGITS:
                deep.setdefault(prefix[:_GROUP_DIGITS], set()).add(len(prefix))
        self._deep = {group: tuple(sorted(lengths, reverse=True)) for group, lengths in deep.items()}
        self._shallow: dict[str, V] = {}
        for prefix in sorted(by_prefix, key=len):
            if len(prefix) <= _GROUP_DIGITS:
                missing = _GROUP_DIGITS - len(prefix)
                for tail in range(10**missing):
                    self._shallow[prefix + (f"{tail:0{missing}d}" if missing else "")] = by_prefix[prefix]

    def find(self, digits: str) -> V:
        """The value of the longest prefix of ``digits`` in the table, or the default."""
        group = digits[:3]
        if group in self._deep:
            by_prefix = self._by_prefix
            for length in self._deep[group]:
                prefix = digits[:length]
                if prefix in by_prefix:
                    return by_prefix[prefix]
        if group in self._shallow:
            return self._shallow[group]
        if len(digits) < _GROUP_DIGITS:
            return self._find_short(digits)
        return self._default

    def _find_short(self, digits: str) -> V:
        for length in range(len(digits), 0, -1):
            if digits[:length] in self._by_prefix:
                return self._by_prefix[digits[:length]]
        return self._default

    def __len__(self) -> int:
        return len(self._by_prefix)


COUNTRIES = PrefixTable(PREFIXES, "")

country_of = COUNTRIES.find
"""The ISO 3166 alpha-2 region of E.164 digits (no plus), ``"001"`` for non-geographic codes, ``""`` when unknown.

Unassigned digits below an assigned calling code belong to that code's first region (``+1 2xx`` is US).
"""
