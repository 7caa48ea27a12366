"""Reads back from the store which messages came lately, so that a restart does not make their duplicates new.

From the newest back, :data:`READ_AT_ONCE` at a time, until all are older than the longest period that an account asks
for, or :data:`READ_MAX` have been read. Nothing is written for this: the messages themselves are the record.
"""

from collections.abc import Iterable, Iterator, Mapping

from smsagg.abuse import Checks
from smsagg.abuse.duplicates import NOT_ARRIVED, Digest, digest_of, digest_of_text
from smsagg.engine.queues.joining import text_of_part
from smsagg.model import Message
from smsagg.store.base import Store

READ_AT_ONCE = 1_000
READ_MAX = 100_000


async def recall_duplicates(store: Store, last_seq: int, checks: Mapping[str, Checks], now: int) -> None:
    """Tell the ``checks`` of accounts that look for duplicates of the messages of the last run. Raises StoreError."""
    periods = [each.duplicates.period_ms for each in checks.values() if each.duplicates is not None]
    if not periods:
        return
    since, end = now - max(periods), last_seq + 1
    found: list[Message] = []
    while end > max(last_seq - READ_MAX, 0) + 1:
        start = max(end - READ_AT_ONCE, 1)
        batch = await store.find_messages(start, end - start)
        found += [message for message in reversed(batch) if message.account in checks]
        if batch and all(message.accepted_at < since for message in batch):
            break
        end = start
    for message, digest in _wholes(reversed(found)):
        duplicates = checks[message.account].duplicates
        if duplicates is not None and now - message.accepted_at < duplicates.period_ms:
            duplicates.restore(digest, message, message.accepted_at)


def _wholes(messages: Iterable[Message]) -> Iterator[tuple[Message, Digest]]:
    """Each message that arrived or still may, as it was submitted: of one that we cut the first part, once all are
    there."""
    cut: dict[int, list[Message]] = {}
    for message in messages:
        if message.state in NOT_ARRIVED:
            continue
        if message.group is None or not message.group.is_split:
            yield message, digest_of(message)
            continue
        parts = cut.setdefault(message.group_seq, [])
        parts.append(message)
        if len(parts) == message.group.parts_total:
            parts.sort(key=lambda part: part.part_number)
            first = parts[0]
            text = b"".join(text_of_part(part)[1] for part in parts)
            elements = text_of_part(first)[0]
            yield first, digest_of_text(first.destination_addr, first.data_coding, elements, text, None)
            del cut[message.group_seq]
