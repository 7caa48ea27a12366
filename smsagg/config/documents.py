"""The files of a configuration as texts: which they are, what they say, and the same without its secrets.

A configuration is its main file and the data files that it names. Versions of it are kept for months, in a store that
more people can read than the file; so passwords, their hashes, secrets, tokens, and URLs, which may hold any of them,
are replaced by a *mark*: ``"redacted:1f03a9c2"``, 32 bits of a keyed digest. A mark tells whether a secret has changed
and allows no guessing of it; and a text with marks becomes whole again from a file that still has the same secrets
(:func:`restored`).
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import attrs
from attrs import define

from smsagg.config.units import BulkFile, DataFile
from smsagg.errors import ConfigError

READS_MAX = 5
"""How often files are read again that change while they are read."""

_SECRET = r"(?:[A-Za-z0-9_-]*_)?(?:password|password_hash|secret|token|url)"
_KEY = re.compile(rf"(?:{_SECRET})")
_VALUE = r"\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'"
_ASSIGNED = re.compile(rf"""(?<![A-Za-z0-9_-])(["']?{_SECRET}["']?[ \t]*=[ \t]*)({_VALUE})""")
_NO_COPY = "# No copy is kept of this file:"
_MARK = "redacted:"
_MARKED = re.compile(rf'"{_MARK}([0-9a-f]{{8}})"')

DigestOf = Callable[[str], str]
"""Eight hexadecimal digits that tell a secret from others; see :func:`digests_with`."""


@define(frozen=True)
class Documents:
    """What the files said at one moment."""

    main: str
    """The name of the main file among ``texts``."""
    texts: Mapping[str, str]
    """By name: the path as seen from the folder of the main file."""


def digest_of_file(path: Path) -> str:
    """What stands for a bulk file among the texts. Raises ConfigError when it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return f"{_NO_COPY} {file.tell()} octets, SHA-256 {digest}\n"
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def is_digest(text: str) -> bool:
    """Whether ``text`` stands for a file that is not kept."""
    return text.startswith(_NO_COPY)


def read_text(path: Path) -> str:
    """Raises ConfigError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8: {error.reason} at octet {error.start}") from error


def data_files(config: Any) -> list[DataFile]:
    """Paths of all data files that a configuration, or any table of it, names."""
    return list(dict.fromkeys(_files(DataFile, config, type(config))))


def read_documents(path: Path, config: Any) -> Documents:
    """The main file at ``path``, and the data files that ``config`` names. Raises ConfigError when one cannot be read;
    the reason is told by who reads it as what it is."""
    texts = {path.name: read_text(path)}
    for file in data_files(config):
        texts[name_of(path, file)] = read_text(Path(file))
    for file in dict.fromkeys(_files(BulkFile, config, type(config))):
        texts[name_of(path, file)] = digest_of_file(Path(file))
    return Documents(path.name, texts)


def name_of(main: Path, file: str) -> str:
    """What a data file is called among the documents of the main file."""
    return os.path.relpath(file, main.parent)


def is_secret(key: str) -> bool:
    """Whether the value of a key of this name is never kept."""
    return _KEY.fullmatch(key) is not None


def digests_with(key: bytes) -> DigestOf:
    """Digests that only who has ``key`` can make."""

    def digest_of(secret: str) -> str:
        return hashlib.blake2b(secret.encode(), digest_size=4, key=key).hexdigest()

    return digest_of


def redacted(documents: Documents, digest_of: DigestOf) -> Documents:
    """The same with marks in place of the main file's secrets, in comments too."""

    def mark(found: re.Match[str]) -> str:
        secret = _string(found[2])
        if not secret or _MARKED.fullmatch(f'"{secret}"'):
            return found[0]
        return f'{found[1]}"{_MARK}{digest_of(secret)}"'

    text = _ASSIGNED.sub(mark, documents.texts[documents.main])
    if any(not secret.startswith(_MARK) for secret in _secrets(_parsed(text))):
        text = f"# {documents.main} writes a secret in a way that is not understood; nothing of it is kept.\n"
    return Documents(documents.main, {**documents.texts, documents.main: text})


def restored(text: str, present: str, digest_of: DigestOf) -> str:
    """A redacted main file with its secrets, which ``present`` has. Raises ConfigError that names the lines of those
    that it has not."""
    literals: dict[str, str] = {digest_of(_string(value)): value for _, value in _ASSIGNED.findall(present)}
    missing: list[str] = []

    def literal_of(found: re.Match[str]) -> str:
        literal = literals.get(found[1])
        if literal is None:
            missing.append(f"line {text.count(chr(10), 0, found.start()) + 1}")
            return str(found[0])
        return literal

    whole = _MARKED.sub(literal_of, text)
    if missing:
        raise ConfigError(f"secrets of that version are not in the present file: {', '.join(missing)}")
    return whole


def digest_of_text(text: str) -> str:
    """By which a text is kept, and told from others."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_all(texts: Mapping[str, str]) -> str:
    """The same of several, by name."""
    lines = sorted(f"{digest_of_text(text)}  {name}\n" for name, text in texts.items())
    return digest_of_text("".join(lines))


def _files(kind: Any, value: Any, type_: Any) -> Iterator[Any]:
    """Paths of one kind in a value of that type."""
    if value is None:
        return
    if type_ is kind:
        yield value
    elif attrs.has(type(value)):
        for attribute in attrs.fields(attrs.resolve_types(type(value))):
            yield from _files(kind, getattr(value, attribute.name), attribute.type)
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _files(kind, member, get_args(type_)[-1] if get_args(type_) else None)
    elif isinstance(value, tuple | list):
        for member in value:
            yield from _files(kind, member, get_args(type_)[0] if get_args(type_) else None)
    elif kind in get_args(type_) and value:
        yield value


def _string(literal: str) -> str:
    try:
        return str(tomllib.loads(f"x = {literal}")["x"])
    except tomllib.TOMLDecodeError:  # in a comment
        return literal.strip("\"'")


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {"password": "the text is no TOML any more"}


def _secrets(value: Any) -> Iterator[str]:
    """Values, but empty ones, of keys that name a secret."""
    if isinstance(value, dict):
        for key, member in value.items():
            if isinstance(member, str) and member and is_secret(key):
                yield member
            else:
                yield from _secrets(member)
    elif isinstance(value, list):
        for member in value:
            yield from _secrets(member)
