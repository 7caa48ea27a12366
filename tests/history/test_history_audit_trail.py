"""The trail in the store's file, walked and searched while a server writes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest
from click.testing import CliRunner, Result

from smsagg.cli.audit import audit
from smsagg.config.schema import StoreSettings
from smsagg.directory.audit import AuditEntry, AuditSought, parse_head
from smsagg.history.audit_trail import find, verify
from smsagg.history.reader import Row, open_history
from smsagg.store.base import Changes
from smsagg.store.sqlite import audit as module
from smsagg.store.sqlite import open_sqlite_store

CONFIG = """
[store]
path = "{path}"
[accounts.demo]
system_id = "demo"
password_hash = "$argon2id$v=19$m=1024,t=1,p=1$MTIzNDU2Nzg$LMg8Rjvn0oGAxEkXeQPJcMUpAKx5ThTWPJ2ghmDqYuA"
[carriers.alpha]
type = "simulated"
[pools.gb]
carriers = ["alpha"]
"""
TEN = [
    AuditEntry(1_800_000_000_000 + n, f"user:{n % 2}", "", "", "acme", "sender.put", f"acme/{n}", "{}")
    for n in range(10)
]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store with ten records."""
    path = tmp_path / "smsagg.db"
    async with open_sqlite_store(StoreSettings(path=str(path), free_octets_min=0)) as store:  # type: ignore[arg-type]
        store.write(Changes(audit=TEN))
        await store.flush()
    return path


def tamper(path: Path, sql: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()


def run(path: Path, *arguments: str) -> Result:
    config = path.parent / "smsagg.toml"
    config.write_text(CONFIG.format(path=path))
    return CliRunner().invoke(audit, [*arguments, "--config", str(config)])


async def test_a_whole_trail_is_verified_in_pages(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WALKED_AT_ONCE", 3)
    with open_history(path) as history:
        last, broken = verify(history)
    assert (last.seq, broken) == (10, None)
    told = run(path, "verify")
    assert (told.exit_code, told.output) == (0, f"10 records, as they were written; head {last}\n")


@pytest.mark.parametrize(
    ("sql", "seq"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 4", 4),
        ("UPDATE audit SET at = at + 1 WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 7", 7),
        ("DELETE FROM audit WHERE seq > 8", 9),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET seq = 20 - seq WHERE seq IN (2, 18); UPDATE audit SET seq = 11 WHERE seq = 5", 2),
        ("UPDATE audit_head SET seq = 9, hash = (SELECT hash FROM audit WHERE seq = 9)", 10),
    ],
)
async def test_what_was_done_to_the_rows_is_found(path: Path, sql: str, seq: int) -> None:
    """J18: edited, deleted, moved, a tail cut off; the first that is wrong is named, and the exit status says it."""
    tamper(path, sql)
    told = run(path, "verify")
    assert told.exit_code == 1
    assert told.output.startswith(f"record {seq} ")


async def test_a_tail_that_is_cut_off_head_and_all_is_found_by_a_noted_head(path: Path) -> None:
    """J18: the chain alone cannot know; the log has every head."""
    with open_history(path) as history:
        noted, _ = verify(history)
    tamper(path, "DELETE FROM audit WHERE seq = 10")
    tamper(path, "UPDATE audit_head SET seq = 9, hash = (SELECT hash FROM audit WHERE seq = 9)")
    assert run(path, "verify").exit_code == 0
    told = run(path, "verify", "--head", str(noted))
    assert (told.exit_code, told.output.split(";")[0]) == (1, "record 10 is missing, and all after it")
    assert run(path, "verify", "--head", "rubbish").exit_code == 2


async def test_records_are_listed_by_what_they_say(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest first; by actor, subject, account, time; as lines or JSON."""
    with open_history(path) as history:
        assert [record.seq for record in find(history, AuditSought(actor="user:1"), 3)] == [10, 8, 6]
        assert [record.seq for record in find(history, AuditSought(since=TEN[8].at), 100)] == [10, 9]
    assert run(path, "list", "--subject", "acme/3").output.split()[0] == "4"
    assert run(path, "list", "--account", "other").output == ""
    (record,) = map(json.loads, run(path, "list", "--limit", "1", "--json").output.splitlines())
    assert (record["seq"], record["subject"], record["details"]) == (10, "acme/9", {})
    assert parse_head(f"{record['seq']}:{record['hash']}").seq == 10


@pytest.mark.parametrize(("looked_at", "at_once"), [(2, 1), (2, 2), (6, 3), (1_000, 100)])
async def test_a_question_looks_at_few_records_and_the_next_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, looked_at: int, at_once: int
) -> None:
    """It finds the same, and reads no more of them than it has to."""
    monkeypatch.setattr(module, "LOOKED_AT_MAX", looked_at)
    monkeypatch.setattr(module, "LOOKED_AT_ONCE", at_once)
    with open_history(path) as history:
        assert [record.seq for record in find(history, AuditSought(subject="acme/0"), 5)] == [1]
        assert [record.seq for record in find(history, AuditSought(TEN[0].at, "acme", "user:1"), 9)] == [10, 8, 6, 4, 2]
        with history.snapshot() as ask:
            read: list[Row] = []

            def kept(sql: str, bindings: Sequence[Any]) -> list[Row]:
                read.extend(rows := ask(sql, bindings))
                return rows

            module.find_audit(kept, AuditSought(), 0, 1)
            assert len(read) <= at_once


async def test_no_record_drives_a_terminal(path: Path) -> None:
    """J19: what somebody put into a name cannot make a line or colours."""
    tamper(path, "UPDATE audit SET subject = 'x' || char(10) || '11 root: all is well' || char(27) || '[2J'")
    output = run(path, "list", "--limit", "1").output
    assert output.count("\n") == 1
    assert "\x1b" not in output
