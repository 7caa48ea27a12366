"""What somebody wrote into the store's file is data, whatever it says."""

import ast
import contextlib
import sqlite3
from pathlib import Path

from store_records import message

import smsagg
from smsagg.config.schema import StoreSettings
from smsagg.store.base import Changes
from smsagg.store.sqlite import open_sqlite_store

PACKAGE = Path(smsagg.__file__).parent
EXECUTING = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "code", "codeop", "runpy"}
EVALUATING = {"eval", "exec", "compile", "__import__"}
PICKLED = b"cos\nsystem\n(S'touch /tmp/owned'\ntR."


def test_nothing_that_is_read_is_executed() -> None:
    """No module unpickles or evaluates anything."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
                assert not {name.partition(".")[0] for name in names} & EXECUTING, path
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in EVALUATING, path


async def test_what_was_written_into_the_file_comes_out_as_it_is(settings: StoreSettings, tmp_path: Path) -> None:
    """Octets that would be somebody's program stay octets."""
    owned = tmp_path / "owned"
    program = PICKLED.replace(b"/tmp/owned", str(owned).encode())
    async with open_sqlite_store(settings) as store:
        store.write(Changes(new_messages=[message(1)], entities=[("template", "acme/a", b'{"a": 1}')]))
        await store.flush()
    with contextlib.closing(sqlite3.connect(settings.path)) as connection:
        connection.execute("UPDATE messages SET body = ?, tlvs = ?, reference = ?", (program, program, str(program)))
        connection.execute("UPDATE entities SET value = ?", (program,))
        connection.commit()
    async with open_sqlite_store(settings) as store:
        [found] = await store.find_messages(1, 1)
        assert (found.body, found.tlvs, found.reference) == (program, program, str(program))
    assert not owned.exists()
