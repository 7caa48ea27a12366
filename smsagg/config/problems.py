"""What is wrong with a configuration: key paths and reasons, collected so that all of them can be told at once."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong."""

    path: tuple[str, ...]
    """Keys from the top of the file; an element of a list is ``"[0]"``; empty: the file as a whole."""
    reason: str

    def under(self, key: str) -> "Problem":
        """The same problem seen from one table further out."""
        return Problem((key, *self.path), self.reason)

    def line(self, file: str) -> str:
        """``file: key.path: reason``."""
        if not self.path:
            return f"{file}: {self.reason}"
        keys = ".".join(part if _is_bare(part) else f'"{part}"' for part in self.path)
        return f"{file}: {keys.replace('.[', '[')}: {self.reason}"


class Problems(Exception):
    """Raised by the parts of the loader for what they found wrong; never leaves :mod:`smsagg.config`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = list(problems)


def unknown_name(path: tuple[str, ...], name: str, known: Iterable[str], kind: str) -> Iterator[Problem]:
    """One problem at ``path`` when ``name`` is not among the ``known`` names of that kind, with the nearest that is."""
    names = sorted(known)
    if name not in names:
        nearest = get_close_matches(name, names, n=1)
        hint = f'did you mean "{nearest[0]}"?' if nearest else f"known: {', '.join(names) or 'none'}"
        yield Problem(path, f'"{name}" is no {kind} in this file; {hint}')


def _is_bare(part: str) -> bool:
    return part.startswith("[") or (part != "" and part.replace("_", "").replace("-", "").isalnum())
