"""Carriers' receipts that match nothing: what they are, and matching them by another rule.

On a running server what matches takes effect at once; in the store of a stopped one it is noted, and takes effect when
the server starts. Looking through the messages that await a receipt asks the store for a bounded part at a time, so a
running server goes on meanwhile.
"""

from smsagg.engine.ending.reports import Reports
from smsagg.receipts.dialect import IdDialect
from smsagg.receipts.rematch import Rematch, Rematched, Unmatched
from smsagg.store.base import Changes, ParkedReceipt, Store

SCANNED_AT_ONCE = 20_000


async def unmatched_receipts(store: Store, carrier: str = "") -> list[ParkedReceipt]:
    """Those of ``carrier``, or of all, the oldest first; they leave after ``parked_receipt_ttl``. Raises StoreError."""
    return await store.find_parked_receipts(carrier)


async def find_matches(store: Store, carrier: str, rule: IdDialect) -> Rematched:
    """What matches when ``rule`` is applied to the ids that messages have and those that receipts came with. Changes
    nothing. Raises StoreError."""
    parked = await store.find_parked_receipts(carrier)
    names = [Unmatched(row.carrier_message_id, row.raw_id or row.carrier_message_id, row.msisdn) for row in parked]
    rematch = Rematch(rule, names)
    after_seq, is_done = 0, not parked
    while not is_done:
        messages, after_seq = await store.list_enroute(carrier, after_seq, SCANNED_AT_ONCE)
        rematch.offer([(message.carrier_message_id, message.destination_addr) for message in messages])
        is_done = not after_seq
    return rematch.result()


async def rematch_running(store: Store, reports: Reports, carrier: str, rule: IdDialect) -> Rematched:
    """Match and let it take effect; when this returns the store has the effects. Raises StoreError."""
    matches = await find_matches(store, carrier, rule)
    if matches.matches:
        reports.look_up_parked(carrier, matches.matches)
        await reports.wait_looked_up()
        await store.flush()
    return matches


async def rematch_stopped(store: Store, carrier: str, rule: IdDialect) -> Rematched:
    """Match and note it in the store; when this returns it is durable. Raises StoreError."""
    matches = await find_matches(store, carrier, rule)
    rows = await store.find_parked_receipts(carrier)
    named = matches.matches
    noted = [row._replace(matched_as=named[row.carrier_message_id]) for row in rows if row.carrier_message_id in named]
    if noted:
        store.write(Changes(parked_receipts=noted))
        await store.flush()
    return matches
