"""The audit trail's chain: what was done to it shows."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.directory.audit import (
    EMPTY,
    Actor,
    AuditEntry,
    AuditHead,
    AuditRecord,
    chained,
    entry_of,
    first_break,
    head_of,
    parse_head,
)

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
entries = st.builds(AuditEntry, st.integers(0, 1 << 62), *[words] * 7)
trails = st.lists(entries, min_size=1, max_size=8)


def trail_of(wanted: list[AuditEntry]) -> tuple[list[AuditRecord], AuditHead]:
    head, records = EMPTY, []
    for entry in wanted:
        records.append(chained(head, entry))
        head = head_of(records[-1])
    return records, head


@given(st.lists(entries, max_size=8))
def test_a_trail_as_it_was_written_is_whole(wanted: list[AuditEntry]) -> None:
    records, head = trail_of(wanted)
    assert first_break(records, head, head) is None


@given(trails, st.data())
def test_an_edited_record_is_named(wanted: list[AuditEntry], data: st.DataObject) -> None:
    """Whichever member of it says something else: it is the first that is broken."""
    records, head = trail_of(wanted)
    place = data.draw(st.integers(0, len(records) - 1))
    name = data.draw(st.sampled_from(AuditEntry._fields))
    entry = records[place].entry
    other = entry.at + 1 if name == "at" else getattr(entry, name) + "x"
    records[place] = records[place]._replace(entry=entry._replace(**{name: other}))
    broken = first_break(records, head)
    assert broken is not None
    assert broken.seq == place + 1


@given(trails, st.data())
def test_a_record_taken_out_is_missed(wanted: list[AuditEntry], data: st.DataObject) -> None:
    """In the middle and at the end, of which the head that is kept apart knows; renumbering hides nothing."""
    records, head = trail_of(wanted)
    place = data.draw(st.integers(0, len(records) - 1))
    del records[place]
    broken = first_break(records, head)
    assert broken is not None
    assert broken.seq == place + 1
    renumbered = [record._replace(seq=seq) for seq, record in enumerate(records, 1)]
    assert first_break(renumbered, head) is not None


@given(st.lists(entries, min_size=2, max_size=8, unique=True), st.data())
def test_records_that_changed_places_are_found(wanted: list[AuditEntry], data: st.DataObject) -> None:
    records, head = trail_of(wanted)
    place = data.draw(st.integers(0, len(records) - 2))
    one, two = records[place : place + 2]
    records[place : place + 2] = [two._replace(seq=one.seq), one._replace(seq=two.seq)]
    broken = first_break(records, head)
    assert broken is not None
    assert broken.seq == place + 1


@given(trails, entries)
def test_a_record_that_nobody_appended_is_found(wanted: list[AuditEntry], forged: AuditEntry) -> None:
    records, head = trail_of(wanted)
    assert first_break([*records, chained(head, forged)], head) is not None


@given(trails, st.data())
def test_a_new_chain_is_found_by_a_noted_head(wanted: list[AuditEntry], data: st.DataObject) -> None:
    """Who may write everything can make a whole trail of another past: only what was noted elsewhere tells."""
    _, noted = trail_of(wanted)
    place = data.draw(st.integers(0, len(wanted) - 1))
    forged, head = trail_of([*wanted[:place], wanted[place]._replace(actor="nobody else"), *wanted[place + 1 :]])
    assert first_break(forged, head) is None or wanted[place].actor == "nobody else"
    cut, cut_head = trail_of(wanted[:-1])
    assert first_break(cut, cut_head, noted) is not None
    if wanted[place].actor != "nobody else":
        assert first_break(forged, head, noted) is not None


@given(trails)
def test_a_head_reads_as_it_is_written(wanted: list[AuditEntry]) -> None:
    _, head = trail_of(wanted)
    assert parse_head(str(head)) == head


def test_whom_a_record_concerns() -> None:
    """The actor's account; of an operator's act the account whose thing it is, or nobody's."""
    operator, account = Actor("user:ann"), Actor("key:crm", "acme")
    assert entry_of(operator, 1, "sender.put", "acme/ACME", {}).account == "acme"
    assert entry_of(operator, 1, "config.reload", "7", {}).account == ""
    assert entry_of(operator, 1, "account.freeze", "acme", {}, "acme").account == "acme"
    assert entry_of(account, 1, "sender.put", "ACME", {}).account == "acme"
