"""Fixtures for the tests of the SQLite store."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from smsagg.config.protection_settings import EncryptionSettings
from smsagg.config.schema import StoreSettings
from smsagg.testing.faulty_vfs import FaultyVfs

_numbers = itertools.count()


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)


@pytest.fixture(params=[False, True], ids=["plain", "sealed"])
def either(settings: StoreSettings, request: pytest.FixtureRequest) -> StoreSettings:
    """A store in plain, and a sealed one."""
    return evolve(settings, encryption=EncryptionSettings(enabled=request.param))


@pytest.fixture
def vfs() -> Iterator[FaultyVfs]:
    """A file system of its own for each test."""
    faulty = FaultyVfs(f"faulty{next(_numbers)}")
    yield faulty
    faulty.unregister()
