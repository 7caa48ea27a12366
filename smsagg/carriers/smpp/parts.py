"""Writes a part of a long message in the form that a carrier wants (its key ``long_messages``).

========================  ======================================  ===============================================
Form                      A part that the customer submitted      A part that we cut
========================  ======================================  ===============================================
``as_is``, ``payload``    unchanged                               as with ``udh``
``udh``                   header element 0x00, reference 8 bits   the same
``udh16``                 header element 0x08, reference 16 bits  the same
``sar``                   ``sar_*`` TLVs                          the same
========================  ======================================  ===============================================

Other elements of a header stay as they are, after the one that says which part it is. A reference of 16 bits is cut to
its low octet where 8 are wanted. Carriers that take long messages whole get single parts only when the others are not
at hand. A part that has no room for what says so (a header or a payload of the greatest length) goes as it came.
"""

from typing import NamedTuple

from smsagg.model import Message, PartGroup
from smsagg.smpp.concatenation import (
    HEADER_OCTETS_MAX,
    UDHI,
    Concatenation,
    concatenation_element,
    read_user_data,
    sar_tlvs,
    without_sar,
    write_user_data,
)
from smsagg.smpp.tlv import VALUE_OCTETS_MAX, Tlvs

FORMS = ("as_is", "udh", "udh16", "sar", "payload")
WHOLE_FORMS = ("as_is", "payload")
"""Those in which a message that is whole stays whole."""


class PartFields(NamedTuple):
    """What of a submit_sm depends on the form."""

    esm_class: int
    body: bytes
    tlvs: Tlvs


def fields_of_part(message: Message, group: PartGroup, body: bytes, tlvs: Tlvs, form: str) -> PartFields:
    """``message``'s ``body`` and ``tlvs`` as ``form`` wants them."""
    if form in WHOLE_FORMS:
        if not group.is_split:
            return PartFields(message.esm_class, body, tlvs)
        form = "udh"
    data = read_user_data(body) if message.esm_class & UDHI else None
    elements, text = (b"", body) if data is None else (data.elements, data.text)
    said = Concatenation(group.reference, group.parts_total, message.part_number, form == "udh16")
    if form != "sar" and not _has_room(concatenation_element(said), elements, text):
        return PartFields(message.esm_class, body, tlvs)
    esm_class, tlvs = message.esm_class & ~UDHI, without_sar(tlvs)
    if form != "sar":
        return PartFields(esm_class | UDHI, write_user_data(said, elements, text), tlvs)
    body = write_user_data(None, elements, text)
    return PartFields(esm_class | UDHI if elements else esm_class, body, (*tlvs, *sar_tlvs(said)))


def _has_room(element: bytes, elements: bytes, text: bytes) -> bool:
    """Whether ``element`` fits the header, and with it the whole fits a ``message_payload``."""
    header_octets = len(element) + len(elements)
    return header_octets <= HEADER_OCTETS_MAX and 1 + header_octets + len(text) <= VALUE_OCTETS_MAX
