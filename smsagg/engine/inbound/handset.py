"""Messages from handsets (MO): from a carrier to the account that owns the number, durable as receipts are.

Theory of operation. A message goes to the account of its route in the transaction after which its carrier hears yes.
A *part* of a long one does the same, unless its account wants the whole or its route depends on a keyword, which only
the first part has. Then it is stored, its carrier hears yes, and it waits
(:class:`~smsagg.mo.reassembly.Reassembly`) for the others. The transaction that owes the message to its account also
deletes the parts, so a crash repeats or loses nothing; after a restart the parts wait on.

Whoever wants parts gets them as they came, and so does everyone when the rest does not come in ``reassembly_timeout``,
when more waits than ``parts_max`` or ``parts_octets_max`` allow, or when the parts cannot be one text. A message whose
parts came to a number that has routes for other keywords only is dropped when that turns out, counted as refused.

Whose a message to a number is that several accounts share depends on who wrote to its sender last, which may have to be
looked up. Then the message waits for that, unanswered, at most ``ASKING_MAX`` of them, and begins anew.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import structlog
import trio
from attrs import evolve

from smsagg.carriers.base import RespondMo
from smsagg.engine.core import Changes, Core
from smsagg.engine.ending.deliveries import Deliveries
from smsagg.engine.ending.finish import Finisher
from smsagg.engine.inbound.mo_owners import MoOwners
from smsagg.engine.inbound.opting import Opting
from smsagg.errors import StoreError
from smsagg.mo import LoopGuard, MoRoute, Reassembly, concatenation_of, join
from smsagg.model import CarrierMo, Delivery, DeliveryKind, MoPart
from smsagg.observe.log import RateLimitedLog
from smsagg.smpp.concatenation import Concatenation
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK, ESME_RX_R_APPN, ESME_RX_T_APPN

INTERVAL_S = 1.0
"""How often it is looked for parts that waited long enough."""
ASKED_AT_ONCE = 1_000
ASKING_MAX = 10_000
"""Messages to shared numbers that wait for a look-up; the next is refused for now (ESME_RX_T_APPN)."""


class HandsetMessages:
    """Finds the owner of what was written; the carrier hears yes after the commit."""

    def __init__(self, core: Core, deliveries: Deliveries, finisher: Finisher, opting: Opting) -> None:
        self._core = core
        self._deliveries = deliveries
        self._finisher = finisher
        self._opting = opting
        self._owners = MoOwners(core)
        settings = core.config.mo
        self._loops = LoopGuard(settings.loop_messages_max, int(settings.loop_window * 1000))
        self._reassembly = Reassembly(
            settings.parts_max, settings.parts_octets_max, int(settings.reassembly_timeout * 1000)
        )
        self._last_part_id = 0
        self._work = trio.Event()
        self._asking: deque[tuple[str, Callable[[], None]]] = deque()
        """Recipients to look up, and what goes on then."""
        self._ask = trio.Event()
        self._log = RateLimitedLog(structlog.get_logger("smsagg.engine"))

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on; parts that wait go by the routes that are there when they
        wait no longer."""
        settings = self._core.config.mo
        self._owners.reconfigure()
        self._loops.set_limits(settings.loop_messages_max, int(settings.loop_window * 1000))
        self._reassembly.set_limits(
            settings.parts_max, settings.parts_octets_max, int(settings.reassembly_timeout * 1000)
        )

    @property
    def parts_waiting(self) -> int:
        """Parts that wait for others."""
        return len(self._reassembly)

    def recovered(self, parts: Sequence[MoPart]) -> None:
        """What the store holds from before; once, first."""
        changes = Changes()
        now = self._core.clock.now_ms()
        for part in parts:
            self._last_part_id = max(self._last_part_id, part.part_id)
            self._add(part, now, changes, is_stored=True)
        if not changes.is_empty():
            self._commit(changes)

    async def run(self) -> None:
        """Hand out parts that waited long enough, and look up who wrote last to whom."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run_asking)
            nursery.start_soon(self._run_giving_up)

    async def _run_asking(self) -> None:
        while True:
            self._ask = trio.Event()
            if not self._asking:
                await self._ask.wait()
            batch = [self._asking[i] for i in range(min(len(self._asking), ASKED_AT_ONCE))]
            if await self._core.store_permitting(partial(self._ask_and_act, batch)):
                for _ in batch:
                    self._asking.popleft()

    async def _ask_and_act(self, batch: Sequence[tuple[str, Callable[[], None]]]) -> None:
        def act() -> None:
            for _, go_on in batch:
                go_on()

        await self._core.numbers.knowing([recipient for recipient, _ in batch], act)

    def _go_on_later(self, recipient: str, go_on: Callable[[], None]) -> None:
        self._asking.append((recipient, go_on))
        self._ask.set()

    async def _run_giving_up(self) -> None:
        while True:
            if not len(self._reassembly):
                self._work = trio.Event()
                await self._work.wait()
            self._give_up()
            await trio.sleep(INTERVAL_S)

    def on_mo(self, carrier: str, messages: Sequence[CarrierMo], respond: RespondMo) -> None:
        """Take in one batch; what nobody owns is refused with ESME_RINVDSTADR, a loop with ESME_RX_R_APPN."""
        changes = Changes()
        taken: list[tuple[CarrierMo, int]] = []
        now = self._core.clock.now_ms()
        for mo in messages:
            unknown = self._owners.unknown_writer(carrier, mo)
            if unknown:
                self._look_up(unknown, carrier, mo, respond)
                continue
            route = self._owners.find(carrier, mo, mo)
            said = concatenation_of(mo)
            must_wait = said is not None and self._owners.must_wait(carrier, mo, route)
            if route is None and not must_wait:
                if self._opting.hear_for_sharers(self._owners.sharers(carrier, mo), mo, now, changes):
                    self._core.metrics.mo(carrier, "taken")
                    taken.append((mo, ESME_ROK))
                else:
                    self._refuse(carrier, mo, ESME_RINVDSTADR, "refused", respond)
            elif self._is_loop(mo, now):
                self._refuse(carrier, mo, ESME_RX_R_APPN, "looped", respond)
            else:
                self._core.metrics.mo(carrier, "taken")
                if said is not None and must_wait:
                    self._add(self._part(carrier, said, mo, now), now, changes)
                else:
                    assert route is not None
                    self._deliver(carrier, route, mo, now, changes)
                taken.append((mo, ESME_ROK))
        if taken:
            # Through the store even when nothing changed: the part that this one repeats may be on its way there.
            self._commit(changes, lambda: respond(taken))

    def _is_loop(self, mo: CarrierMo, now: int) -> bool:
        """Whether two numbers of ours answer each other too fast."""
        return self._owners.owns(mo.source_addr) and not self._loops.admits(mo.source_addr, mo.destination_addr, now)

    def _look_up(self, recipient: str, carrier: str, mo: CarrierMo, respond: RespondMo) -> None:
        if len(self._asking) < ASKING_MAX:
            self._go_on_later(recipient, lambda: self.on_mo(carrier, [mo], respond))
        else:
            self._core.metrics.mo(carrier, "refused")
            respond([(mo, ESME_RX_T_APPN)])

    def _refuse(self, carrier: str, mo: CarrierMo, status: int, result: str, respond: RespondMo) -> None:
        self._core.metrics.mo(carrier, result)
        self._tell_refused(carrier, mo, result)
        respond([(mo, status)])

    def _tell_refused(self, carrier: str, mo: CarrierMo, result: str) -> None:
        self._log.warning(
            "mo_refused",
            key=f"{carrier} {result}",
            carrier=carrier,
            reason="two numbers of ours answer each other" if result == "looped" else "nobody owns the number",
            source_addr=mo.source_addr,
            destination_addr=mo.destination_addr,
        )

    # --- parts ---

    def _part(self, carrier: str, said: Concatenation, mo: CarrierMo, now: int) -> MoPart:
        self._last_part_id += 1
        return MoPart(
            self._last_part_id,
            carrier,
            said.reference,
            said.is_wide,
            said.total,
            said.number,
            now,
            evolve(mo, handle=None),
        )

    def _add(self, part: MoPart, now: int, changes: Changes, is_stored: bool = False) -> None:
        taken = self._reassembly.add(part)
        metrics = self._core.metrics
        for parts in taken.given_up:
            metrics.mo_reassembled(parts[0].carrier, "incomplete")
            self._hand_out(parts, now, changes)
        if taken.is_repeated:
            metrics.mo_reassembled(part.carrier, "repeated")
            if is_stored:
                changes.done_mo_parts.append(part.part_id)
        elif taken.late_for is not None:
            metrics.mo_reassembled(part.carrier, "late")
            self._hand_out([part], now, changes, taken.late_for.mo)
        elif taken.whole is not None:
            metrics.mo_reassembled(part.carrier, "whole")
            self._hand_out(taken.whole, now, changes)
        elif taken.waits:
            self._work.set()
            if not is_stored:
                changes.new_mo_parts.append(part)

    def _give_up(self) -> None:
        now = self._core.clock.now_ms()
        changes = Changes()
        for parts in self._reassembly.give_up(now):
            self._core.metrics.mo_reassembled(parts[0].carrier, "incomplete")
            self._hand_out(parts, now, changes)
        if not changes.is_empty():
            self._commit(changes)

    def _hand_out(self, parts: Sequence[MoPart], now: int, changes: Changes, first: CarrierMo | None = None) -> None:
        """Owe parts that wait no longer to their account: as one message where all are there and it wants that.

        ``first`` is the part that says where they go, when it is not among them.
        """
        carrier, messages = parts[0].carrier, [part.mo for part in parts]
        unknown = self._owners.unknown_writer(carrier, messages[0])
        if unknown:  # they are in the store, and stay there until they are handed out
            self._go_on_later(unknown, partial(self._hand_out_alone, parts, first))
            return
        changes.done_mo_parts += [part.part_id for part in parts]
        if first is None and parts[0].number == 1:
            first = messages[0]
        route = self._owners.find(carrier, messages[0], first)
        if route is None:
            self._core.metrics.mo(carrier, "refused", len(parts))
            self._tell_refused(carrier, messages[0], "refused")
            return
        whole = join(messages) if route.reassemble and len(parts) == parts[0].total else None
        for mo in messages if whole is None else (whole,):
            self._deliver(carrier, route, mo, now, changes)

    def _hand_out_alone(self, parts: Sequence[MoPart], first: CarrierMo | None) -> None:
        changes = Changes()
        self._hand_out(parts, self._core.clock.now_ms(), changes, first)
        self._commit(changes)

    # --- the account ---

    def _commit(self, changes: Changes, respond: Callable[[], None] | None = None) -> None:
        """Write ``changes``; then what was said in them is in force, and ``respond`` is called."""
        heed = self._opting.commit()

        def committed(error: StoreError | None) -> None:
            if error is None:
                if heed is not None:
                    heed()
                if respond is not None:
                    respond()

        self._finisher.commit(changes, committed)

    def _deliver(self, carrier: str, route: MoRoute, mo: CarrierMo, now: int, changes: Changes) -> None:
        self._opting.hear(route.account, mo, now, changes)
        account = self._core.config.accounts.get(route.account)
        inbound = "smpp" if account is None else account.inbound
        if inbound != "smpp" or self._core.events.follows(route.account):
            self._core.events.inbound(route.account, mo, carrier, changes, now)
        if inbound == "http":
            return
        delivery = self._delivery(route.account, mo, now)
        self._deliveries.reserve(delivery)
        changes.new_deliveries.append(delivery)

    def _delivery(self, owner: str, mo: CarrierMo, now: int) -> Delivery:
        return Delivery(
            delivery_id=self._deliveries.take_id(),
            account=owner,
            kind=DeliveryKind.MO,
            service_type=mo.service_type,
            source_addr_ton=mo.source_addr_ton,
            source_addr_npi=mo.source_addr_npi,
            source_addr=mo.source_addr,
            dest_addr_ton=mo.dest_addr_ton,
            dest_addr_npi=mo.dest_addr_npi,
            destination_addr=mo.destination_addr,
            esm_class=mo.esm_class,
            protocol_id=mo.protocol_id,
            data_coding=mo.data_coding,
            body=mo.body,
            tlvs=mo.tlvs,
            message_id="",
            message_state=0,
            error_code=0,
            created_at=now,
            expires_at=now + self._deliveries.ttl_ms,
        )
