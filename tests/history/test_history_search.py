"""An account's messages by time, recipient, state and reference, in pages."""

from pathlib import Path

import pytest
from history_store import NOW, WrittenStore, message
from hypothesis import given, settings
from hypothesis import strategies as st

from smsagg.config.schema import StoreSettings
from smsagg.history import search as searching
from smsagg.history.search import Sought, search
from smsagg.model import MessageState

ALL = Sought("acme", NOW - 10_000_000, NOW + 10_000_000)


def seqs(path: Path, sought: Sought, limit: int = 10) -> list[int]:
    """All pages."""
    found: list[int] = []
    before = 0
    while True:
        page = search(StoreSettings(path=str(path)), sought, before, limit)
        found += [one.seq for one in page.messages]
        if not page.before_seq:
            return found
        assert not before or page.before_seq < before
        before = page.before_seq


def test_pages_hold_everything_once_the_newest_first(written: WrittenStore) -> None:
    """Whether it lives or is over."""
    written.fill(range(1, 31, 2))
    written.accept(*(message(seq) for seq in range(2, 31, 2)))
    assert seqs(written.path, ALL, 7) == list(range(30, 0, -1))


def test_what_is_sought_is_found_and_nothing_else(written: WrittenStore) -> None:
    """Each condition, and none of another account's."""
    written.accept(
        message(1), message(2, account="other"), message(3, reference="r3"), message(4, destination_addr="84")
    )
    written.finish(3)
    assert seqs(written.path, ALL) == [4, 3, 1]
    assert seqs(written.path, ALL._replace(reference="r3")) == [3]
    assert seqs(written.path, ALL._replace(to="84")) == [4]
    assert seqs(written.path, ALL._replace(states=(MessageState.DELIVERED,))) == [3]
    assert seqs(written.path, ALL._replace(account="other")) == [2]
    first = message(1).accepted_at
    assert seqs(written.path, ALL._replace(since=first, until=first + 1)) == [1]


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(1, 60), max_size=25), st.integers(1, 9), st.integers(1, 9), st.integers(9, 30))
def test_bounds_on_what_is_read_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, wanted: set[int], limit: int, chunk: int, most: int
) -> None:
    """However little is read at once and for one page."""
    store = WrittenStore(tmp_path_factory.mktemp("search"))
    store.accept(*(message(seq, reference="x" if seq in wanted else "") for seq in range(1, 61)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "CHUNK_SEQS", chunk)
        patch.setattr(searching, "SEQS_MAX", most)
        assert seqs(store.path, ALL._replace(reference="x"), limit) == sorted(wanted, reverse=True)
    store.close()
