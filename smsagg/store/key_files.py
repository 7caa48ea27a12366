"""Where the store's keys are: files and variables of the environment, as ``[store.encryption]`` names them.

A file holds one key a line, the newest first, and is readable by its owner alone. It is written beside its name and
renamed when it is on the medium: a crash leaves the old file or the new one. What replaces a file is for those who
could read that one: an administrator may rotate the keys of a server that runs as somebody else.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from attrs import define

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.protection import Cipher, Key, parse_keys
from smsagg.protection.key import format_keys, new_key


@define(frozen=True)
class KeySource:
    """One place of keys."""

    kind: str
    """``"file"`` or ``"env"``."""
    place: str
    """The path, or the variable's name."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}"


def key_sources(settings: StoreSettings) -> list[KeySource]:
    """Those of the configuration, or the file beside the store."""
    named = settings.encryption.keys or (f"file:{settings.path}.key",)
    return [KeySource(*source.split(":", 1)) for source in named]


def read_keys(settings: StoreSettings, environ: Mapping[str, str] = os.environ) -> list[tuple[KeySource, Key]]:
    """All keys, the newest first, each once. Raises :class:`StoreFailed` for a place that holds none."""
    found: dict[bytes, tuple[KeySource, Key]] = {}
    for source in key_sources(settings):
        for key in _read(source, environ):
            found.setdefault(key.key_id, (source, key))
    return list(found.values())


def load_cipher(settings: StoreSettings) -> Cipher:
    """What seals and opens the store of ``settings``; raises :class:`StoreFailed` without its keys."""
    return Cipher([key for _, key in read_keys(settings)], os.urandom)


def make_keys(settings: StoreSettings) -> None:
    """The file beside the store, if that is where its keys are to be and there is none."""
    if _is_missing(settings):
        write_keys(Path(key_sources(settings)[0].place), [new_key(os.urandom)])


def write_keys(path: Path, keys: list[Key]) -> None:
    """Replace or make a key file. Raises :class:`StoreFailed`."""
    write_private(path, format_keys(keys).encode())


def write_private(path: Path, octets: bytes) -> None:
    """Replace or make a file, which its owner alone may read. Raises :class:`StoreFailed`."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            _guard(descriptor, like=path)
            file.write(octets)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, path)
        sync_folder(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StoreFailed(f"{path}: {error.strerror}") from error


def sync_file(path: Path, like: Path) -> None:
    """Make a file durable that somebody else wrote and that is to be ``like``; raises :class:`OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _guard(descriptor, like)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make durable what was renamed beside ``path``; raises :class:`OSError`."""
    folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _guard(descriptor: int, like: Path) -> None:
    """Let the owner and group of ``like`` do with an open file what they may do with that; its owner, if it is not."""
    made, mode = os.fstat(descriptor), 0o600
    with suppress(FileNotFoundError):
        found = os.stat(like)
        mode = found.st_mode & 0o660
        if (found.st_uid, found.st_gid) != (made.st_uid, made.st_gid):
            os.fchown(descriptor, found.st_uid, found.st_gid)
    os.fchmod(descriptor, mode)


def _is_missing(settings: StoreSettings) -> bool:
    return not settings.encryption.keys and not os.path.exists(key_sources(settings)[0].place)


def _read(source: KeySource, environ: Mapping[str, str]) -> list[Key]:
    try:
        text = Path(source.place).read_text("utf-8") if source.kind == "file" else environ.get(source.place, "")
        return parse_keys(text)
    except OSError as error:
        raise StoreFailed(f"store.encryption.keys: {source}: {error.strerror}") from error
    except ValueError as error:
        raise StoreFailed(f"store.encryption.keys: {source}: {error}") from error
