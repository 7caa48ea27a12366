"""Reads the configuration file: TOML in, a checked :class:`Config` out, or one error that lists every problem.

Each problem is a line ``file: key.path: reason``. What a single value may be is said by the schema and its validators;
what values may be together is said by :mod:`smsagg.config.check`, which also runs over the sound part of a file that
has other problems, so that one run tells all.
"""

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

from cattrs import Converter

from smsagg.config.check import DEFAULT_CLASS, check_config
from smsagg.config.overlay import NO_OVERLAY, Laid, Overlay
from smsagg.config.problems import Problem, Problems
from smsagg.config.sandbox import add_sandbox
from smsagg.config.schema import Config, MessageClassSettings
from smsagg.config.structure import CarrierSettingsLookup, strict_converter
from smsagg.errors import ConfigError


def load_config(path: Path | str, carrier_settings: CarrierSettingsLookup, overlay: Overlay = NO_OVERLAY) -> Config:
    """The configuration in the file at ``path``. Raises :class:`ConfigError` that names every problem, one a line.

    ``carrier_settings`` gives the settings class of a carrier type, see :mod:`smsagg.carriers.registry`; ``overlay`` is
    what was put at run time.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8: {error.reason} at octet {error.start}") from error
    return parse_config(text, str(path), carrier_settings, overlay)


def parse_config(
    text: str, file: str, carrier_settings: CarrierSettingsLookup, overlay: Overlay = NO_OVERLAY
) -> Config:
    """The configuration written in ``text``; ``file`` is what problems call it. Raises :class:`ConfigError`.

    The message class ``default`` is always in it, with the schema's defaults when the file does not name it; and the
    pool and the carrier of sandbox accounts when it has such an account.
    """
    try:
        laid = Laid(tomllib.loads(text), overlay)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from error
    converter = strict_converter(carrier_settings, str(Path(file).parent))
    document = laid.document
    config: Config | None
    try:
        config = converter.structure(document, Config)
        problems = check_config(config)
    except Problems as error:
        config = _rest_of(document, error.problems, converter)
        problems = error.problems + _problems_of_the_rest(config, error.problems)
    if config is not None:
        config.message_classes.setdefault(DEFAULT_CLASS, MessageClassSettings())
    if problems or laid.problems or config is None:
        wrong = ConfigError("\n".join([*laid.problems, *(laid.line(problem, file) for problem in problems)]))
        wrong.sound_part = config
        raise wrong
    add_sandbox(config, converter)
    return config


def _rest_of(document: dict[str, Any], found: list[Problem], converter: Converter) -> Config | None:
    """The file without the keys that are wrong; ``None`` when too little is left."""
    rest = deepcopy(document)
    for problem in found:
        _remove(rest, problem.path)
    try:
        return converter.structure(rest, Config)
    except Problems:
        return None


def _problems_of_the_rest(rest: Config | None, found: list[Problem]) -> list[Problem]:
    """Cross-check the file without the keys that are wrong already."""
    reported = {problem.path for problem in found}
    return [] if rest is None else [problem for problem in check_config(rest) if problem.path not in reported]


def _remove(document: dict[str, Any], path: tuple[str, ...]) -> None:
    """Take away the key at ``path``; a wrong element of a list takes its list along."""
    keys = path[: next((i for i, part in enumerate(path) if part.startswith("[")), len(path))]
    table: Any = document
    for key in keys[:-1]:
        table = table.get(key)
        if not isinstance(table, dict):
            return
    if keys:
        table.pop(keys[-1], None)
