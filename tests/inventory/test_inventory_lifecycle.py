"""What accounts are told of their numbers."""

from hypothesis import given
from hypothesis import strategies as st
from inventory_numbers import HOUR, NOW, QUARANTINE, long_number

from smsagg.errors import InventoryError
from smsagg.inventory.lifecycle import steps_between
from smsagg.inventory.number import (
    Number,
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
)  # fmt: skip


def told(before: Number | None, after: Number, now: int = NOW) -> list[tuple[str, str]]:
    return [(step.account, step.what) for step in steps_between(before, after, now)]


def test_each_step_of_a_number_has_a_word() -> None:
    """To whom it happened, and what it is called."""
    free = long_number(1)
    rented = lease(free, "acme", NOW + HOUR, NOW)
    shared = share(share(free, "acme"), "other")
    assert told(None, assign(free, "acme")) == [("acme", "assigned")]
    assert told(free, rented) == [("acme", "leased")]
    assert told(rented, renew(rented, "acme", NOW + 2 * HOUR, NOW)) == [("acme", "renewed")]
    assert told(rented, release(rented, "acme", NOW, QUARANTINE)) == [("acme", "released")]
    assert told(rented, as_of(rented, NOW + HOUR, QUARANTINE), NOW + HOUR) == [("acme", "expired")]
    assert told(rented, retire(rented, NOW, QUARANTINE)) == [("acme", "released")]
    assert told(shared, unassign(shared, "other", NOW, QUARANTINE)) == [("other", "released")]
    assert told(shared, suspend(shared)) == [("acme", "suspended"), ("other", "suspended")]
    assert told(suspend(shared), shared) == [("acme", "resumed"), ("other", "resumed")]


def test_what_is_nobodys_is_told_to_nobody() -> None:
    """Numbers that come, go, rest, or move between pools."""
    free = long_number(1)
    resting = unassign(assign(free, "acme"), "acme", NOW, QUARANTINE)
    assert told(None, free) == []
    assert told(free, retire(free, NOW, QUARANTINE)) == []
    assert told(resting, as_of(resting, NOW + QUARANTINE, QUARANTINE), NOW + QUARANTINE) == []


ACTIONS = {
    "assign": lambda number, now: assign(number, "a"),
    "share a": lambda number, now: share(number, "a"),
    "share b": lambda number, now: share(number, "b"),
    "unassign": lambda number, now: unassign(number, "", now, QUARANTINE),
    "lease": lambda number, now: lease(number, "b", now + HOUR, now),
    "renew": lambda number, now: renew(number, "", now + 3 * HOUR, now),
    "release": lambda number, now: release(number, "", now, QUARANTINE),
    "suspend": lambda number, now: suspend(number),
    "resume": lambda number, now: resume(number),
    "retire": lambda number, now: retire(number, now, QUARANTINE),
    "restore": lambda number, now: restore(number, now),
    "time": lambda number, now: as_of(number, now, QUARANTINE),
}
_GAINED, _LOST = {"assigned", "leased"}, {"released", "expired"}


@given(st.lists(st.sampled_from(sorted(ACTIONS)), max_size=20))
def test_who_listens_knows_which_numbers_it_has(actions: list[str]) -> None:
    """Whatever happens: an account that adds up what it is told has the numbers that it has."""
    number, now = long_number(1), NOW
    owners: set[str] = set()
    for action in actions:
        now += HOUR
        try:
            after = ACTIONS[action](number, now)
        except InventoryError:
            continue
        for account, what in told(number, after, now):
            if what in _GAINED:
                assert account not in owners
                owners.add(account)
            elif what in _LOST:
                owners.remove(account)
            else:
                assert account in owners
        number = after
        assert owners == set(number.accounts)
