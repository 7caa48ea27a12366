"""The SQLite store killed with SIGKILL at any moment: what was acknowledged is there."""

import signal
import subprocess
import sys
from pathlib import Path

import apsw
from store_records import NOW

from smsagg.config.schema import StoreSettings
from smsagg.model import MessageState
from smsagg.store.base import Recovered
from smsagg.store.sqlite import open_sqlite_store

VICTIM = Path(__file__).with_name("store_victim.py")


def run_victim(act: str, path: str, lines: int = 0) -> list[str]:
    """Run ``act`` until it told ``lines`` lines, then kill it (or, with 0, until it dies); everything that it told."""
    with subprocess.Popen([sys.executable, str(VICTIM), act, path], stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        told = [victim.stdout.readline().strip() for _ in range(lines)]
        if lines:
            victim.kill()
        told += victim.stdout.read().splitlines()
        assert victim.wait(60) == -signal.SIGKILL
    return told


async def recovered(settings: StoreSettings) -> Recovered:
    async with open_sqlite_store(settings) as store:
        return await store.recover(NOW)


async def test_acknowledged_steps_survive_a_kill(settings: StoreSettings) -> None:
    """After each of several kills in a row every step that was reported is found."""
    told: list[str] = []
    for lines in (25, 200, 90):
        told += run_victim("write", settings.path, lines)
        async with open_sqlite_store(settings) as store:
            for line in told:
                step, seq = line.split()
                found = await store.find_message(int(seq))
                assert found is not None
                if step == "sent":
                    assert found.state is MessageState.ENROUTE
                if step == "finished":
                    assert found.state is MessageState.DELIVERED
            last_seq = (await store.recover(NOW)).last_seq
            assert last_seq >= max(int(line.split()[1]) for line in told)
    assert sum(line.startswith("finished") for line in told) > 3


async def test_recovery_survives_being_killed(settings: StoreSettings) -> None:
    """Five kills in the midst of recovery, one after another, change nothing that the next one finds."""
    run_victim("write", settings.path, 120)
    first = await recovered(settings)
    assert first.queued_by_account["acme"] > 0
    for _ in range(5):
        run_victim("recover", settings.path)
    assert await recovered(settings) == first


async def test_a_migration_that_is_killed_leaves_the_old_schema(settings: StoreSettings) -> None:
    """A kill inside a migration leaves neither its tables nor its number, and the store starts."""
    run_victim("write", settings.path, 50)
    before = await recovered(settings)
    run_victim("migrate", settings.path)
    run_victim("migrate", settings.path)
    connection = apsw.Connection(settings.path)
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'further'").get == 0
    connection.close()
    assert await recovered(settings) == before
