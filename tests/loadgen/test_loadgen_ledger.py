"""The ledger: what is missing, what came twice, what came too early."""

from pathlib import Path

import pytest

from smsagg.loadgen import ledger as module
from smsagg.loadgen.journal import LoadJournal
from smsagg.loadgen.ledger import Ledger


def test_a_message_runs_its_life() -> None:
    """Response, then receipt: latencies from the start, nothing missing."""
    ledger = Ledger(receipts=True)
    ledger.responded(0, 10.0, 0, b"a", 10.5)
    assert ledger.missing == 1
    ledger.receipted(b"a", b"DELIVRD", 12.0)
    assert (ledger.accepted, ledger.receipts, ledger.missing, ledger.unmatched) == (1, 1, 0, 0)
    assert ledger.accept.max_s == 0.5
    assert ledger.whole_life.max_s == 2.0
    assert ledger.states == {b"DELIVRD": 1}


def test_a_receipt_may_come_before_its_response() -> None:
    """An early receipt is matched when the response names its id."""
    ledger = Ledger(receipts=True)
    ledger.receipted(b"a", b"DELIVRD", 1.0)
    assert ledger.unmatched == 1
    ledger.responded(0, 0.0, 0, b"a", 2.0)
    assert (ledger.receipts, ledger.missing, ledger.unmatched) == (1, 0, 0)


def test_a_second_receipt_is_a_duplicate() -> None:
    """Also when the first came early."""
    ledger = Ledger(receipts=True)
    ledger.responded(0, 0.0, 0, b"a", 1.0)
    for _ in range(3):
        ledger.receipted(b"a", b"DELIVRD", 2.0)
    ledger.receipted(b"b", b"DELIVRD", 2.0)
    ledger.receipted(b"b", b"DELIVRD", 2.0)
    assert (ledger.receipts, ledger.duplicated) == (1, 3)


def test_intermediate_reports_end_nothing() -> None:
    """ENROUTE leaves the final receipt awaited."""
    ledger = Ledger(receipts=True)
    ledger.responded(0, 0.0, 0, b"a", 1.0)
    ledger.receipted(b"a", b"ENROUTE", 2.0)
    assert (ledger.intermediate, ledger.missing) == (1, 1)


def test_refusals_are_counted_by_status() -> None:
    """A refused message awaits nothing."""
    ledger = Ledger(receipts=True)
    ledger.responded(0, 0.0, 0x58, b"", 1.0)
    assert (ledger.errors, ledger.missing, ledger.accepted) == ({0x58: 1}, 0, 0)


def test_without_receipts_nothing_is_awaited() -> None:
    """A run that asks for no receipts misses none."""
    ledger = Ledger(receipts=False)
    ledger.responded(0, 0.0, 0, b"a", 1.0)
    assert ledger.missing == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished ids are forgotten by generation, and unmatched receipts have a limit."""
    monkeypatch.setattr(module, "GENERATION", 10)
    monkeypatch.setattr(module, "EARLY_MAX", 5)
    ledger = Ledger(receipts=True)
    for number in range(100):
        message_id = b"%d" % number
        ledger.responded(number, 0.0, 0, message_id, 1.0)
        ledger.receipted(message_id, b"DELIVRD", 2.0)
        ledger.receipted(message_id, b"DELIVRD", 2.0)
    assert ledger.duplicated == 100
    assert len(ledger._over) + len(ledger._over_before) <= 20
    for number in range(100, 110):
        ledger.receipted(b"%d" % number, b"DELIVRD", 3.0)
    assert len(ledger._early) == 5
    assert ledger.unmatched == 10


def test_the_journal_has_each_step(tmp_path: Path) -> None:
    """submit, response and receipt are lines of JSON."""
    journal = LoadJournal(tmp_path / "journal")
    ledger = Ledger(receipts=True, journal=journal)
    journal.submitted(3, "Load #x-000000003")
    ledger.responded(3, 0.0, 0, b"id3", 1.0)
    ledger.receipted(b"id3", b"DELIVRD", 2.0)
    journal.close()
    assert (tmp_path / "journal").read_text().splitlines() == [
        '{"event":"submit","n":3,"text":"Load #x-000000003"}',
        '{"event":"response","n":3,"status":0,"id":"id3"}',
        '{"event":"receipt","id":"id3","stat":"DELIVRD"}',
    ]
