"""A run as the checker of :mod:`tools.chaos` reads one: every message stands alone.

There a submit is one message, with an id, an id at its carrier and a receipt of its own. Here a submit_multi is many
under one id, a long message is cut into parts under one id, and a carrier may take all parts as one under one id. So
each *unit* (:mod:`tools.sim.texts`) becomes a submit, its ids are made its own by the name of the unit, and receipts
that tell of a whole group are left out: those are judged in :mod:`tools.sim.group_receipts`.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from attrs import evolve

from smsagg.model import Message, PartReceipts
from tools.chaos.history import (
    CarrierReceipt,
    CarrierSubmit,
    ClientReceipt,
    History,
    StoredMessage,
    StoreDump,
    Submit,
)
from tools.sim.disk import ObservedTables
from tools.sim.log import Attempt, Log, Sent
from tools.sim.scenario import Scenario
from tools.sim.texts import destination_of, digits_of, nonce_of, part_number_of, unit_of

Key = tuple[str, str]
"""A carrier and its id of a message."""


class Unfolding:
    """What belongs to what in a run that is over."""

    def __init__(self, scenario: Scenario, log: Log, tables: ObservedTables) -> None:
        self._scenario = scenario
        self._log = log
        self._tables = tables
        self.units: dict[str, list[str]] = defaultdict(list)
        """By nonce, those that are stored."""
        for unit in tables.unit_of.values():
            self.units[nonce_of(unit)].append(unit)

    def units_of(self, attempt: Attempt) -> list[str]:
        """All that a carrier was given by it."""
        found: list[str] = []
        for nonce in attempt.nonces:
            unit = unit_of(nonce, attempt.destination, 0)
            stored = [other for other in self.units[nonce] if other.partition("#")[0] == unit]
            if attempt.part is not None and any(map(part_number_of, stored)):
                stored = [f"{unit}#{attempt.part.number}"]
            found += stored or [unit]
        return found

    @cached_property
    def attempts(self) -> dict[str, list[Attempt]]:
        """By unit, in the order in which the gateway wrote them."""
        found: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in self._log.history.carrier_submits:
            assert isinstance(attempt, Attempt)
            for unit in self.units_of(attempt):
                found[unit].append(attempt)
        for attempts in found.values():
            attempts.sort(key=lambda attempt: attempt.written.taken_at)
        return found

    def history(self) -> History:
        """For the checker; without faults."""
        joined = self._joined()
        return History(
            submits=list(self._submits()),
            client_receipts=list(self._client_receipts()),
            carrier_submits=list(self._carrier_submits(joined)),
            carrier_receipts=list(_told_of_each(self._log.history.carrier_receipts, joined)),
            store=self._store(joined),
            anomalies=self._log.history.anomalies,
        )

    # --- customers ---

    def _submits(self) -> Iterator[Submit]:
        """Each unit's; where there should be some and are none, the submit as it is."""
        replaced, cancelled = self._tables.replaced_by, self._cancelled()
        rows = {self._tables.unit_of[row.seq]: row for row in self._tables.rows()}
        for submit in self._log.sent:
            units = list(self.units[submit.nonce])
            if len(submit.planned.destinations) > 1 and submit.message_id:
                taken = {digits_of(to) for to in submit.planned.destinations}.difference(submit.untaken)
                missing = taken.difference(map(destination_of, units))
                units += [f"{submit.nonce}>{digits}" for digits in missing]
            for unit in units or [submit.nonce]:
                row = rows.get(unit)
                yield evolve(
                    _plain(submit),
                    nonce=unit,
                    message_id=_own(submit.message_id, unit),
                    registered_delivery=submit.registered_delivery if row is None or self._is_told(row) else 0,
                    is_cancelled=submit.is_cancelled or unit in replaced or submit in cancelled,
                )

    def _cancelled(self) -> set[Sent]:
        """Those that a cancel_sm by addresses may have hit."""
        found: set[Sent] = set()
        for cancel in self._log.cancels:
            to = cancel.submit.planned.destinations[0]
            if cancel.is_by_addresses:
                found.update(submit for submit in self._log.sent if to in submit.planned.destinations)
        return found

    def _is_told(self, row: Message) -> bool:
        """Its account gets a receipt that is this message's alone."""
        group = self._tables.groups.get(row.group_seq)
        if group is None:
            return True
        if group.is_split or group.receipts is PartReceipts.WORST:
            return False
        if group.receipts is PartReceipts.ALL:
            return True
        return row.part_number == (1 if group.receipts is PartReceipts.FIRST else group.parts_total)

    def _client_receipts(self) -> Iterator[ClientReceipt]:
        rows: dict[str, list[Message]] = defaultdict(list)
        for row in self._tables.rows():
            rows[row.message_id].append(row)
        for receipt in self._log.history.client_receipts:
            of_one = rows[receipt.message_id]
            if not of_one:
                yield receipt
            for row in of_one:
                is_its = len(of_one) == 1 or digits_of(row.destination_addr) == receipt.source
                if is_its and self._is_told(row):
                    yield evolve(_plain_receipt(receipt), message_id=self._own_id(row))

    # --- carriers ---

    def _joined(self) -> dict[Key, list[str]]:
        """The units that carriers took as one."""
        found: dict[Key, list[str]] = {}
        for attempt in self._log.history.carrier_submits:
            assert isinstance(attempt, Attempt)
            units = self.units_of(attempt)
            if len(units) > 1 and attempt.carrier_message_id:
                found[attempt.carrier, attempt.carrier_message_id] = units
        return found

    def _carrier_submits(self, joined: dict[Key, list[str]]) -> Iterator[CarrierSubmit]:
        for unit, attempts in self.attempts.items():
            for attempt in attempts:
                carrier_message_id = _own_at(attempt.carrier, attempt.carrier_message_id, unit, joined)
                yield CarrierSubmit(
                    attempt.at, attempt.at_ms, attempt.carrier, unit, carrier_message_id, attempt.command_status
                )

    # --- the store ---

    def _store(self, joined: dict[Key, list[str]]) -> StoreDump:
        tables = self._tables
        parked: set[Key] = set()
        for key in {(receipt.carrier, receipt.carrier_message_id) for receipt in tables.parked_receipts.values()}:
            parked.update((key[0], f"{key[1]}/{unit}") for unit in joined.get(key, ()))
            parked.add(key)
        messages = [self._stored(row, is_live=True, joined=joined) for row in tables.messages.values()]
        messages += [self._stored(row, is_live=False, joined=joined) for row in tables.history.values()]
        return StoreDump(messages, len(tables.deliveries), parked)

    def _stored(self, row: Message, *, is_live: bool, joined: dict[Key, list[str]]) -> StoredMessage:
        unit = self._tables.unit_of[row.seq]
        classes = self._scenario.config.message_classes
        return StoredMessage(
            self._own_id(row),
            unit,
            int(row.state),
            row.carrier,
            _own_at(row.carrier, row.carrier_message_id, unit, joined),
            row.error_code,
            row.expires_at,
            row.done_at,
            is_live,
            row.attempts >= classes[row.message_class].retry.attempts_max,
        )

    def _own_id(self, row: Message) -> str:
        return _own(row.message_id, self._tables.unit_of[row.seq])


