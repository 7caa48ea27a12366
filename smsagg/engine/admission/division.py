"""Makes parts of what is submitted: recognises those that a customer cut, and cuts what a carrier wants in parts.

| Submitted | In the store |
|---|---|
| fits a short message | itself |
| a part, by its user data header or ``sar_*`` TLVs | as it came, in a group with its siblings |
| longer, and some carrier of its pool takes parts only | its parts without such a header, in a group |
| longer, and no carrier does | itself |

How a part says on the wire that it is one is up to the carrier's adapter, in the form that the carrier wants.
"""

import copy
from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from smsagg.config.schema import AccountSettings, Config, LongMessageSettings, PoolSettings
from smsagg.engine.queues.joining import text_of_part
from smsagg.model import Message, PartGroup, PartReceipts
from smsagg.queueing import OpenGroups, References
from smsagg.smpp.concatenation import PARTS_MAX, UDHI, Concatenation, read_sar, read_user_data, write_user_data
from smsagg.smpp.status import ESME_RINVMSGLEN
from smsagg.smpp.tlv import Tag, decode_tlvs
from smsagg.text import part_octets, split_body
from smsagg.text.split import USER_DATA_OCTETS

EXCERPT_OCTETS = 40
"""Of the text, kept with the group for receipts: 20 characters of UCS-2."""
PAIRS_MAX = 100_000
"""Pairs of addresses whose latest reference is remembered."""
_SAR_TAG = int(Tag.SAR_MSG_REF_NUM).to_bytes(2, "big")
_TLVS_MAX = 10_000
_HEADER_OCTETS = {"udh": 5, "udh16": 6, "sar": 6}
"""What takes its place on air beside the text, by the form that a carrier wants; SMSCs make headers of ``sar_*``."""


class Cut(NamedTuple):
    """How the messages of a pool are cut."""

    segment_octets: int
    """On air, all headers included."""
    element_octets: int
    """Of the information element that says which part it is."""

    def octets_max(self, data_coding: int, header_octets: int) -> int:
        """Octets of text in one short message beside a header of so many (0: none, else with its length octet)."""
        return part_octets(data_coding, header_octets + USER_DATA_OCTETS - self.segment_octets)


class Division:
    """Under one configuration."""

    def __init__(self, config: Config, rng: Random) -> None:
        self._settings: LongMessageSettings
        self._cuts: Mapping[str, Cut | None]
        self._references = References(PAIRS_MAX, rng.getrandbits(16))
        self.open_groups = OpenGroups(config.long_messages.open_groups_max)
        self.plain_octets: int
        """A body of at most so many octets without a header fits every carrier."""
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Heed ``config`` from now on; what was cut stays as it is."""
        self._settings = config.long_messages
        self._cuts = {name: _cut_of(config, pool) for name, pool in config.pools.items()}
        self.open_groups.groups_max = config.long_messages.open_groups_max
        self.plain_octets = min((cut.segment_octets for cut in self._cuts.values() if cut), default=USER_DATA_OCTETS)

    def divide(self, account: AccountSettings, message: Message, now: int) -> list[Message] | int:
        """``message``, as a part if it is one, or as the first of several if it is cut; or the ``command_status`` that
        refuses it."""
        said = concatenation_of(message)
        if said is not None and said.total > 1:
            self._join_siblings(account, message, said, now)
            return [message]
        cut = self._cuts.get(message.pool)  # the pool may have left the configuration since the message was routed
        return [message] if cut is None else self._split(account, message, cut, now)

    def _join_siblings(self, account: AccountSettings, message: Message, said: Concatenation, now: int) -> None:
        key = (message.account, message.source_addr, message.destination_addr, said.reference, said.total)
        group = self.open_groups.find(key, said.number, now)
        if group is None:
            receipts = PartReceipts[account.part_receipts.upper()]
            group = self._group_of(message, said.reference, said.total, receipts, now)
            group.closes_at = now + int(self._settings.siblings_window * 1000)
            self.open_groups.add(group)
        self.open_groups.comes(group, said.number)
        message.group, message.part_number = group, said.number

    def is_one(self, message: Message) -> bool:
        """Whether :meth:`divide` would leave ``message`` alone and whole."""
        said = concatenation_of(message)
        if said is not None and said.total > 1:
            return False
        cut = self._cuts.get(message.pool)
        return cut is None or _fits(message, cut)

    def _split(self, account: AccountSettings, message: Message, cut: Cut, now: int) -> list[Message] | int:
        if _fits(message, cut):
            return [message]
        elements, text = text_of_part(message)
        octets_max = cut.octets_max(message.data_coding, 1 + cut.element_octets + len(elements))
        if octets_max * PARTS_MAX < len(text):
            return ESME_RINVMSGLEN
        try:
            texts = split_body(text, message.data_coding, octets_max)
        except ValueError:  # beside such a header there is no room for text
            return ESME_RINVMSGLEN
        if len(texts) > PARTS_MAX:
            return ESME_RINVMSGLEN
        reference = self._references.take(message.source_addr, message.destination_addr)
        receipts = PartReceipts[account.long_receipts.upper()]
        group = self._group_of(message, reference, len(texts), receipts, now)
        group.is_split, group.received = True, len(texts)
        parts = [message, *(copy.copy(message) for _ in texts[1:])]
        for number, (part, text) in enumerate(zip(parts, texts, strict=True), 1):
            part.group, part.part_number = group, number
            part.body = write_user_data(None, elements, text)
            part.in_payload = False
        return parts

    def _group_of(self, message: Message, reference: int, total: int, receipts: PartReceipts, now: int) -> PartGroup:
        return PartGroup(
            group_seq=0,
            message_id="",
            account=message.account,
            source_addr=message.source_addr,
            destination_addr=message.destination_addr,
            reference=reference,
            parts_total=total,
            is_split=False,
            receipts=receipts,
            registered_delivery=message.registered_delivery,
            excerpt=excerpt_of(message),
            accepted_at=now,
            closes_at=now,
            received=0,
        )


def excerpt_of(message: Message) -> bytes:
    """The beginning of its text, nothing of a secret one."""
    return b"" if message.is_secret else text_of_part(message)[1][:EXCERPT_OCTETS]


def concatenation_of(message: Message) -> Concatenation | None:
    """What it says of itself; the user data header counts before TLVs."""
    if message.esm_class & UDHI:
        data = read_user_data(message.body)
        if data is not None and data.concatenation is not None:
            return data.concatenation
    if _SAR_TAG in message.tlvs:
        return read_sar(decode_tlvs(message.tlvs, _TLVS_MAX, check=False))
    return None


def _cut_of(config: Config, pool: PoolSettings) -> Cut | None:
    """The shortest parts that any carrier of the pool or its backups wants; ``None``: no carrier wants parts."""
    segment_octets, element_octets = 0, 0
    seen: set[int] = set()
    while id(pool) not in seen:
        seen.add(id(pool))
        for member in pool.carriers:
            settings = config.carriers[member.carrier].settings
            form = getattr(settings, "long_messages", "as_is")
            if form in _HEADER_OCTETS:
                segment_octets = min(segment_octets or USER_DATA_OCTETS, settings.segment_octets_max)
                element_octets = max(element_octets, _HEADER_OCTETS[form])
        if pool.backup:
            pool = config.pools[pool.backup]
    return Cut(segment_octets, element_octets) if segment_octets else None


def _fits(message: Message, cut: Cut) -> bool:
    """Whether it goes as one short message."""
    elements, text = text_of_part(message)
    length_octet = 1 if elements else 0
    return len(text) <= cut.octets_max(message.data_coding, length_octet + len(elements))
