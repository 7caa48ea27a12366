"""Visits the failpoints one after the other in one world, under load: the server dies at each and is started again.

A start is armed with the next failpoint at once, so a visit costs one start. With the power cut, unsynced writes are
held back all the time, and each death loses them. What became of the messages that were at hand is judged from the
history of the whole run; see :mod:`tools.chaos.visit_report`.
"""

import json
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import trio

from tools.chaos import failpoints
from tools.chaos.esme import Esme
from tools.chaos.history import Fault, Visit
from tools.chaos.system import System, until

HIT_DEADLINE_S = 60.0
"""Under load every failpoint is passed often within so long."""
DEAD_S = 0.4
"""What arrives within so long after all that is of the dead server: no other starts so soon."""
READ_DEADLINE_S = 5.0
PASSAGES = (3, 25)
"""At which passage a failpoint strikes, from least to most."""
RARE_PASSAGES = (1, 2)
RARE = frozenset({"F10"})
STEPS = {"F18": failpoints.STARTING_STEPS, "F19": failpoints.MIGRATING_STEPS}
"""Rows with one kill after the other, each at its next step."""


class Visitor:
    """Arms, waits, starts again."""

    def __init__(self, system: System, esme: Esme, rng: Random, tell: Callable[[str], None]) -> None:
        self._system = system
        self._esme = esme
        self._rng = rng
        self._tell = tell
        self.visits: list[Visit] = []
        self.faults: list[Fault] = []
        self.anomalies: list[str] = []

    async def run(self, rows: Sequence[str], power_loss: bool) -> None:
        """Visit ``rows``. The server is up, unarmed and in good health when it returns. Raises SystemFailed."""
        await self._system.set_conditions(holds_back=power_loss, is_torn=power_loss)
        began_at = time.monotonic()
        self._system.server.kill()
        await self._note_fault("kill -9", began_at)
        for row in rows:
            self._system.wrap(migrates=self._migrates(row))
            for step in range(1, STEPS.get(row, 1) + 1):
                passages = RARE_PASSAGES if row in RARE else PASSAGES
                nth = step if row in STEPS else self._rng.randint(*passages)
                await self._visit(row, nth)
        self._system.wrap(failpoint="")
        await self._system.set_conditions()
        await self._system.server.start()

    def _migrates(self, row: str) -> bool:
        """From the migration on the program is the one that knows it."""
        return row == "F19" or any(visit.row == "F19" for visit in self.visits)

    async def _visit(self, row: str, nth: int) -> None:
        server = self._system.server
        self._system.wrap(failpoint=row, nth=nth)
        number_before = len(self._hits())
        await server.start(wait=False)
        server.expected_end = True
        with trio.move_on_after(HIT_DEADLINE_S):
            await until(lambda: not server.is_running)
        hits = self._hits()[number_before:]
        if not hits:
            how = "was not passed" if server.is_running else f"the server ended by itself: {server.tail()}"
            self.anomalies.append(f"failpoint {row}: {how}")
            server.kill()
            await self._note_fault(f"missed {row}", time.monotonic())
            return
        assert server.popen is not None
        if server.popen.returncode != -signal.SIGKILL:
            self.anomalies.append(f"failpoint {row}: the server ended with status {server.popen.returncode}")
        visit = Visit(row, hits[0]["at"], hits[0]["subjects"])
        self.visits.append(visit)
        if row == "F19":
            visit.problems += self._look_at_schema(is_migrated=nth > 1)
        await self._note_fault(row, visit.at)
        self._tell(f"{row}: {len(visit.subjects)} messages at hand")

    def _hits(self) -> list[dict[str, Any]]:
        path = failpoints.hits_path(self._system.control_path)
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    async def _note_fault(self, kind: str, began_at: float) -> None:
        """It is over when the ESME has read all that the dead server wrote, and the carriers soon after."""
        with trio.move_on_after(READ_DEADLINE_S):
            sessions = [(bind, bind.session) for bind in self._esme.binds]
            await until(lambda: all(bind.session != session for bind, session in sessions))
        sizes, ended_at = self._system.sizes, time.monotonic() + DEAD_S
        self.faults.append(Fault(kind, "server", began_at, ended_at, sizes.copies_max, sizes.receipts_max))

    def _look_at_schema(self, is_migrated: bool) -> list[str]:
        """The schema after a death in the transaction of a migration is the old one, after its commit the new one."""
        connection = sqlite3.connect(f"file:{self._system.store_path}?mode=ro", uri=True)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        columns = {row[1] for row in connection.execute("PRAGMA table_info(messages)")}
        connection.close()
        wanted = len(failpoints.more_migrations()) - (not is_migrated)
        if version != wanted or (failpoints.MORE_COLUMN in columns) is not is_migrated:
            return [f"the schema is between two versions: {version}, not {wanted}"]
        return []
