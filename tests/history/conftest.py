"""Fixtures for the tests of history."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from history_store import WrittenStore


@pytest.fixture
def written(tmp_path: Path) -> Iterator[WrittenStore]:
    """A store's file, open for writing as long as the test runs."""
    store = WrittenStore(tmp_path)
    yield store
    store.close()
