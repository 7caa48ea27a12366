"""Messages from handsets (MO): from a carrier to the account that owns the number, durable as receipts are."""

from collections.abc import Sequence
from functools import partial

import structlog

from smsagg.carriers.base import RespondMo
from smsagg.engine.core import Changes, Core
from smsagg.engine.deliveries import Deliveries
from smsagg.engine.finish import Finisher
from smsagg.mo import MoRoute, MoRoutes, first_word, routes_of
from smsagg.mo.loop_guard import LoopGuard
from smsagg.model import CarrierMo, Delivery, DeliveryKind
from smsagg.observe.log import RateLimitedLog
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK, ESME_RX_R_APPN


class HandsetMessages:
    """Finds the owner of what was written; the carrier hears yes after the commit."""

    def __init__(self, core: Core, deliveries: Deliveries, finisher: Finisher) -> None:
        self._core = core
        self._deliveries = deliveries
        self._finisher = finisher
        self._routes = MoRoutes(routes_of(core.config))
        settings = core.config.mo
        self._loops = LoopGuard(settings.loop_messages_max, int(settings.loop_window * 1000))
        self._log = RateLimitedLog(structlog.get_logger("smsagg.engine"))

    def on_mo(self, carrier: str, messages: Sequence[CarrierMo], respond: RespondMo) -> None:
        """Take in one batch; what nobody owns is refused with ESME_RINVDSTADR, a loop with ESME_RX_R_APPN."""
        changes = Changes()
        taken: list[tuple[CarrierMo, int]] = []
        now = self._core.clock.now_ms()
        for mo in messages:
            route = self._route(carrier, mo)
            if route is None:
                self._refuse(carrier, mo, ESME_RINVDSTADR, "refused", respond)
            elif self._is_loop(mo, now):
                self._refuse(carrier, mo, ESME_RX_R_APPN, "looped", respond)
            else:
                self._core.metrics.mo(carrier, "taken")
                self._deliver(route.account, mo, now, changes)
                taken.append((mo, ESME_ROK))
        if taken:
            self._finisher.commit(changes, lambda error: respond(taken) if error is None else None)

    def _route(self, carrier: str, mo: CarrierMo) -> MoRoute | None:
        word = partial(first_word, mo.body, mo.data_coding, mo.esm_class)
        return self._routes.find(carrier, mo.destination_addr, word)

    def _is_loop(self, mo: CarrierMo, now: int) -> bool:
        """Whether two numbers of ours answer each other too fast."""
        return self._routes.owns(mo.source_addr) and not self._loops.admits(mo.source_addr, mo.destination_addr, now)

    def _refuse(self, carrier: str, mo: CarrierMo, status: int, result: str, respond: RespondMo) -> None:
        self._core.metrics.mo(carrier, result)
        self._log.warning(
            "mo_refused",
            key=f"{carrier} {result}",
            carrier=carrier,
            reason="nobody owns the number" if result == "refused" else "two numbers of ours answer each other",
            source_addr=mo.source_addr,
            destination_addr=mo.destination_addr,
        )
        respond([(mo, status)])

    def _deliver(self, account: str, mo: CarrierMo, now: int, changes: Changes) -> None:
        """Owe ``mo`` to ``account``."""
        delivery = self._delivery(account, mo, now)
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
