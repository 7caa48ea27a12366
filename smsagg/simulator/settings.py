"""The configuration keys of the stand-alone SMSC simulator: the behaviour's, and those of its side of the wire."""

import tomllib
from pathlib import Path
from typing import Any

from attrs import Factory, define, field

from smsagg.carriers.behaviour_settings import BehaviourSettings
from smsagg.config.problems import Problems
from smsagg.config.schema import Duration
from smsagg.config.structure import strict_converter
from smsagg.config.validators import above, at_least, octets_at_most
from smsagg.errors import ConfigError


@define(frozen=True)
class SimulatorSettings(BehaviourSettings):
    """What ``smsagg simulate --config`` reads; see :mod:`smsagg.carriers.behaviour_settings` for the other keys."""

    system_id: str = field(default="smsagg-sim", validator=octets_at_most(15))
    """In bind responses."""
    accounts: dict[str, str] = Factory(dict)
    """Passwords by system_id; empty: every bind is good."""
    sessions_max: int = field(default=1_000, validator=at_least(1))
    session_init_timeout: Duration = field(default=Duration(10.0), validator=above(0))
    enquire_link_interval: Duration = field(default=Duration(30.0), validator=above(0))
    """A session silent for so long is asked for its health, and cut when it is silent for so long again."""
    window_max: int = field(default=10_000, validator=at_least(1))
    """submit_sm unanswered in a session; more get ESME_RTHROTTLED."""
    deliver_window: int = field(default=100, validator=at_least(1))
    """deliver_sm outstanding in a session."""
    deliver_timeout: Duration = field(default=Duration(10.0), validator=above(0))
    """A deliver_sm unanswered for so long is sent again after ``receipts.retry_after``."""
    keep_receipts: bool = True
    """Receipts wait for a system_id that is away. Off: they are lost with its last bind."""
    receipt_tlvs: bool = True
    """Receipts carry receipted_message_id and message_state beside the text."""
    tick: Duration = field(default=Duration(0.002), validator=at_least(0.001))
    """Coarseness of all delays: longer ticks mean bigger batches and less CPU."""


def load_settings(path: Path | None, overrides: dict[str, Any]) -> SimulatorSettings:
    """The settings in the TOML file at ``path`` with ``overrides`` (tables merge); raises :class:`ConfigError`."""
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: {error}") from error
    return structure_settings(merge(document, overrides), str(path or "command line"))


def structure_settings(document: dict[str, Any], source: str) -> SimulatorSettings:
    """Settings from what TOML gave; ``source`` is what problems are reported under."""
    converter = strict_converter(lambda _: SimulatorSettings)
    try:
        return converter.structure(document, SimulatorSettings)
    except Problems as error:
        raise ConfigError("\n".join(problem.line(source) for problem in error.problems)) from error
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error


def merge(document: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """``document`` with the values of ``overrides``, table by table."""
    merged = dict(document)
    for key, value in overrides.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
