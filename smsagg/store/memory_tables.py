"""What the memory store keeps: records by key, and one transaction's effect on them."""

import copy
import os
from typing import Any

from attrs import define, evolve, field

from smsagg.directory.audit import EMPTY, AuditHead, AuditRecord, AuditSought, chained, head_of
from smsagg.model import Delivery, DeliveryKind, Message, MessageState, MoPart, PartGroup
from smsagg.model.consent import ConsentKind, ConsentRecord
from smsagg.observe.log import masked
from smsagg.protection import Cipher
from smsagg.protection.key import new_key
from smsagg.store.base import (
    Changes,
    KeyedAnswer,
    ParkedReceipt,
    RetentionPlace,
    RetentionRule,
    RetentionSubject,
)
from smsagg.store.memory_events import EventTables
from smsagg.store.memory_money import MoneyTables
from smsagg.verification import Verification


@define(eq=False)
class Tables:
    """What is durable."""

    messages: dict[int, Message] = field(factory=dict)
    history: dict[int, Message] = field(factory=dict)
    groups: dict[int, PartGroup] = field(factory=dict)
    deliveries: dict[int, Delivery] = field(factory=dict)
    parked_receipts: dict[tuple[str, str, MessageState], ParkedReceipt] = field(factory=dict)
    mo_parts: dict[int, MoPart] = field(factory=dict)
    keyed_answers: dict[tuple[str, str], KeyedAnswer] = field(factory=dict)
    events: EventTables = field(factory=EventTables)
    entities: dict[tuple[str, str], bytes] = field(factory=dict)
    consents: dict[tuple[ConsentKind, str, str, str], ConsentRecord] = field(factory=dict)
    verifications: dict[str, Verification] = field(factory=dict)
    money: MoneyTables = field(factory=MoneyTables)
    audit: list[AuditRecord] = field(factory=list)
    audit_head: AuditHead = EMPTY
    last_seq: int = 0
    last_delivery_id: int = 0
    cipher: Cipher = field(factory=lambda: Cipher([new_key(os.urandom)], os.urandom))

    def apply_retention(
        self, rule: RetentionRule, done_before: int, place: RetentionPlace, limit: int
    ) -> RetentionPlace:
        """To ``limit`` records; the place counts them."""

        def concerns(record: Message | PartGroup | Delivery, over_at: int) -> bool:
            sent: Any = self.history.get(record.group_seq) if isinstance(record, PartGroup) else record
            is_there = not rule.countries or (sent is not None and sent.country in rule.countries)
            return (record.account in rule.accounts) != rule.is_exempting and is_there and 0 < over_at < done_before

        changed = 0
        for message in [m for m in self.history.values() if concerns(m, m.done_at)]:
            if changed < limit:
                if rule.subject is RetentionSubject.HISTORY:
                    self.money.note_dropped([message])
                changed += _take_out(rule.subject, message, self.history, message.seq, "body", "tlvs")
        for group in [g for g in self.groups.values() if concerns(g, g.done_at)]:
            if changed < limit:
                changed += _take_out(rule.subject, group, self.groups, group.group_seq, "excerpt")
        if rule.subject is RetentionSubject.BODIES:
            for delivery in [d for d in self.deliveries.values() if concerns(d, d.created_at)]:
                head, field, text = delivery.body.partition(b" text:")
                if delivery.kind is not DeliveryKind.MO and text and changed < limit:
                    delivery.body = head + field
                    changed += 1
        return place._replace(seq=place.seq + changed)

    def apply(self, changes: Changes) -> None:
        """One transaction, in the order that the port names."""
        for parts in changes.new_parts:
            known = self.groups.get(parts.group_seq)
            if known is None:
                self.groups[parts.group_seq] = group_copy(parts)
            else:
                known.received += parts.received
                known.numbers |= parts.numbers
                known.registered_delivery = max(known.registered_delivery, parts.registered_delivery)
        for message in changes.new_messages:
            assert message.seq not in self.messages
            self.messages[message.seq] = stored = copy.copy(message)
            stored.group = stored.sender_use = None
            self.last_seq = max(self.last_seq, message.seq)
        for update in changes.message_updates:
            if update.seq in self.messages:
                _assign(self.messages[update.seq], update._asdict())
        for replaced in changes.replaced:
            if replaced.seq in self.messages:
                _assign(self.messages[replaced.seq], replaced._asdict())
        for over in changes.finished:
            if over.seq in self.messages:
                message = self.messages.pop(over.seq)
                _assign(message, over._asdict() | {"next_attempt_at": 0, "parked": False})
                if message.is_secret:
                    message.body = message.tlvs = b""
                self.history[over.seq] = message
        for group_update in changes.group_updates:
            if group_update.group_seq in self.groups:
                _assign(self.groups[group_update.group_seq], group_update._asdict())
        for delivery in changes.new_deliveries:
            self.deliveries[delivery.delivery_id] = copy.copy(delivery)
            self.last_delivery_id = max(self.last_delivery_id, delivery.delivery_id)
        for delivery_update in changes.delivery_updates:
            if delivery_update.delivery_id in self.deliveries:
                _assign(self.deliveries[delivery_update.delivery_id], delivery_update._asdict())
        for delivery_id in changes.done_deliveries:
            self.deliveries.pop(delivery_id, None)
        for receipt in changes.parked_receipts:
            self.parked_receipts[receipt.carrier, receipt.carrier_message_id, receipt.state] = receipt
        for matched in changes.unparked_receipts:
            for key in [key for key in self.parked_receipts if key[:2] == matched]:
                del self.parked_receipts[key]
        for part in changes.new_mo_parts:
            self.mo_parts[part.part_id] = copy.copy(part)
        for part_id in changes.done_mo_parts:
            self.mo_parts.pop(part_id, None)
        for answer in changes.keyed_answers:
            self.keyed_answers[answer.account, answer.key] = answer
        self.events.apply(changes)
        for entity in changes.entities:
            if entity.value is None:
                self.entities.pop((entity.kind, entity.key), None)
            else:
                self.entities[entity.kind, entity.key] = entity.value
        for record, is_kept in changes.consents:
            if is_kept:
                self.consents[record[:4]] = record
            else:
                self.consents.pop(record[:4], None)
        for verification in changes.verifications:
            there = self.verifications.get(verification.verification_id, verification)
            self.verifications[verification.verification_id] = evolve(verification, recipient=there.recipient)
        self.money.apply(changes)
        for entry in changes.audit:
            self.audit.append(chained(self.audit_head, entry))
            self.audit_head = head_of(self.audit[-1])

    def find_audit(self, sought: AuditSought, before_seq: int, limit: int) -> tuple[list[AuditRecord], int]:
        """The newest first, and where to go on."""
        match = [
            record
            for record in reversed(self.audit)
            if (not before_seq or record.seq < before_seq) and sought.is_match(record.entry)
        ]
        return match[:limit], match[limit - 1].seq if len(match) > limit else 0


def _take_out(
    subject: RetentionSubject, record: Message | PartGroup, table: dict[int, Any], key: int, *texts: str
) -> bool:
    """Whether anything was still there."""
    if subject is RetentionSubject.HISTORY:
        del table[key]
        return True
    before = [getattr(record, name) for name in (*texts, "destination_addr")]
    if subject is RetentionSubject.NUMBERS:
        record.destination_addr = masked(record.destination_addr)
    else:
        _assign(record, dict.fromkeys(texts, b""))
    return before != [getattr(record, name) for name in (*texts, "destination_addr")]


def _assign(record: Message | Delivery | PartGroup, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(record, name, value)


def group_copy(group: PartGroup) -> PartGroup:
    """As the store keeps it: without what is memory only."""
    kept = copy.copy(group)
    kept.gone, kept.link, kept.retry = set(), None, (0, 0)
    return kept
