"""The schema and its numbered migrations.

``PRAGMA user_version`` is the number of the last step that was applied. Each step runs in one transaction together
with its number, so a crash leaves the old schema or the new one. A database newer than the program is refused.
"""

import re
from importlib import resources
from typing import NamedTuple

import apsw

from smsagg.errors import StoreFailed

APPLICATION_ID = 0x534D5341
"""``PRAGMA application_id`` of our databases ("SMSA"); keeps us from writing into somebody else's."""


class Migration(NamedTuple):
    """One step: the version that it leads to, and its SQL."""

    version: int
    sql: str


def load_migrations() -> list[Migration]:
    """The steps of this program in order, numbered from 1 without a gap."""
    migrations = []
    for entry in resources.files(f"{__package__}.migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_\w+\.sql", entry.name)
        if match:
            migrations.append(Migration(int(match[1]), entry.read_text("utf-8")))
    migrations.sort()
    assert [step.version for step in migrations] == list(range(1, len(migrations) + 1))
    return migrations


def migrate(connection: apsw.Connection, migrations: list[Migration]) -> None:
    """Bring the schema up to the last of ``migrations``.

    Raises :class:`StoreFailed` when the database is not ours or is newer than the program, and leaves it untouched.
    """
    application_id = connection.pragma("application_id")
    version = connection.pragma("user_version")
    if application_id not in (0, APPLICATION_ID) or (application_id == 0 and _has_tables(connection)):
        raise StoreFailed("the file is a database of another program")
    if version > len(migrations):
        raise StoreFailed(
            f"the database has schema version {version}, this program knows {len(migrations)}: "
            "start the newer program, or restore the backup made before it ran"
        )
    for step in migrations[version:]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(step.sql)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {step.version}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _has_tables(connection: apsw.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").get is not None
