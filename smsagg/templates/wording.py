"""One text of a template: pieces as they are, and places for parameters.

``{name}`` is a place; ``{{`` and ``}}`` are braces. There is nothing else to it: no expressions, no formats. What is
put into a place is not read again, so that no value can name another parameter or make a place of its own.
"""

import re
from collections.abc import Mapping

from attrs import define

NAME_PATTERN = "^[a-z][a-z0-9_]{0,31}$"
_NAME = re.compile(NAME_PATTERN, re.ASCII)
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


class BadWording(ValueError):
    """A text that is none of a template; says where and why."""


@define(frozen=True)
class Wording:
    """A text, read."""

    pieces: tuple[tuple[str, bool], ...]
    """(text, False) or (name of a parameter, True)."""

    @property
    def names(self) -> frozenset[str]:
        """The parameters that it has places for."""
        return frozenset(piece for piece, is_place in self.pieces if is_place)

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with what is to stand in its places, each of which has a value."""
        return "".join(values[piece] if is_place else piece for piece, is_place in self.pieces)


def read_wording(text: str) -> Wording:
    """Raises :class:`BadWording`."""
    pieces: list[tuple[str, bool]] = []
    for found in _PIECE.finditer(text):
        piece, name = found[0], found[1]
        if name is not None:
            if not _NAME.fullmatch(name):
                raise BadWording(f'"{{{name[:32]}}}" at character {found.start()} names no parameter')
            pieces.append((name, True))
        elif piece in ("{", "}"):
            raise BadWording(f'a single "{piece}" at character {found.start()}; a brace itself is written twice')
        else:
            pieces.append((piece[0] if piece in ("{{", "}}") else piece, False))
    return Wording(tuple(pieces))
