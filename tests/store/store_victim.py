"""A process to be killed: ``python store_victim.py write|recover|migrate DATABASE [count]``.

Tells on stdout, a line each and unbuffered, what it was told by the store.
"""

import os
import signal
import sys

import apsw
import trio
import trio.lowlevel
from store_records import NOW, delivery, finished, new, update

from smsagg.config.schema import StoreSettings
from smsagg.store.base import Changes
from smsagg.store.sqlite import SqliteStore, open_sqlite_store
from smsagg.store.sqlite.connection import Seams
from smsagg.store.sqlite.schema import Migration, load_migrations


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def die(*_arguments: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def write(store: SqliteStore) -> None:
    """Accept, update and finish messages for ever, telling each step that was committed."""
    recovered = await store.recover(NOW)
    seq = recovered.last_seq
    while True:
        for _ in range(20):
            seq += 1
            store.write(new(seq), lambda error, seq=seq: say(f"accepted {seq}"))  # type: ignore[misc]
        await trio.lowlevel.checkpoint()
        store.write(Changes(message_updates=[update(seq)]), lambda error, seq=seq: say(f"sent {seq}"))  # type: ignore[misc]
        over = Changes(finished=[finished(seq - 1)], new_deliveries=[delivery(seq - 1)])
        store.write(over, lambda error, seq=seq - 1: say(f"finished {seq}"))  # type: ignore[misc]
        await store.flush()


async def recover(store: SqliteStore) -> None:
    """Recover, and die before or after the commit."""
    store.on_commit = die  # type: ignore[assignment]
    await store.recover(NOW)


async def main(act: str, path: str) -> None:
    settings = StoreSettings(path=path, free_octets_min=0)  # type: ignore[arg-type]
    if act == "migrate":
        steps = load_migrations()
        fatal = "CREATE TABLE further (a); INSERT INTO further VALUES (1); SELECT die()"
        steps.append(Migration(len(steps) + 1, fatal))
        apsw.connection_hooks.append(lambda connection: connection.create_scalar_function("die", die))
        async with open_sqlite_store(settings, Seams(migrations=lambda: steps)):
            return
    async with open_sqlite_store(settings) as store:
        await {"write": write, "recover": recover}[act](store)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])
