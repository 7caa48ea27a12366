"""What a decoded submit_sm may say: its flags, its body, its life; each refusal is the field's own command_status.

=========================  ==========================================================================================
Field                      Rule
=========================  ==========================================================================================
esm_class                  message type default, delivery or user acknowledgement; all messaging modes are taken and
                           treated as store and forward; else ESME_RINVESMCLASS (SMPP 3.4 §5.2.12)
priority_flag              0 to 3; else ESME_RINVPRTFLG (§5.2.14)
registered_delivery        bits 7 to 5 zero; else ESME_RINVREGDLVFLG (§5.2.17). Value 3 of the lowest two bits means
                           success only, as in SMPP 5.0 §4.7.21
replace_if_present_flag    0 or 1; else ESME_RINVREPFLAG (§5.2.18)
sm_default_msg_id          0; there are no canned messages: ESME_RINVDFTMSGID
data_coding, protocol_id   any: the carrier and the handset read them
short_message              a body of no octets is a message, unless it says that it has a user data header
message_payload            supersedes short_message when both are there (SMPP 5.0 table 4-14); an empty one does not
user data header           must lie within the body, its elements within it (3GPP TS 23.040 §9.2.3.24);
                           ESME_RINVMSGLEN for a missing one, ESME_RINVESMCLASS for a broken one
schedule_delivery_time     before ``schedule_max`` and not in the past, else ESME_RINVSCHED; past by less than a minute
                           it means now, since clocks differ
validity_period            after the first attempt may begin, else ESME_RINVEXPIRY; a longer one than ``ttl_max`` after
                           that is cut; none means ``ttl``
qos_time_to_live           the same in seconds from now, and goes before validity_period
=========================  ==========================================================================================

Instants are UTC milliseconds and parsed already (:mod:`smsagg.smpp.times`).
"""

from typing import NamedTuple

from smsagg.config.schema import MessageClassSettings
from smsagg.model import Refusal
from smsagg.smpp.status import (
    ESME_RINVDFTMSGID,
    ESME_RINVESMCLASS,
    ESME_RINVEXPIRY,
    ESME_RINVMSGLEN,
    ESME_RINVPRTFLG,
    ESME_RINVREGDLVFLG,
    ESME_RINVREPFLAG,
    ESME_RINVSCHED,
    ESME_ROK,
)

PRIORITY_MAX = 3
_UDHI = 0x40
_MESSAGE_TYPE_BITS = 0x3C
_MESSAGE_TYPES = frozenset({0x00, 0x08, 0x10})
_ESM_CLASSES = frozenset(esm for esm in range(256) if esm & _MESSAGE_TYPE_BITS in _MESSAGE_TYPES)
_REGISTERED_DELIVERY_RESERVED = 0xE0


class Lifetime(NamedTuple):
    """When a message may first be sent, and when it is too late."""

    not_before: int
    expires_at: int


def check_flags(
    esm_class: int,
    priority_flag: int,
    registered_delivery: int,
    replace_if_present_flag: int = 0,
    sm_default_msg_id: int = 0,
) -> int:
    """ESME_ROK, or the command_status of the first of these fields that breaks its rule."""
    if esm_class not in _ESM_CLASSES:
        return ESME_RINVESMCLASS
    if priority_flag > PRIORITY_MAX:
        return ESME_RINVPRTFLG
    if registered_delivery & _REGISTERED_DELIVERY_RESERVED:
        return ESME_RINVREGDLVFLG
    if replace_if_present_flag > 1:
        return ESME_RINVREPFLAG
    if sm_default_msg_id:
        return ESME_RINVDFTMSGID
    return ESME_ROK


def choose_body(short_message: bytes, message_payload: bytes | None) -> tuple[bytes, bool]:
    """The message's body, and whether it is the payload. ``None``: there is no such TLV."""
    return (message_payload, True) if message_payload else (short_message, False)


def check_body(esm_class: int, body: bytes) -> int:
    """ESME_ROK, or the command_status of a user data header that is announced and is not there or broken."""
    if not esm_class & _UDHI:
        return ESME_ROK
    if not body:
        return ESME_RINVMSGLEN
    end = 1 + body[0]
    if end > len(body):
        return ESME_RINVESMCLASS
    position = 1
    while position < end:
        if position + 2 > end:
            return ESME_RINVESMCLASS
        position += 2 + body[position + 1]
    return ESME_ROK if position == end else ESME_RINVESMCLASS


def lifetime(
    now: int, schedule_at: int | None, expires_at: int | None, message_class: MessageClassSettings
) -> Lifetime | Refusal:
    """The life of a message submitted ``now``; ``None`` stands for a time that the submit left out."""
    not_before = now if schedule_at is None else max(schedule_at, now)
    if not_before > now + message_class.schedule_max * 1000:
        return Refusal(ESME_RINVSCHED)
    if expires_at is not None and expires_at <= not_before:
        return Refusal(ESME_RINVEXPIRY)
    return Lifetime(not_before, end_of_life(not_before, expires_at, message_class))


def end_of_life(not_before: int, expires_at: int | None, message_class: MessageClassSettings) -> int:
    """When a message that may be sent from ``not_before`` on expires in this class, if the submit asked for
    ``expires_at`` (``None``: it did not ask)."""
    latest = not_before + round(message_class.ttl_max * 1000)
    if expires_at is None:
        return min(not_before + round(message_class.ttl * 1000), latest)
    return min(expires_at, latest)


def lifetime_after(
    now: int,
    accepted_at: int,
    life: Lifetime,
    schedule_at: int | None,
    expires_at: int | None,
    message_class: MessageClassSettings,
) -> Lifetime | Refusal:
    """The life of a message replaced ``now`` that was accepted at ``accepted_at`` for ``life``; ``None`` leaves a time
    as it is. Bounds count from the acceptance: replacing a message again and again does not keep it for ever."""
    if schedule_at is None and expires_at is None:
        return life
    not_before = life.not_before if schedule_at is None else max(schedule_at, now)
    if not_before > accepted_at + message_class.schedule_max * 1000:
        return Refusal(ESME_RINVSCHED)
    latest = not_before + round(message_class.ttl_max * 1000)
    until = life.expires_at if expires_at is None else min(expires_at, latest)
    return Lifetime(not_before, until) if until > max(not_before, now) else Refusal(ESME_RINVEXPIRY)
