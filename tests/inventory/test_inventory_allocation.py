"""What is kept for an allocation, and until when it disturbs others."""

import pytest
from inventory_numbers import HOUR, NOW, QUARANTINE, inventory_of, long_number

from smsagg.errors import InventoryError
from smsagg.inventory import taking
from smsagg.inventory.allocation import Allocation
from smsagg.inventory.inventory import Inventory
from smsagg.inventory.number import Number, lease


def kept(name: str, numbers: int, begins: int, ends: int) -> Allocation:
    """For ``acme``, between hours from now."""
    return Allocation(name, "otp", "acme", numbers, NOW + begins * HOUR, NOW + ends * HOUR)


def stock(*allocations: Allocation, leased_h: int = 0) -> Inventory:
    """Three numbers, of which the first may be leased."""
    numbers: list[Number] = [long_number(place) for place in range(3)]
    if leased_h:
        numbers[0] = lease(numbers[0], "other", NOW + leased_h * HOUR, NOW)
    inventory = inventory_of(*numbers)
    for allocation in allocations:
        taking.check_allocation(inventory, allocation, NOW)
        inventory.put_allocation(allocation)
    return inventory


REST_H = QUARANTINE // HOUR


def test_a_lease_that_is_over_in_time_disturbs_nothing() -> None:
    """Its quarantine included."""
    stock(kept("xmas", 3, 5 + REST_H, 100), leased_h=5)
    with pytest.raises(InventoryError, match="too few numbers for allocation xmas: 1 are missing"):
        stock(kept("xmas", 3, 4 + REST_H, 100), leased_h=5)


def test_others_take_what_is_left() -> None:
    """For ever, or until it is needed; one's own account has no better right outside its allocation."""
    inventory = stock(kept("xmas", 2, 50, 60))
    numbers = list(inventory.numbers.values())
    for account in ("acme", "other"):
        assert len(taking.assigned(inventory, numbers[:1], account, NOW)) == 1
        with pytest.raises(InventoryError, match="would leave allocation xmas 1 too few"):
            taking.assigned(inventory, numbers[:2], account, NOW)
    assert len(taking.leased(inventory, numbers, "other", NOW + (50 - REST_H) * HOUR, NOW)) == 3
    with pytest.raises(InventoryError, match="xmas"):
        taking.leased(inventory, numbers, "other", NOW + (51 - REST_H) * HOUR, NOW)


def test_numbers_of_one_allocation_rest_before_the_next() -> None:
    """Two that follow one another need their numbers twice, unless there is time to rest between them."""
    with pytest.raises(InventoryError, match="too few"):
        stock(kept("a", 2, 0, 10), kept("b", 2, 10, 20))
    stock(kept("a", 2, 0, 10), kept("b", 1, 10, 20))
    stock(kept("a", 3, 0, 10), kept("b", 3, 10 + REST_H, 99))


def test_what_an_allocation_has_is_not_kept_for_it_again() -> None:
    """Who began first is served first, and what is missing is told."""
    inventory = stock(kept("a", 1, 0, 10), kept("b", 1, 0, 10))
    leases, missing = taking.allotted(inventory, NOW, 100)
    assert [number.allocation for number in leases] == ["a", "b"]
    assert missing == {}
    for number in leases:
        inventory.put(number)
    assert taking.allotted(inventory, NOW, 100) == ([], {})
    inventory.put_allocation(kept("c", 2, 0, 10))
    assert taking.allotted(inventory, NOW, 100)[1] == {"c": 1}
    assert [number.key for number in taking.ended(inventory, inventory.allocations["a"], NOW)] == [leases[0].key]


def test_allocations_that_cannot_be() -> None:
    """Twice the same name, over before they begin, of no pool."""
    inventory = stock(kept("a", 1, 0, 10))
    for allocation in (kept("a", 1, 0, 10), kept("b", 1, 5, 5), kept("b", 1, -5, 0)):
        with pytest.raises(InventoryError):
            taking.check_allocation(inventory, allocation, NOW)
    with pytest.raises(InventoryError, match="no number pool x"):
        taking.check_allocation(inventory, Allocation("b", "x", "acme", 1, NOW, NOW + 1), NOW)
