"""The server under chaos: ``python -m tools.chaos.wrapped WRAPPING serve --config FILE``.

The product's own program, with three things put around it in its process: a database file on a faulty medium
(:mod:`smsagg.testing.faulty_vfs`), a wall clock that can be set, and, when the wrapping says so, a known bug or a
failpoint. Nothing in ``smsagg`` knows of it and no configuration leads here.
"""

import json
import sys
import threading
import time
from functools import partial
from pathlib import Path
from random import Random

import smsagg.app
import smsagg.clock
from smsagg.cli import main as smsagg_main
from smsagg.store.sqlite.connection import Seams
from smsagg.store.sqlite.disk import free_octets
from smsagg.testing.faulty_vfs import Fault, FaultyVfs, disk_full, sync_error, write_error
from tools.chaos import failpoints, injection
from tools.chaos.injection import Conditions, Wrapping
from tools.chaos.seams import replace
from tools.chaos.seeded import BUGS

POLL_S = 0.01
WRITE_FAULTS: dict[str, Fault] = {injection.DISK_FULL: disk_full, injection.WRITE_ERROR: write_error}
SYNC_FAULTS: dict[str, Fault] = {injection.SYNC_ERROR: sync_error}


class SettableTime:
    """Stands for the module ``time`` in :mod:`smsagg.clock`."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def time_ns(self) -> int:
        return time.time_ns() + round(self.ahead_s * 1e9)

    def monotonic(self) -> float:
        return time.monotonic()


class World:
    """Disk and clock of this process."""

    def __init__(self, control: Path) -> None:
        self._control = control
        self._rng = Random()
        self._conditions = Conditions()
        self._version = ""
        self.vfs = FaultyVfs("chaos")
        self.time = SettableTime()
        self.vfs.medium.sync_delay_s = lambda: self._rng.uniform(*self._conditions.sync_delay_s)

    def free_octets(self, directory: str) -> int:
        return 0 if self._conditions.disk == injection.DISK_LOW else free_octets(directory)

    def watch(self) -> None:
        """Obey the control file, now and from now on."""
        self._obey()
        threading.Thread(target=self._watch, name="chaos-control", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(POLL_S)
            self._obey()

    def _obey(self) -> None:
        version, conditions = injection.read_conditions(self._control)
        if version == self._version:
            return
        self._version, self._conditions = version, conditions
        medium = self.vfs.medium
        medium.holds_back = conditions.holds_back
        medium.torn_by = self._rng if conditions.is_torn else None
        self.vfs.fail(write=WRITE_FAULTS.get(conditions.disk), sync=SYNC_FAULTS.get(conditions.disk))
        self.time.ahead_s = conditions.clock_ahead_s
        injection.replace(injection.obeyed_path(self._control), version)


def wrap(wrapping: Wrapping) -> None:
    """Put everything around the program."""
    world = World(Path(wrapping.control))
    world.watch()
    replace(smsagg.clock, "time", lambda _: world.time)
    migrations = failpoints.more_migrations if wrapping.migrates else Seams().migrations
    seams = Seams(vfs=world.vfs.name, free_octets=world.free_octets, migrations=migrations)
    replace(smsagg.app, "open_sqlite_store", lambda original: partial(original, seams=seams))
    if wrapping.bug:
        BUGS[wrapping.bug]()
    if wrapping.failpoint:
        failpoints.install(wrapping.failpoint, wrapping.nth, Path(wrapping.control), world.vfs.medium)


if __name__ == "__main__":
    wrap(Wrapping(**json.loads(sys.argv.pop(1))))
    smsagg_main()
