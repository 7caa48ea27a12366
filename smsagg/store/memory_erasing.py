"""How the memory store takes a number out of the past: all at once."""

import orjson
from attrs import evolve

from smsagg.model import DeliveryKind
from smsagg.protection.subject import DataSubject, scrubbed
from smsagg.store.base import ErasurePlace, ErasureStep
from smsagg.store.memory_tables import Tables
from smsagg.verification import VerificationState


def erase(tables: Tables, subject: DataSubject, pseudonym: str, place: ErasurePlace) -> ErasureStep:
    """See :meth:`smsagg.store.base.Store.erase`."""

    def concerns(account: str, number: str) -> bool:
        return subject.account in ("", account) and number in subject.forms

    changed, is_pending = 0, False
    for message in [m for m in tables.history.values() if concerns(m.account, m.destination_addr)]:
        message.destination_addr, message.body, message.tlvs = pseudonym, b"", b""
        changed += 1
    for group in [g for g in tables.groups.values() if g.done_at and concerns(g.account, g.destination_addr)]:
        group.destination_addr, group.excerpt = pseudonym, b""
        changed += 1
    for delivery in [d for d in tables.deliveries.values() if concerns(d.account, d.source_addr)]:
        head, field, _ = delivery.body.partition(b" text:")
        delivery.body = b"" if delivery.kind is DeliveryKind.MO else head + field
        delivery.source_addr, delivery.tlvs = pseudonym, b""
        changed += 1
    for event_id, event in list(tables.events.events.items()):
        rest = scrubbed(event.document, subject, pseudonym) if subject.account in ("", event.account) else None
        if rest is not None:
            tables.events.events[event_id] = event._replace(document=rest)
            changed += 1
    for key, verification in list(tables.verifications.items()):
        if not concerns(verification.account, verification.recipient):
            continue
        if verification.state is VerificationState.PENDING:
            is_pending = True
        else:
            tables.verifications[key] = evolve(verification, recipient=pseudonym)
            changed += 1
    changed += _conversations(tables, subject)
    if not subject.account:
        changed += _of_the_operator(tables, subject)
    live = [m.seq for m in tables.messages.values() if concerns(m.account, m.destination_addr)]
    last = max(tables.last_seq, 1) if is_pending else 0
    return ErasureStep(place._replace(live_seq=place.live_seq + changed), changed, min(live, default=last))


def _conversations(tables: Tables, subject: DataSubject) -> int:
    changed = 0
    for key in [key for key in tables.entities if key[0] == "conversation" and key[1] in subject.forms]:
        before = orjson.loads(tables.entities.pop(key))
        uses = [use for use in before if subject.account and use[0] != subject.account]
        changed += uses != before
        if uses:
            tables.entities[key] = orjson.dumps(uses)
    return changed


def _of_the_operator(tables: Tables, subject: DataSubject) -> int:
    receipts = [key for key, receipt in tables.parked_receipts.items() if receipt.msisdn in subject.forms]
    for key in receipts:
        tables.parked_receipts[key] = tables.parked_receipts[key]._replace(msisdn="", text=b"")
    parts = [part_id for part_id, part in tables.mo_parts.items() if part.mo.source_addr in subject.forms]
    for part_id in parts:
        del tables.mo_parts[part_id]
    return len(receipts) + len(parts)
