"""Submits to numbers that may be ported wait until their network is known, each in a task of its own.

What needs no look-up goes on at once, with the others of its read. A submit that waits holds its place in the session's
window and its share of the account's rate; it is taken like any when the answer is there, or when it has waited long
enough for one. Nothing is looked up for submits above the account's limits or to countries that are not enabled for it:
these are about to be refused, and look-ups cost money.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import trio

from smsagg.esme.bound import Bound
from smsagg.routing.prefix import country_of
from smsagg.smpp.pdu import DataSm, DistributionList, SubmitMulti, SubmitSm

Operation = Callable[[Bound, Sequence[Any]], None]


def when_networks_are_known(bound: Bound, pdus: Sequence[Any], operation: Operation) -> None:
    """Call ``operation`` with those of ``pdus`` that need no look-up now, and with each of the others after its own."""
    lookups = bound.door.engine.lookups
    if not lookups.is_on or bound.account.settings.sandbox:
        operation(bound, pdus)
        return
    ready = []
    room = bound.room(len(pdus))
    for place, pdu in enumerate(pdus):
        waited_for = lookups.start(_numbers(bound, pdu)) if place < room else None
        if waited_for:
            bound.start_soon(_wait, bound, pdu, waited_for, bound.hold_rate(), operation)
        else:
            ready.append(pdu)
    if ready:
        operation(bound, ready)


async def _wait(
    bound: Bound, pdu: Any, waited_for: Sequence[trio.Event], free_rate: Callable[[], None], operation: Operation
) -> None:
    with bound.busy():
        try:
            await bound.door.engine.lookups.wait(waited_for)
        finally:
            free_rate()
        operation(bound, [pdu])
        bound.flush()


def _numbers(bound: Bound, pdu: SubmitSm | DataSm | SubmitMulti) -> Iterator[str]:
    """The destinations that are numbers, and may be taken."""
    guard = bound.account.guard
    for address in pdu.dest_addresses if isinstance(pdu, SubmitMulti) else (pdu,):
        if not isinstance(address, DistributionList):
            ton, npi = address.dest_addr_ton, address.dest_addr_npi
            digits = bound.door.submission.digits_of(address.destination_addr, ton, npi, bound.account)
            if isinstance(digits, str) and (guard is None or guard.takes_country(country_of(digits))):
                yield digits
