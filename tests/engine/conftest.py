"""Every asynchronous test of the engine runs in virtual time; one that takes a clock fixture has that clock."""

from collections.abc import Sequence
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

HERE = Path(__file__).parent


def run_in_virtual_time(*args: Any, clock: trio.abc.Clock | None = None, **options: Any) -> Any:
    """``trio.run`` whose clock jumps to the next deadline when nothing else is to do."""
    return trio.run(*args, clock=clock or MockClock(autojump_threshold=0), **options)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.trio(run=run_in_virtual_time), append=False)
