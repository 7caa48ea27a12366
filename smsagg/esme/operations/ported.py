"""Submits to numbers that may be ported wait until their network is known, each in a task of its own.

What needs no look-up goes on at once, with the others of its read. A submit that waits holds its place in the session's
window; it is taken like any when the answer is there, or when it has waited long enough for one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import trio

from smsagg.esme.bound import Bound
from smsagg.smpp.pdu import DataSm, DistributionList, SubmitMulti, SubmitSm

Operation = Callable[[Bound, Sequence[Any]], None]


def when_networks_are_known(bound: Bound, pdus: Sequence[Any], operation: Operation) -> None:
    """Call ``operation`` with those of ``pdus`` that need no look-up now, and with each of the others after its own."""
    lookups = bound.door.engine.lookups
    if not lookups.is_on:
        operation(bound, pdus)
        return
    ready = []
    for pdu in pdus:
        waited_for = lookups.start(_numbers(bound, pdu))
        if waited_for:
            bound.start_soon(_wait, bound, pdu, waited_for, operation)
        else:
            ready.append(pdu)
    if ready:
        operation(bound, ready)


async def _wait(bound: Bound, pdu: Any, waited_for: Sequence[trio.Event], operation: Operation) -> None:
    with bound.busy():
        await bound.door.engine.lookups.wait(waited_for)
        operation(bound, [pdu])
        bound.flush()


def _numbers(bound: Bound, pdu: SubmitSm | DataSm | SubmitMulti) -> Iterator[str]:
    """The destinations that are numbers."""
    for address in pdu.dest_addresses if isinstance(pdu, SubmitMulti) else (pdu,):
        if not isinstance(address, DistributionList):
            ton, npi = address.dest_addr_ton, address.dest_addr_npi
            digits = bound.door.submission.digits_of(address.destination_addr, ton, npi, bound.account)
            if isinstance(digits, str):
                yield digits
