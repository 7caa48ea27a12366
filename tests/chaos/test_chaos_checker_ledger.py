"""The checker's eye on the ledger: a history in which it is right, broken in one place each."""

from typing import Any

import pytest
from chaos_histories import broken_by, sound_history, with_row

from tools.chaos.checker import DELIVERED, UNDELIVERABLE
from tools.chaos.history import History

BILLED: dict[str, Any] = {"price": 7, "charge_on": 1, "accounted": 1, "charged": 7}


def billed(balance: tuple[int, int, int] = (7, 0, 1), **row: Any) -> History:
    history = with_row(sound_history(), **(BILLED | row))
    history.store.balances["main"] = balance
    return history


def test_a_ledger_that_is_that_of_its_messages_passes() -> None:
    """Charged on submit, on delivery; nothing for what is not in the ledger."""
    assert broken_by(billed()) == set()
    assert broken_by(billed(charge_on=2, state=DELIVERED)) == set()
    assert broken_by(billed((0, 0, 0), accounted=0)) == set()


@pytest.mark.parametrize(
    ("balance", "row"),
    [
        ((14, 0, 2), {}),
        ((0, 0, 0), {}),
        ((7, 7, 1), {}),
        ((7, 0, 2), {}),
        ((7, 0, 1), {"charged": 0}),
        ((7, 0, 1), {"charge_on": 2, "state": UNDELIVERABLE}),
    ],
    ids=["twice", "never", "still reserved", "two segments", "its row says no", "not delivered"],
)
def test_a_ledger_that_is_not_is_found(balance: tuple[int, int, int], row: dict[str, Any]) -> None:
    """Whatever is wrong with it."""
    assert "S15" in broken_by(billed(balance, **row))
