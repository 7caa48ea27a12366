"""What goes wrong in nurseries is told in a line, on every Python that there is."""

from collections.abc import Callable

import pytest
import trio

from smsagg.cli.ungrouped import ungrouped
from smsagg.errors import ControlError


async def _raise(*errors: Callable[[], Exception]) -> None:
    async def fail(error: Callable[[], Exception]) -> None:
        raise error()

    async with trio.open_nursery() as outer, trio.open_nursery() as inner:
        for error in errors:
            (inner if error is errors[0] else outer).start_soon(fail, error)


def test_one_of_ours_comes_out_as_itself() -> None:
    """However deep it was."""
    with pytest.raises(ControlError, match="no carrier"), ungrouped():
        trio.run(_raise, lambda: ControlError("there is no carrier nope"))
    with pytest.raises(ControlError, match="plain"), ungrouped():
        raise ControlError("plain")


def test_a_bug_is_hidden_by_none_of_ours() -> None:
    """It comes out with all that went wrong."""
    with pytest.raises(BaseExceptionGroup) as found, ungrouped():
        trio.run(_raise, lambda: ControlError("ours"), lambda: RuntimeError("a bug"))
    assert found.value.subgroup(RuntimeError) is not None
    with pytest.raises(ExceptionGroup), ungrouped():
        trio.run(_raise, lambda: RuntimeError("a bug"))
