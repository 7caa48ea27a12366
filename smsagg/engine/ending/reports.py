"""Carriers' receipts: from the carrier's report to the message's final state, whichever comes first.

Theory of operation. A receipt names a message by the carrier's id. The id is looked for

1. among the messages in memory that await their receipt (:class:`~smsagg.receipts.correlator.Correlator`);
2. in the store, when some waiting messages are not in memory (evicted, or accepted before a restart);
3. else the receipt is *parked*: it came before its ``submit_sm_resp``, or its carrier writes ids in another way there.
   It is stored, and when an attempt is accepted under that id, :meth:`Reports.await_receipt` applies it. No timer is
   involved.

A receipt that matches nothing is also evidence about its carrier's ids (:mod:`smsagg.engine.ending.learning`). When a
rule comes in force, at a restart, and when an operator says so (:mod:`smsagg.engine.ending.unmatched`), parked receipts
are looked up once more; they stay in the store until the transaction that has their effect.

The carrier is answered only after the effect (final state, parking) is committed, so what we answered with
ESME_ROK survives a crash. Unmatched receipts leave after ``parked_receipt_ttl``, counted as orphans.

Parts of a long message that a carrier took as one await one receipt, under one id: it is each part's. Of those that are
not in memory then, the store is asked.

Bounds: ``live_messages_in_memory_max`` awaiting messages (the oldest leave memory, not the store),
``parked_receipts_max`` parked receipts (then the carrier hears ESME_RX_T_APPN: again later).
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby, islice
from operator import attrgetter, itemgetter

import structlog
import trio

from smsagg.carriers.base import RespondReceipts
from smsagg.engine.core import Changes, Core
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.ending.learning import ReceiptLearning, learning_carriers
from smsagg.engine.ending.parked import raw_id_of, receipt_of, row_of
from smsagg.errors import StoreError
from smsagg.model import CarrierReceipt, Message, MessageState
from smsagg.observe.log import RateLimitedLog, with_masked_numbers
from smsagg.receipts.correlator import Correlator
from smsagg.receipts.parse import header_of
from smsagg.receipts.recent import RecentIds
from smsagg.receipts.registered import wants_intermediate
from smsagg.smpp.status import ESME_ROK, ESME_RX_T_APPN
from smsagg.store.base import ParkedReceipt

_ENROUTE, _DELIVERED = MessageState.ENROUTE, MessageState.DELIVERED  # an enum's attribute is slow to find
LOOKUP_MAX = 500
"""Ids looked up in the store at once."""
BACKLOG_MAX = 50_000
"""Receipts that wait for a look-up; beyond, carriers are asked to come again."""
RECENT_MAX = 100_000
"""Ended messages whose repeated receipts are recognised without asking the store."""

_Pending = tuple[str, CarrierReceipt, RespondReceipts]


class Reports:
    """Matches carriers' receipts with messages."""

    def __init__(self, core: Core, finisher: Finisher, learns: frozenset[str] = frozenset()) -> None:
        self._core = core
        self._finisher = finisher
        store = core.config.store
        self.correlator = Correlator(store.live_messages_in_memory_max, store.parked_receipts_max)
        self.learning = ReceiptLearning(learns, self.correlator.find)
        self._matched: Counter[str] = Counter()
        """Receipts that named a message, by carrier."""
        self._canonical = core.config.receipts.error_codes == "canonical"
        self._log = RateLimitedLog(structlog.get_logger("smsagg.engine"))
        self._recent = RecentIds(RECENT_MAX)
        self._lookups: deque[_Pending] = deque()
        self._work = trio.Event()
        self._looked_up = trio.Event()
        self.all_in_memory = False
        """Every ENROUTE message is in the correlator, so a miss there is a miss in the store."""
        self._sought: dict[tuple[str, str], list[Message]] = {}
        """What the look-up under way asks for, and whom a carrier took under such an id meanwhile: the store's answer
        does not know them, and memory may have let them go again."""

    def reconfigure(self) -> None:
        """Heed the configuration and the carriers of the core from now on."""
        core = self._core
        self.correlator.messages_max = core.config.store.live_messages_in_memory_max
        self.correlator.early_max = core.config.store.parked_receipts_max
        self._canonical = core.config.receipts.error_codes == "canonical"
        learns = learning_carriers({name: state.carrier for name, state in core.carriers.items()})
        for carrier in self.learning.reconfigure(learns):
            self.look_up_parked(carrier)

    def await_receipt(self, message: Message, now: int, changes: Changes) -> None:
        """``message`` is ENROUTE: expect its receipt, or apply the one that came before."""
        if not message.carrier_message_id:
            self._forget(message)
            return
        key = (message.carrier, message.carrier_message_id)
        if key in self._sought:
            self._sought[key].append(message)
        early = self._take_early(message)
        self._expect(message)
        for receipt in early:
            self._unpark(message.carrier, receipt, changes)
            self._apply(message, receipt, now, changes)

    def await_joined(self, parts: Sequence[Message], now: int, changes: Changes) -> None:
        """The same for the parts that a carrier took as one: they have one id."""
        first = parts[0]
        if not first.carrier_message_id:
            for part in parts:
                self._forget(part)
            return
        key = (first.carrier, first.carrier_message_id)
        if key in self._sought:
            self._sought[key].extend(parts)
        early = self._take_early(first)
        for part in parts:
            self._expect(part)
        for receipt in early:
            self._unpark(first.carrier, receipt, changes)
            for part in parts if receipt.state.is_final else parts[:1]:
                self._apply(part, receipt, now, changes)

    def await_probe(self, probe: Message, changes: Changes) -> None:
        """A carrier took ``probe``, which is in no store: apply the receipt that came before, if it did."""
        for receipt in self._take_early(probe):
            self._unpark(probe.carrier, receipt, changes)
            self._core.probes.on_receipt(probe.carrier, (probe.carrier_message_id,), receipt)

    def on_receipts(self, carrier: str, receipts: Sequence[CarrierReceipt], respond: RespondReceipts) -> None:
        """Take in one batch; ``respond`` is called for each receipt once its effect is durable."""
        self._take(carrier, receipts, respond, self.all_in_memory)

    def _take(
        self,
        carrier: str,
        receipts: Sequence[CarrierReceipt],
        respond: RespondReceipts,
        is_all_known: bool,
        loaded: Sequence[Message] = (),
    ) -> None:
        """``is_all_known``: every message that these receipts may name is in memory, or among ``loaded``: of more parts
        than memory holds the last ones push out the first."""
        core, now = self._core, self._core.clock.now_ms()
        find, by_rule = self.correlator.find, carrier in self.learning.in_force
        changes = Changes()
        matched: list[tuple[CarrierReceipt, int]] = []
        missed: list[CarrierReceipt] = []
        for receipt in receipts:
            if receipt.oddity:
                self._tell_odd(carrier, receipt)
            if by_rule or receipt.matched_as:
                message = self._named_otherwise(carrier, receipt) if is_all_known else None
            else:
                message = find(carrier, receipt.carrier_message_id, receipt.msisdn)
            if message is not None:
                self._apply(message, receipt, now, changes)
                if message.group is not None and not self._apply_to_siblings(
                    message, receipt, now, changes, is_all_known, loaded
                ):
                    self._lookups.append((carrier, receipt, respond))  # brought again it would be a repetition
                    self._work.set()
                    continue
                if receipt.parked_as:
                    self._unpark(carrier, receipt, changes)
                else:
                    core.metrics.carrier_receipt(carrier, receipt.state, "matched")
                matched.append((receipt, ESME_ROK))
            elif self._is_repeated(carrier, receipt):
                if receipt.parked_as:
                    self._unpark(carrier, receipt, changes)
                else:
                    core.metrics.carrier_receipt(carrier, receipt.state, self._repetition(carrier, receipt))
                matched.append((receipt, ESME_ROK))
            elif self._core.probes.on_receipt(carrier, self._names(carrier, receipt), receipt):
                if receipt.parked_as:
                    self._unpark(carrier, receipt, changes)
                else:
                    core.metrics.carrier_receipt(carrier, receipt.state, "matched")
                matched.append((receipt, ESME_ROK))
            elif not receipt.carrier_message_id:  # names nobody, least of all a message whose carrier gave no id
                core.metrics.carrier_receipt(carrier, receipt.state, "orphan")
                matched.append((receipt, ESME_ROK))
            else:
                missed.append(receipt)
        self._matched[carrier] += len(matched)
        if matched or not changes.is_empty():
            # Through the store even when nothing changed: what an earlier, identical receipt changed may still be
            # on its way to the disk, and must be there before this one is answered.
            self._finisher.commit(changes, lambda error: respond(matched) if error is None else None)
        if missed:
            self._missed(carrier, missed, respond, now, is_all_known)

    async def run(self) -> None:
        """Look up in the store what memory does not know."""
        lookups = self._lookups
        while True:
            if not lookups:
                self._work = trio.Event()
                await self._work.wait()
            first, carrier = self._first_lookups(), lookups[0][0]
            batch = [pending for pending in first if pending[0] == carrier]
            if await self._core.store_permitting(partial(self._look_up, carrier, batch)):
                for _ in first:
                    lookups.popleft()
                lookups.extendleft(pending for pending in reversed(first) if pending[0] != carrier)
                self._looked_up.set()
                self._looked_up = trio.Event()

    def recovered(self, parked: Sequence[ParkedReceipt], enroute: int) -> None:
        """What the store holds from before; once, first."""
        for row in sorted(parked, key=attrgetter("carrier", "carrier_message_id", "parked_at")):
            receipt = receipt_of(row)
            if enroute:  # a rule may have come, or an operator's word, by which it matches
                self._lookups.append((row.carrier, receipt, _nobody))
            else:
                self.correlator.park(row.carrier, receipt, row.parked_at)
        self.all_in_memory = enroute == 0

    def look_up_parked(self, carrier: str, as_ids: Mapping[str, str] | None = None) -> None:
        """Try once more what is parked for ``carrier``; or only keys of ``as_ids``, under the ids given there."""
        for receipt in self.correlator.take_parked(carrier, as_ids):
            if as_ids is not None:
                receipt.matched_as = as_ids[receipt.parked_as]
            self._lookups.append((carrier, receipt, _nobody))
        self._work.set()

    async def wait_looked_up(self) -> None:
        """Until every look-up that waits now is over; what they changed is then on its way to the store."""
        last = self._lookups[-1] if self._lookups else None
        while last is not None and any(pending is last for pending in self._lookups):
            await self._looked_up.wait()

    def drop_orphans(self, parked_before: int) -> list[tuple[str, CarrierReceipt]]:
        """Forget receipts that were parked before that instant; returns them with their carriers."""
        return self.correlator.expire_early(parked_before)

    def ended(self, message: Message, reported: MessageState | None = None) -> None:
        """``message`` got its final state, the one that its carrier ``reported`` or another: no receipt for it is
        awaited any more."""
        if message.carrier_message_id and self.correlator.remove(message):
            self._recent.add(message.carrier, message.carrier_message_id, reported)

    def _apply_to_siblings(
        self,
        message: Message,
        receipt: CarrierReceipt,
        now: int,
        changes: Changes,
        is_all_known: bool,
        loaded: Sequence[Message],
    ) -> bool:
        """A report of one part is also that of those that went as one with it. False: some of them are in the store
        only, and are to be looked up."""
        group = message.group
        assert group is not None
        key = (message.carrier, message.carrier_message_id)
        if not receipt.state.is_final or (group.carrier, group.joined_id) != key:
            return True
        while (sibling := self.correlator.find(*key)) is not None and sibling.group is group:
            self._apply(sibling, receipt, now, changes)
        for sibling in loaded:
            if sibling.group is group and (sibling.carrier, sibling.carrier_message_id) == key:
                self._apply(sibling, receipt, now, changes)
        return is_all_known or group.is_over

    def _unpark(self, carrier: str, receipt: CarrierReceipt, changes: Changes) -> None:
        """A receipt that was parked has its effect: its row goes with it."""
        changes.unparked_receipts.append((carrier, receipt.parked_as))
        self._core.metrics.early_receipt(carrier)

    def _is_repeated(self, carrier: str, receipt: CarrierReceipt) -> bool:
        """Whether the message that it names ended a short while ago."""
        if carrier not in self.learning.in_force and not receipt.matched_as:
            return (carrier, receipt.carrier_message_id) in self._recent
        return any((carrier, name) in self._recent for name in self._names(carrier, receipt))

    def _repetition(self, carrier: str, receipt: CarrierReceipt) -> str:
        """How a receipt is counted whose message ended a short while ago: it may say another end, too late."""
        ended_as = next(
            filter(None, (self._recent.state_of(carrier, name) for name in self._names(carrier, receipt))), None
        )
        is_other = ended_as is not None and receipt.state.is_final and receipt.state is not ended_as
        return "contradicted" if is_other else "duplicate"

    def _tell_odd(self, carrier: str, receipt: CarrierReceipt) -> None:
        """Once for each receipt: what is looked up or parked comes here again without its oddity."""
        self._core.metrics.odd_receipt(carrier, receipt.oddity)
        fields = with_masked_numbers(header_of(receipt.text).decode("latin-1"))
        self._log.warning(
            "receipt_odd", key=f"{carrier} {receipt.oddity}", carrier=carrier, oddity=receipt.oddity, fields=fields
        )
        receipt.oddity = ""

    def _take_early(self, message: Message) -> list[CarrierReceipt]:
        """The receipts that came before ``message``. By a rule they may name another one too, so they are looked up."""
        if message.carrier not in self.learning.in_force:
            return self.correlator.take_early(message.carrier, message.carrier_message_id)
        for receipt in self.correlator.take_early(message.carrier, self.learning.message_key(message)):
            self._lookups.append((message.carrier, receipt, _nobody))
            self._work.set()
        return []

    def _first_lookups(self) -> list[_Pending]:
        """Those that are next. Receipts that share a row of the store stand side by side and are not parted."""
        first = list(islice(self._lookups, LOOKUP_MAX))
        last_carrier, last, _ = first[-1]
        for pending in islice(self._lookups, LOOKUP_MAX, None):
            if not last.parked_as or (pending[0], pending[1].parked_as) != (last_carrier, last.parked_as):
                break
            first.append(pending)
        return first

    def _missed(
        self, carrier: str, receipts: list[CarrierReceipt], respond: RespondReceipts, now: int, is_all_known: bool
    ) -> None:
        if is_all_known:
            self._park(carrier, [(receipt, respond) for receipt in receipts], now)
            return
        if len(self._lookups) + len(receipts) > BACKLOG_MAX:
            respond([(receipt, ESME_RX_T_APPN) for receipt in receipts])
            return
        self._lookups.extend((carrier, receipt, respond) for receipt in receipts)
        self._work.set()

    async def _look_up(self, carrier: str, pendings: list[_Pending]) -> None:
        core = self._core
        by_names: dict[tuple[str, ...], list[tuple[CarrierReceipt, RespondReceipts]]] = {}
        for _, receipt, respond in pendings:
            by_names.setdefault(self._names(carrier, receipt), []).append((receipt, respond))
        found: dict[str, list[Message]] = {}
        sought: dict[tuple[str, str], list[Message]] = {(carrier, name): [] for names in by_names for name in names}
        self._sought = sought
        try:
            with core.watching_finishes() as finished_meanwhile:
                answer = await core.store.find_by_carrier_id(carrier, [name for _, name in sought])
                core.groups.adopt(answer)
                for message in answer:
                    found.setdefault(message.carrier_message_id, []).append(message)
        finally:
            self._sought = {}
        unknown: list[tuple[CarrierReceipt, RespondReceipts]] = []
        for names, answers in by_names.items():  # one by one: what is loaded for one may push out another's
            loaded: dict[int, Message] = {}
            for name in names:
                for message in (*found.get(name, ()), *sought[carrier, name]):
                    if message.seq in finished_meanwhile or message.seq in loaded:
                        continue
                    loaded[message.seq] = core.live.get(message.seq, message)
                    if message.seq not in core.live:
                        core.live[message.seq] = message
                        self._expect(message)
            known: list[tuple[CarrierReceipt, RespondReceipts]] = []
            for receipt, respond in answers:
                (known if self._names_somebody(carrier, receipt) else unknown).append((receipt, respond))
            for respond, group in groupby(known, key=itemgetter(1)):
                self._take(carrier, [receipt for receipt, _ in group], respond, True, list(loaded.values()))
        if unknown:
            self._park(carrier, unknown, core.clock.now_ms())

    def _names(self, carrier: str, receipt: CarrierReceipt) -> tuple[str, ...]:
        """Ids under which its message may have been accepted."""
        if receipt.matched_as:
            return (receipt.matched_as,)
        if carrier in self.learning.in_force:
            return self.learning.spellings(carrier, raw_id_of(receipt))
        return (receipt.carrier_message_id,)

    def _named_otherwise(self, carrier: str, receipt: CarrierReceipt) -> Message | None:
        """The message in memory that it names by an operator's word or its carrier's rule."""
        if receipt.matched_as:
            return self.correlator.find(carrier, receipt.matched_as, receipt.msisdn)
        return self.learning.message_named(carrier, raw_id_of(receipt))

    def _names_somebody(self, carrier: str, receipt: CarrierReceipt) -> bool:
        if carrier in self.learning.in_force or receipt.matched_as:
            message = self._named_otherwise(carrier, receipt)
        else:
            message = self.correlator.find(carrier, receipt.carrier_message_id)
        return message is not None or self._is_repeated(carrier, receipt)

    def _park(self, carrier: str, receipts: list[tuple[CarrierReceipt, RespondReceipts]], now: int) -> None:
        changes = Changes()
        answers: list[tuple[CarrierReceipt, RespondReceipts]] = []
        has_learned = False
        for receipt, respond in receipts:
            is_new = not receipt.parked_as
            if is_new:
                receipt.parked_as, receipt.parked_at = receipt.carrier_message_id, now
                receipt.text = header_of(receipt.text)
            under = self.learning.receipt_key(carrier, raw_id_of(receipt))
            is_kept = self.correlator.park(carrier, receipt, receipt.parked_at, under)
            if is_new and is_kept:
                self._core.metrics.carrier_receipt(carrier, receipt.state, "parked")
                changes.parked_receipts.append(row_of(carrier, receipt))
                answers.append((receipt, respond))
                has_learned |= self.learning.missed(carrier, raw_id_of(receipt), self._matched[carrier])
            elif is_new:
                self._core.metrics.carrier_receipt(carrier, receipt.state, "refused")
                respond([(receipt, ESME_RX_T_APPN)])

        def parked_durably(error: StoreError | None) -> None:
            for receipt, respond in answers if error is None else ():
                respond([(receipt, ESME_ROK)])
                receipt.handle = None

        if answers:
            self._core.store.write(changes, parked_durably)
        if has_learned:
            self.look_up_parked(carrier)

    def _apply(self, message: Message, receipt: CarrierReceipt, now: int, changes: Changes) -> None:
        """The effect of a report on a message in ENROUTE; one on a message that is over has none."""
        if message.state is not _ENROUTE:
            return
        state = receipt.state
        error_code = receipt.cause if self._canonical else receipt.error_code
        if self._core.watch.watcher is not None:
            self._core.decided(message, "reported", f"{state.name} by {message.carrier} {message.carrier_message_id!r}")
        if state.is_final:
            if receipt.cause:
                message.cause = receipt.cause
                self._tell_failed(message, receipt)
            experience, way = self._core.experience, (message.carrier, message.country)
            cell = experience.cells.get(way) or experience.cell(*way)
            cell.reported(state is _DELIVERED, message.next_attempt_at, now)
            self.ended(message, state)
            self._finisher.finish(message, state, error_code, now, changes)
        elif wants_intermediate(message.registered_delivery) and (
            message.group is None or message.group.notifies_of(message.part_number)
        ):
            changes.new_deliveries.append(
                self._finisher.receipt(message, MessageState.ENROUTE, error_code, now, intermediate=True)
            )

    def _tell_failed(self, message: Message, receipt: CarrierReceipt) -> None:
        self._core.metrics.carrier_failure(message.carrier, receipt.cause)
        self._log.info(
            "carrier_failure",
            key=f"{message.carrier} {receipt.cause}",
            carrier=message.carrier,
            cause=receipt.cause.name.lower(),
            permanent=receipt.cause.is_permanent,
            state=receipt.state.name,
            err=receipt.error_code,
            message_id=message.message_id,
        )

    def _expect(self, message: Message) -> None:
        for evicted in self.correlator.add(message):
            self._forget(evicted)

    def _forget(self, message: Message) -> None:
        """A waiting message leaves memory; the store still has it."""
        self._core.live.pop(message.seq, None)
        self.all_in_memory = False


def _nobody(_answers: Sequence[tuple[CarrierReceipt, int]]) -> None:
    """Who brought a parked receipt was answered when it was parked."""
