"""Receipts that matched nothing, and the messages that they name under another rule.

A receipt is matched with the one id of messages that is equal to its own under the rule. Where several are, with that
of messages for the number which the receipt tells; where that leaves several or none, with nobody. What several
messages under one id mean is for the correlator to say.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from attrs import define, field

from smsagg.receipts.dialect import IdDialect


class Unmatched(NamedTuple):
    """What a receipt that matched nothing says about its message."""

    parked_as: str
    """The id by which it was kept."""
    raw_id: str
    """The id as the carrier wrote it."""
    msisdn: str


@define
class Rematched:
    """The result: ids of receipts, as they were kept, by what is to be done."""

    matches: dict[str, str] = field(factory=dict)
    """The ``carrier_message_id`` of each one's message."""
    ambiguous: list[str] = field(factory=list)
    unmatched: list[str] = field(factory=list)


class Rematch:
    """Offered messages one by one; remembers those that matter."""

    def __init__(self, rule: IdDialect, receipts: Iterable[Unmatched]) -> None:
        self._rule = rule
        self._receipts = {receipt.parked_as: receipt for receipt in receipts}
        self._offered: dict[str, list[tuple[str, str]]] = {}
        for receipt in self._receipts.values():
            self._offered.setdefault(rule.of_receipt(receipt.raw_id), [])

    def offer(self, messages: Iterable[tuple[str, str]]) -> None:
        """Messages that await a receipt: ``carrier_message_id`` and destination."""
        offered, canonical = self._offered, self._rule.of_submit_sm_resp
        for carrier_message_id, destination_addr in messages:
            found = offered.get(canonical(carrier_message_id))
            if found is not None and carrier_message_id:
                found.append((carrier_message_id, digits_of(destination_addr)))

    def result(self) -> Rematched:
        rematched = Rematched()
        for receipt in self._receipts.values():
            offered = self._offered[self._rule.of_receipt(receipt.raw_id)]
            named = self._named(receipt, offered)
            if named:
                rematched.matches[receipt.parked_as] = named
            elif offered:
                rematched.ambiguous.append(receipt.parked_as)
            else:
                rematched.unmatched.append(receipt.parked_as)
        return rematched

    def _named(self, receipt: Unmatched, offered: Sequence[tuple[str, str]]) -> str:
        ids = {carrier_message_id for carrier_message_id, _ in offered}
        if len(ids) > 1:
            ids = {one for one, msisdn in offered if receipt.msisdn and msisdn == digits_of(receipt.msisdn)}
        return ids.pop() if len(ids) == 1 else ""


def digits_of(address: str) -> str:
    """A number without plus or international prefix, so that two ways to write it are equal."""
    return address.removeprefix("+").removeprefix("00")
