"""What a change of a number is to the accounts that have it or had it."""

from collections.abc import Iterator
from typing import NamedTuple

from smsagg.inventory.number import Number, Status


class NumberStep(NamedTuple):
    """One thing that happened to a number of an account."""

    account: str
    what: str
    """``assigned``, ``leased``, ``renewed``, ``released``, ``expired``, ``suspended``, ``resumed``."""
    number: Number
    """As it stands since; of one that the account has no more, as it stood before."""


def steps_between(before: Number | None, after: Number, now: int) -> Iterator[NumberStep]:
    """What the accounts of either record are to be told; nothing for a change that is none of theirs.

    ``before`` is ``None`` for a number that is new. A number that is retired is released.
    """
    had = () if before is None else before.accounts
    for account in had:
        assert before is not None
        if account not in after.accounts:
            is_expired = after.state is not Status.RETIRED and before.state is Status.LEASED
            is_expired = is_expired and before.leased_until <= now
            yield NumberStep(account, "expired" if is_expired else "released", before)
        else:
            yield from _steps_of_owner(account, before, after)
    for account in after.accounts:
        if account not in had:
            yield NumberStep(account, "leased" if after.state is Status.LEASED else "assigned", after)


def _steps_of_owner(account: str, before: Number, after: Number) -> Iterator[NumberStep]:
    """Of one that has it still."""
    if before.leased_until != after.leased_until:
        yield NumberStep(account, "renewed", after)
    if before.is_suspended != after.is_suspended:
        yield NumberStep(account, "suspended" if after.is_suspended else "resumed", after)
