"""Fallbacks: every pool once, in order, and never in a circle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.errors import InventoryError
from smsagg.inventory.pool import NumberPool, check_fallback, fallback_order


def pools_of(**fallbacks: tuple[str, ...]) -> dict[str, NumberPool]:
    return {name: NumberPool(name, fallback=fallback) for name, fallback in fallbacks.items()}


def test_the_order_goes_deep_first() -> None:
    """Each fallback comes with its own fallbacks behind it, and no pool twice."""
    pools = pools_of(a=("b", "c"), b=("d",), c=("d", "e"), d=(), e=())
    assert fallback_order("a", pools) == ("a", "b", "d", "c", "e")
    assert fallback_order("missing", pools) == ()


@pytest.mark.parametrize("fallback", [("a",), ("b",), ("c", "b")])
def test_a_circle_is_refused_with_its_way(fallback: tuple[str, ...]) -> None:
    """Whatever pool would close it."""
    pools = pools_of(a=(), b=("a",), c=("b",))
    with pytest.raises(InventoryError, match=r"leads back to itself: a -> .*a"):
        check_fallback(NumberPool("a", fallback=fallback), pools)


def test_a_fallback_must_be_there() -> None:
    """A name that is no pool is refused."""
    with pytest.raises(InventoryError, match="no number pool x"):
        check_fallback(NumberPool("a", fallback=("x",)), {})


NAMES = "abcdef"


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3))))
def test_what_is_accepted_never_goes_in_circles(changes: list[tuple[str, list[str]]]) -> None:
    """However pools are changed one after the other, each order is free of repetition and starts at its pool."""
    pools = pools_of(**dict.fromkeys(NAMES, ()))
    for name, fallback in changes:
        changed = NumberPool(name, fallback=tuple(fallback))
        try:
            check_fallback(changed, pools)
        except InventoryError:
            continue
        pools[name] = changed
    for name in NAMES:
        order = fallback_order(name, pools)
        assert order[0] == name
        assert len(set(order)) == len(order)
        for place, above in enumerate(order):
            assert all(name not in pools[behind].fallback for behind in order[place:]), above
