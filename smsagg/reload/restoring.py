"""Writes the files of an earlier version back, each of them whole or not at all.

A file is written beside the old one, brought to the disk and renamed over it. What was there is kept in memory until it
is known whether the server takes what stands there now.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from smsagg.config.documents import DigestOf, is_digest, read_text, restored
from smsagg.errors import ConfigError, ControlError

Present = dict[Path, str | None]
"""What files said; ``None``: they were not there."""


def write_back(main: Path, texts: Mapping[str, str], main_name: str, digest_of: DigestOf) -> Present:
    """Write those of ``texts`` that differ from the files in the folder of ``main``; what was there before.

    Raises ConfigError when the main file has secrets that the present one has not, ControlError when a file cannot be
    written; all files are as they were then.
    """
    wanted: dict[Path, str] = {}
    for name, text in texts.items():
        if is_digest(text):  # a bulk file stays as it is
            continue
        whole = restored(text, read_text(main), digest_of) if name == main_name else text
        path = main if name == main_name else main.parent / name
        if _present(path) != whole:
            wanted[path] = whole
    before: Present = {}
    try:
        for path, text in wanted.items():
            before[path] = _present(path)
            _replace(path, text)
    except OSError as error:
        put_back(before)
        raise ControlError(f"{error.filename}: cannot be written: {error.strerror}; nothing was changed") from error
    return before


def put_back(before: Present) -> None:
    """Undo :func:`write_back`. Raises ControlError when that cannot be done."""
    try:
        for path, text in before.items():
            if text is None:
                path.unlink(missing_ok=True)
            elif _present(path) != text:
                _replace(path, text)
    except OSError as error:
        raise ControlError(f"{error.filename}: cannot be put back: {error.strerror}") from error


def _present(path: Path) -> str | None:
    try:
        return read_text(path) if path.exists() else None
    except ConfigError:
        return None


def _replace(path: Path, text: str) -> None:
    target = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            if target.exists():
                os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