def _own(message_id: str, unit: str) -> str:
    """An id that is this unit's alone."""
    return message_id if not message_id or unit == nonce_of(unit) else f"{message_id}/{unit}"


def _own_at(carrier: str, carrier_message_id: str, unit: str, joined: dict[Key, list[str]]) -> str:
    is_joined = unit in joined.get((carrier, carrier_message_id), ())
    return f"{carrier_message_id}/{unit}" if is_joined else carrier_message_id


def _told_of_each(receipts: list[CarrierReceipt], joined: dict[Key, list[str]]) -> Iterator[CarrierReceipt]:
    for receipt in receipts:
        units = joined.get((receipt.carrier, receipt.carrier_message_id))
        if units is None:
            yield receipt
        for unit in units or ():
            yield evolve(receipt, carrier_message_id=f"{receipt.carrier_message_id}/{unit}")


def _plain(submit: Sent) -> Submit:
    return Submit(
        submit.nonce,
        submit.account,
        submit.session,
        submit.invoked_at,
        submit.registered_delivery,
        at_most_once=submit.at_most_once,
        reply=submit.reply,
        command_status=submit.command_status,
        answered_at=submit.answered_at,
    )


def _plain_receipt(receipt: ClientReceipt) -> ClientReceipt:
    return ClientReceipt(
        receipt.at, receipt.account, receipt.session, receipt.message_id, receipt.state, receipt.text, receipt.answer
    )
