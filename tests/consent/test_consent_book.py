"""Who may be written to: the book answers as the lists themselves would."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.consent import ConsentBook, sender_key
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate

KEY = bytes(16)
SUPPRESSION, OPT_IN = ConsentKind.SUPPRESSION, ConsentKind.OPT_IN

RECORDS = st.builds(
    lambda kind, account, number, sender: ConsentRecord(kind, account, number, sender, 1, "api"),
    st.sampled_from(ConsentKind),
    st.sampled_from(["", "acme", "bob"]),
    st.sampled_from(["447700900001", "447700900002"]),
    st.sampled_from(["", "acme", "60777"]),
)
UPDATES = st.lists(st.builds(ConsentUpdate, RECORDS, st.booleans()))


def record(account: str = "acme", sender: str = "", kind: ConsentKind = SUPPRESSION) -> ConsentRecord:
    return ConsentRecord(kind, account, "447700900001", sender, 1, "api")


@given(UPDATES)
def test_it_answers_as_the_lists_do(updates: list[ConsentUpdate]) -> None:
    """For every account, sender and number, whatever came and went before."""
    book, lists = ConsentBook(KEY), set[ConsentRecord]()
    for update in updates:
        is_change = (update.record in lists) is not update.is_kept
        assert book.apply(update) is is_change
        (lists.add if update.is_kept else lists.discard)(update.record)
    keys = {one[:4] for one in lists}
    assert book.suppresses is any(one.kind is SUPPRESSION for one in lists)
    for account in ("acme", "bob"):
        for sender in ("acme", "60777", "other"):
            for number in ("447700900001", "447700900002"):
                own = {(SUPPRESSION, account, number, ""), (SUPPRESSION, account, number, sender)} & keys
                everybodys = bool({(SUPPRESSION, "", number, ""), (SUPPRESSION, "", number, sender)} & keys)
                assert book.is_suppressed(account, sender, number) is (bool(own) or everybodys)
                assert book.is_suppressed(account, sender, number, passes=True) is everybodys
                opted = {(OPT_IN, account, number, ""), (OPT_IN, account, number, sender)} & keys
                assert book.has_opted_in(account, sender, number) is bool(opted)
    counted = sum(sum(book.counts(kind).values()) for kind in ConsentKind)
    assert counted == len(lists)


def test_a_sender_has_one_spelling() -> None:
    """A number with and without plus, a name in any case."""
    assert sender_key("+447700900001") == sender_key("447700900001")
    assert sender_key("ACME") == sender_key("Acme")
