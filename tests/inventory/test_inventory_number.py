"""What may happen to a number, and what time does to it."""

import pytest
from attrs import evolve
from inventory_numbers import HOUR, NOW, QUARANTINE, long_number

from smsagg.errors import InventoryError
from smsagg.inventory.number import (
    TRANSITIONS,
    Action,
    Number,
    NumberType,
    Status,
    as_of,
    assign,
    lease,
    release,
    renew,
    restore,
    resume,
    retire,
    share,
    suspend,
    unassign,
)

ACTIONS = {
    Action.ASSIGN: lambda number: assign(number, "acme"),
    Action.SHARE: lambda number: share(number, "other"),
    Action.UNASSIGN: lambda number: unassign(number, "", NOW, QUARANTINE),
    Action.LEASE: lambda number: lease(number, "acme", NOW + HOUR, NOW),
    Action.RENEW: lambda number: renew(number, "", NOW + 2 * HOUR, NOW),
    Action.RELEASE: lambda number: release(number, "", NOW, QUARANTINE),
    Action.RETIRE: lambda number: retire(number, NOW, QUARANTINE),
    Action.RESTORE: lambda number: restore(evolve(number, quarantine_until=NOW + 1), NOW),
}
IN_STATE = {
    Status.AVAILABLE: long_number(1),
    Status.ASSIGNED: share(long_number(1), "acme"),
    Status.LEASED: lease(long_number(1), "acme", NOW + HOUR, NOW),
    Status.QUARANTINE: long_number(1, state=Status.QUARANTINE, quarantine_until=NOW + HOUR),
    Status.RETIRED: long_number(1, state=Status.RETIRED),
}


@pytest.mark.parametrize("state", IN_STATE)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_table_says_what_may_happen(state: Status, action: Action) -> None:
    """What is in the table leads there, and what is not is refused."""
    number = IN_STATE[state]
    expected = TRANSITIONS.get((state, action))
    if expected is None:
        with pytest.raises(InventoryError, match="cannot be"):
            ACTIONS[action](number)
    else:
        assert ACTIONS[action](number).state is expected


def test_a_number_that_rests_is_said_to_be_in_quarantine() -> None:
    """In words that can be read."""
    with pytest.raises(InventoryError, match="447700900001 is in quarantine: it cannot be leased"):
        ACTIONS[Action.LEASE](IN_STATE[Status.QUARANTINE])


@pytest.mark.parametrize("action", [Action.ASSIGN, Action.SHARE, Action.LEASE])
def test_a_suspended_number_gets_no_owner(action: Action) -> None:
    """While it is suspended nobody new gets it."""
    number = suspend(long_number(1))
    assert number.status is Status.SUSPENDED
    with pytest.raises(InventoryError, match="suspended"):
        ACTIONS[action](number)
    assert ACTIONS[action](resume(number)).accounts


def test_a_suspended_number_keeps_its_owner_and_its_time() -> None:
    """Its lease goes on and ends as if it were not suspended."""
    number = suspend(lease(long_number(1), "acme", NOW + HOUR, NOW))
    assert number.owner == "acme"
    assert not number.may_send_for("acme", NOW)
    assert resume(number).may_send_for("acme", NOW)
    over = as_of(number, NOW + HOUR, QUARANTINE)
    assert (over.status, over.state, over.owner) == (Status.SUSPENDED, Status.QUARANTINE, "")


def test_a_lease_is_over_when_its_time_is_over() -> None:
    """Nobody may send from it any more though nothing has been written down, and it rests from that instant on."""
    number = lease(long_number(1), "acme", NOW + HOUR, NOW)
    assert number.owner_at(NOW + HOUR - 1) == "acme"
    assert number.owner_at(NOW + HOUR) == ""
    assert not number.may_send_for("acme", NOW + HOUR)
    over = as_of(number, NOW + 2 * HOUR, QUARANTINE)
    assert (over.state, over.quarantine_until) == (Status.QUARANTINE, NOW + HOUR + QUARANTINE)
    assert as_of(over, NOW + HOUR + QUARANTINE, QUARANTINE) == long_number(1)
    assert as_of(number, NOW + HOUR + QUARANTINE, QUARANTINE) == long_number(1)


def test_a_shared_number_rests_when_the_last_account_leaves() -> None:
    """Others keep it until then, and a dedicated one is never shared."""
    number = share(share(long_number(1), "acme"), "other")
    assert number.owner == ""
    left = unassign(number, "acme", NOW, QUARANTINE)
    assert (left.state, left.accounts) == (Status.ASSIGNED, ("other",))
    assert unassign(left, "other", NOW, QUARANTINE).state is Status.QUARANTINE
    with pytest.raises(InventoryError, match="dedicated to acme"):
        share(assign(long_number(1), "acme"), "other")
    with pytest.raises(InventoryError, match="not acme's"):
        unassign(left, "acme", NOW, QUARANTINE)


def test_a_retired_number_comes_back_only_after_its_rest() -> None:
    """Retiring and restoring is no way around the quarantine."""
    number = retire(assign(long_number(1), "acme"), NOW, QUARANTINE)
    assert number.accounts == ()
    back = restore(number, NOW + HOUR)
    assert (back.state, back.quarantine_until) == (Status.QUARANTINE, NOW + QUARANTINE)
    assert restore(number, NOW + QUARANTINE).state is Status.AVAILABLE
    assert restore(retire(long_number(1), NOW, QUARANTINE), NOW).state is Status.AVAILABLE


def test_only_who_has_a_lease_renews_or_releases_it() -> None:
    """And the lease of an allocation ends with the allocation."""
    number = lease(long_number(1), "acme", NOW + HOUR, NOW)
    for act in (lambda: renew(number, "other", NOW + 9, NOW), lambda: release(number, "other", NOW, 0)):
        with pytest.raises(InventoryError, match="not other's"):
            act()
    with pytest.raises(InventoryError, match="in the future"):
        renew(number, "acme", NOW, NOW)
    with pytest.raises(InventoryError, match="allocation summer"):
        renew(lease(long_number(1), "acme", NOW + HOUR, NOW, "summer"), "acme", NOW + 2 * HOUR, NOW)


def test_what_tells_numbers_apart() -> None:
    """A telephone number is one everywhere; a short code or name is one in its country, whatever the case."""
    assert long_number(1).key == Number("447700900001", "GG", NumberType.VIRTUAL).key
    names = [Number(name, "GB", NumberType.ALPHANUMERIC) for name in ("ACME", "Acme")]
    assert names[0].key == names[1].key != Number("ACME", "DE", NumberType.ALPHANUMERIC).key
    assert Number("12345", "GB", NumberType.SHORT).key != Number("12345", "DE", NumberType.SHORT).key
