"""From a ``submit_sm`` to a message ready to be reserved, or to the :class:`~smsagg.model.Refusal` of it.

Checks go from cheap to dear: flags, sender, body, destination, life, and then what every front door checks
(:mod:`smsagg.engine.admission.admission`). What is refused here was never stored.

What is taken from an account with smart encoding may get another body (:mod:`smsagg.text.smart`), unless it is a part
of a longer message.
"""

from smsagg.config.schema import Config, MessageClassSettings
from smsagg.engine.accounts import Account
from smsagg.engine.admission.admission import Admission
from smsagg.model import Message, Refusal
from smsagg.policy.encoding import encoding_rules
from smsagg.policy.sender_rules import SenderRules
from smsagg.policy.submit_rules import check_body, check_flags, choose_body, end_of_life, lifetime
from smsagg.routing.destination import NPI_ISDN, TON_INTERNATIONAL, BadDestination, e164_digits
from smsagg.smpp.concatenation import SAR_TAGS
from smsagg.smpp.errors import InvalidTime, PastTime
from smsagg.smpp.pdu import DataSm, ReplaceSm, SubmitSm
from smsagg.smpp.status import (
    ESME_RINVDSTADR,
    ESME_RINVEXPIRY,
    ESME_RINVSCHED,
    ESME_RINVSRCADR,
    ESME_RMISSINGOPTPARAM,
)
from smsagg.smpp.times import parse_time
from smsagg.smpp.tlv import Tag, encode_tlvs, tlv_int, tlv_value
from smsagg.text import Rules, encode_smart

_DEFAULT_CLASS = MessageClassSettings()
_DEFAULT_LIFE_MS = end_of_life(0, None, _DEFAULT_CLASS)
_OURS = frozenset({int(Tag.MESSAGE_PAYLOAD), int(Tag.QOS_TIME_TO_LIVE)})
"""TLVs that are not sent on as they came: the body, and a life that began with the submit."""
_DATA_CODINGS = {"latin1": 0x03, "ascii": 0x01}
"""What tells everybody what an account means by its data_coding 0."""
ADDRESS_OCTETS_MAX = 20
CLOCKS_DIFFER_MS = 60_000
"""A schedule_delivery_time that has passed by no more means now."""


