"""Data files in TOML: read, and checked against their shape as strictly as the configuration itself."""

import tomllib
from pathlib import Path
from typing import Any

from cattrs import Converter

from smsagg.config.csv_rows import FileProblems
from smsagg.config.problems import Problems
from smsagg.config.structure import strict_converter
from smsagg.errors import ConfigError


def parse_toml(text: str, path: str, shape: Any, found: FileProblems) -> Any | None:
    """What ``text``, which the file at ``path`` holds, says as a ``shape``; ``None``, and what is wrong is added to
    ``found``. Paths in it are relative to the file."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found.add(0, f"is not TOML: {error}")
        return None
    try:
        return _converter(path).structure(document, shape)
    except Problems as error:
        found.lines += [problem.line(path) for problem in error.problems]
        return None


def _converter(path: str) -> Converter:
    def no_carriers(type_name: str) -> type:
        raise ConfigError(f'there are no carriers here, "{type_name}" least of all')

    return strict_converter(no_carriers, str(Path(path).parent))
