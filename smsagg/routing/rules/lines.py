"""On which line a table or a key of a TOML document stands, since the parser does not say.

A pass over the characters that knows strings, comments and brackets, so that what looks like a header within a text or
a list is none. The document is known to be good TOML. Only what stands at the top or in arrays of tables is found
precisely; all else is told by the nearest thing above it that was found.
"""

import re
from collections.abc import Iterator

Path = tuple[str, ...]
"""Keys from the top; an element of an array is ``"[0]"``."""

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[][{}\n]",
    re.DOTALL,
)
"""Strings and comments as a whole, brackets, ends of lines."""
_HEADER = re.compile(r"[ \t]*(\[\[?)[ \t]*([A-Za-z0-9_-]+)")
_KEY = re.compile(r"""[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))""")


class Lines:
    """Lines by path, counted from 1."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._scan(text)

    def of(self, path: Path) -> int:
        """The line of what is at ``path``, or of the nearest thing that holds it; 1 for the document as a whole."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1

    def _scan(self, text: str) -> None:
        table: Path = ()
        tables: dict[str, int] = {}
        for number, line in _statements(text):
            header = _HEADER.match(line)
            if header is not None:
                name = header[2]
                if header[1] == "[[":
                    tables[name] = tables.get(name, -1) + 1
                    table = (name, f"[{tables[name]}]")
                    self._lines.setdefault((name,), number)
                else:
                    table = (name,)
                self._lines.setdefault(table, number)
            elif (key := _KEY.match(line)) is not None:
                self._lines.setdefault((*table, key[1] or key[2] or key[3]), number)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """``(line on which it begins, its text)`` of what ends with a line that is not within a string or brackets."""
    number, depth, line, start = 1, 0, 1, 0
    for token in _TOKEN.finditer(text):
        found = token[0]
        if found == "\n":
            number += 1
            if depth == 0:
                yield line, text[start : token.start()]
                line, start = number, token.end()
        elif found in "[{":
            depth += 1
        elif found in "]}":
            depth -= 1
        else:
            number += found.count("\n")
    yield line, text[start:]