class Submission:
    """Reads submits under one configuration."""

    def __init__(self, config: Config, admission: Admission) -> None:
        self._admission = admission
        self._classes = config.message_classes
        self._lives_ms = {name: end_of_life(0, None, settings) for name, settings in self._classes.items()}
        """Of messages that say nothing of their time, by class."""
        self._encodings = _smart_encodings(config)
        self._encodes_anew = {account for account, _ in self._encodings}
        self._senders = {
            name: SenderRules(settings.senders)
            for name, settings in config.accounts.items()
            if settings.senders is not None
        }

    def stored_source(self, account: str, source_addr: str) -> str | None:
        """The source address that a submit of ``account`` with this one got, for requests that name it again; ``None``:
        one of a number pool's, whichever."""
        senders = self._senders.get(account)
        if senders is not None and senders.asks_pool(source_addr):
            return None
        sender = senders.apply(0, 0, source_addr) if senders is not None else None
        if senders is None or sender is None:
            return source_addr
        return None if senders.asks_pool(sender.address) else sender.address

    def digits_of(
        self, destination_addr: str, dest_addr_ton: int, dest_addr_npi: int, account: Account
    ) -> str | BadDestination:
        """The E.164 number (no plus) that ``account`` means."""
        digits = e164_digits(destination_addr, dest_addr_ton, dest_addr_npi)
        if isinstance(digits, BadDestination) and "odd_ton_npi" in account.settings.lenient:
            digits = e164_digits(destination_addr, TON_INTERNATIONAL, NPI_ISDN)
        return digits

    def encodes_anew(self, account: str) -> bool:
        """Whether texts of ``account`` may be stored in another data_coding than they were submitted in."""
        return account in self._encodes_anew

    def class_settings(self, message_class: str) -> MessageClassSettings:
        """Of a message class that the configuration has, or has no more."""
        return self._classes.get(message_class, _DEFAULT_CLASS)

    def message_of(self, pdu: SubmitSm, account: Account, now: int) -> Message | Refusal:
        """The message, admitted but not yet numbered (``seq`` 0), or the refusal by the first rule that it breaks."""
        status = check_flags(
            pdu.esm_class,
            pdu.priority_flag,
            pdu.registered_delivery,
            pdu.replace_if_present_flag,
            pdu.sm_default_msg_id,
        )
        if status:
            return Refusal(status)
        ton, npi, source_addr = pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr
        senders = self._senders.get(account.name)
        if senders is not None:
            sender = senders.apply(ton, npi, source_addr)
            if sender is None:
                return Refusal(ESME_RINVSRCADR)
            ton, npi, source_addr = sender
        body, in_payload, tlvs = pdu.short_message, False, b""
        if pdu.tlvs:
            body, in_payload = choose_body(body, tlv_value(pdu.tlvs, Tag.MESSAGE_PAYLOAD))
            tlvs = encode_tlvs(tuple(tlv for tlv in pdu.tlvs if tlv[0] not in _OURS))
        status = check_body(pdu.esm_class, body)
        if status:
            return Refusal(status)
        digits = self.digits_of(pdu.destination_addr, pdu.dest_addr_ton, pdu.dest_addr_npi, account)
        if isinstance(digits, BadDestination):
            return Refusal(ESME_RINVDSTADR)
        settings = account.settings
        message_class = settings.class_by_service_type.get(pdu.service_type, settings.message_class)
        asked_until: int | None = None
        if pdu.schedule_delivery_time or pdu.validity_period or pdu.tlvs:
            times = self.times_of(pdu, now)
            if isinstance(times, int):
                return Refusal(times)
            life = lifetime(now, *times, self.class_settings(message_class))
            if isinstance(life, Refusal):
                return life
            (not_before, expires_at), asked_until = life, times[1]
        else:  # as most do
            not_before, expires_at = now, now + self._lives_ms.get(message_class, _DEFAULT_LIFE_MS)
        data_coding, esm_class = pdu.data_coding, pdu.esm_class
        if data_coding == 0 and settings.data_coding_0 != "gsm":
            data_coding = _DATA_CODINGS[settings.data_coding_0]
        rules = self._encodings.get((account.name, message_class)) if self._encodings else None
        if rules is not None and not any(tlv[0] in SAR_TAGS for tlv in pdu.tlvs):
            encoded = encode_smart(body, data_coding, esm_class, rules)
            if encoded is not None:
                body, data_coding, esm_class = encoded
        message = Message(
            0,
            "",
            account.name,
            message_class,
            pdu.service_type,
            ton,
            npi,
            source_addr,
            pdu.dest_addr_ton,
            pdu.dest_addr_npi,
            pdu.destination_addr,
            esm_class,
            pdu.protocol_id,
            min(pdu.priority_flag, settings.priority_max),
            pdu.registered_delivery,
            data_coding,
            pdu.sm_default_msg_id,
            body,
            in_payload,
            tlvs,
            "",
            "",
            now,
            not_before,
            expires_at,
        )
        return self._admission.admit(account, message, digits, now, asked_until) or message

    def message_of_data(self, pdu: DataSm, account: Account, now: int) -> Message | Refusal:
        """The same for a data_sm, which says less: its text is its message_payload (ESME_RMISSINGOPTPARAM without).

        Its addresses may have 64 octets on the wire; here those that fit a submit_sm are taken.
        """
        if tlv_value(pdu.tlvs, Tag.MESSAGE_PAYLOAD) is None:
            return Refusal(ESME_RMISSINGOPTPARAM)
        if len(pdu.source_addr) > ADDRESS_OCTETS_MAX:
            return Refusal(ESME_RINVSRCADR)
        return self.message_of(
            SubmitSm(
                pdu.service_type,
                pdu.source_addr_ton,
                pdu.source_addr_npi,
                pdu.source_addr,
                pdu.dest_addr_ton,
                pdu.dest_addr_npi,
                pdu.destination_addr,
                pdu.esm_class,
                registered_delivery=pdu.registered_delivery,
                data_coding=pdu.data_coding,
                tlvs=pdu.tlvs,
            ),
            account,
            now,
        )

    def times_of(self, pdu: SubmitSm | ReplaceSm, now: int) -> tuple[int | None, int | None] | int:
        """When the message is to go and when it is too late, ``None`` for what the PDU does not say; or the
        command_status that refuses it."""
        schedule_at = expires_at = None
        if pdu.schedule_delivery_time:
            try:
                schedule_at = parse_time(pdu.schedule_delivery_time, now)
            except PastTime as past:
                if past.instant_ms < now - CLOCKS_DIFFER_MS:
                    return ESME_RINVSCHED
                schedule_at = now
            except InvalidTime:
                return ESME_RINVSCHED
        time_to_live_s = tlv_int(pdu.tlvs, Tag.QOS_TIME_TO_LIVE) if pdu.tlvs else None
        if time_to_live_s is not None:
            expires_at = now + time_to_live_s * 1000
        elif pdu.validity_period:
            try:
                expires_at = parse_time(pdu.validity_period, now)
            except (InvalidTime, PastTime):
                return ESME_RINVEXPIRY
        return schedule_at, expires_at


def _smart_encodings(config: Config) -> dict[tuple[str, str], Rules]:
    """The rules of the texts that are encoded anew, by account and the class that they are submitted in."""
    default = MessageClassSettings()
    found: dict[tuple[str, str], Rules] = {}
    for name, settings in config.accounts.items():
        for message_class in (settings.message_class, *settings.class_by_service_type.values()):
            rules = encoding_rules(settings, config.message_classes.get(message_class, default))
            if rules is not None:
                found[name, message_class] = rules
    return found
