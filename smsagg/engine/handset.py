"""Messages from handsets (MO): from a carrier to the account that owns the number, durable as receipts are."""

from collections.abc import Mapping, Sequence

from smsagg.carriers.base import RespondMo
from smsagg.engine.core import Changes, Core
from smsagg.engine.deliveries import Deliveries
from smsagg.engine.finish import Finisher
from smsagg.model import CarrierMo, Delivery, DeliveryKind
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK

ANY_NUMBER = "*"


class HandsetMessages:
    """Finds the owner of the number that was written to; the carrier hears yes after the commit."""

    def __init__(self, core: Core, deliveries: Deliveries, finisher: Finisher) -> None:
        self._core = core
        self._deliveries = deliveries
        self._finisher = finisher
        self._owners: Mapping[str, str] = {
            number: name for name, account in core.accounts.items() for number in account.settings.mo_numbers
        }

    def on_mo(self, carrier: str, messages: Sequence[CarrierMo], respond: RespondMo) -> None:
        """Take in one batch; a number that nobody owns is refused with ESME_RINVDSTADR."""
        changes = Changes()
        taken: list[tuple[CarrierMo, int]] = []
        now = self._core.clock.now_ms()
        for mo in messages:
            owner = self._owners.get(mo.destination_addr) or self._owners.get(ANY_NUMBER)
            if owner is None:
                self._core.metrics.mo(carrier, "refused")
                respond([(mo, ESME_RINVDSTADR)])
                continue
            self._core.metrics.mo(carrier, "taken")
            delivery = self._delivery(owner, mo, now)
            self._deliveries.reserve(delivery)
            changes.new_deliveries.append(delivery)
            taken.append((mo, ESME_ROK))
        if taken:
            self._finisher.commit(changes, lambda error: respond(taken) if error is None else None)

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
