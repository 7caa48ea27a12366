"""What is injected into the server process, as values that the harness writes and :mod:`tools.chaos.wrapped` obeys.

A control file in the folder of the run holds the *conditions*: the state of disk and clock. The server looks at it when
it starts and then a hundred times a second, and copies the version that it has obeyed beside it, so that the harness
knows since when a condition holds. Conditions outlive the process, as a full disk does.
"""

import json
import os
from pathlib import Path

import attrs
from attrs import define

DISK_FULL = "full"
DISK_LOW = "low"
"""Space to write, but less than ``free_octets_min``."""
SYNC_ERROR = "sync error"
WRITE_ERROR = "write error"


@define(frozen=True)
class Conditions:
    """How disk and clock of the server are just now; the default is good health."""

    holds_back: bool = False
    """Unsynced writes stay in the memory of the process: to kill it is to cut its power."""
    is_torn: bool = False
    """Some sectors of unsynced writes are on the disk all the same."""
    disk: str = ""
    sync_delay_s: tuple[float, float] = (0.0, 0.0)
    """Each sync takes so much longer, from least to most."""
    clock_ahead_s: float = 0.0
    """The wall clock is so far from the true time."""


@define(frozen=True)
class Wrapping:
    """What a server process is started with."""

    control: str
    """Path of the control file."""
    bug: str = ""
    """One of :data:`tools.chaos.seeded.BUGS`."""
    failpoint: str = ""
    """A row of :data:`tools.chaos.failpoints.FAILPOINTS`."""
    nth: int = 1
    """The passage at which the failpoint strikes."""
    migrates: bool = False
    """The program has one migration more than smsagg."""

    def as_argument(self) -> str:
        return json.dumps(attrs.asdict(self))


class Control:
    """The control file from the harness's side."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version = 0
        self.conditions = Conditions()

    def set(self, conditions: Conditions) -> None:
        """From now on, for whoever reads it; :attr:`is_obeyed` tells when the server does."""
        self._version += 1
        self.conditions = conditions
        replace(self.path, json.dumps({"version": self._version, **attrs.asdict(conditions)}))

    @property
    def is_obeyed(self) -> bool:
        return read_text(obeyed_path(self.path)) == str(self._version)


def obeyed_path(control: Path) -> Path:
    return control.with_suffix(".obeyed")


def read_conditions(control: Path) -> tuple[str, Conditions]:
    """(version, conditions) of the control file; good health when there is none."""
    text = read_text(control)
    if not text:
        return "0", Conditions()
    fields = json.loads(text)
    version = str(fields.pop("version"))
    fields["sync_delay_s"] = tuple(fields["sync_delay_s"])
    return version, Conditions(**fields)


def read_text(path: Path) -> str:
    """``""`` when there is no such file."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def replace(path: Path, text: str) -> None:
    """Never seen half-written."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)
