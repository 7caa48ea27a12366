"""Hypothesis strategies for PDUs, drawn from the layouts."""

from typing import Any

from hypothesis import strategies as st

from smsagg.smpp import pdu as pdus
from smsagg.smpp.fields import CountedOctets, CString, DestAddresses, Field, Octet, UnsuccessSmes
from smsagg.smpp.layout import LAYOUTS
from smsagg.smpp.pdu import DistributionList, Pdu, Response, SmeAddress, UnsuccessSme
from smsagg.smpp.tlv import RULES

OCTET = st.integers(0, 255)
SEQUENCE_NUMBER = st.integers(0, 0xFFFFFFFF)


def c_string(octets_max: int) -> st.SearchStrategy[str]:
    """Latin-1 text without NUL that fits ``octets_max`` octets with its NUL."""
    return st.text(st.characters(codec="latin-1", exclude_characters="\0"), max_size=octets_max - 1)


def _unknown_tlv() -> st.SearchStrategy[tuple[int, bytes]]:
    return st.tuples(st.integers(0, 0xFFFF).filter(lambda tag: tag not in RULES), st.binary(max_size=40))


@st.composite
def _known_tlv(draw: st.DrawFn) -> tuple[int, bytes]:
    tag = draw(st.sampled_from(sorted(RULES)))
    least, most, allowed = RULES[tag]
    if allowed is not None:
        return tag, draw(st.sampled_from(sorted(allowed)))
    return tag, draw(st.binary(min_size=least, max_size=min(most, 300)))


TLVS = st.lists(st.one_of(_unknown_tlv(), _known_tlv()), max_size=5).map(tuple)


def field_values(field: Field) -> st.SearchStrategy[Any]:
    match field:
        case CString():
            return c_string(field.octets_max)
        case Octet():
            return OCTET
        case CountedOctets():
            return st.binary(max_size=255)
        case DestAddresses():
            address = st.builds(SmeAddress, OCTET, OCTET, c_string(21))
            return st.lists(st.one_of(address, st.builds(DistributionList, c_string(21))), min_size=1, max_size=4).map(
                tuple
            )
        case UnsuccessSmes():
            sme = st.builds(UnsuccessSme, OCTET, OCTET, c_string(21), SEQUENCE_NUMBER)
            return st.lists(sme, max_size=4).map(tuple)
    raise AssertionError(field)


def pdus_of(kind: type[Pdu]) -> st.SearchStrategy[Pdu]:
    """PDUs of one class as they may be on the wire."""
    fields: dict[str, st.SearchStrategy[Any]] = {field.name: field_values(field) for field in LAYOUTS[kind]}
    fields |= {"sequence_number": SEQUENCE_NUMBER, "tlvs": TLVS}
    if issubclass(kind, Response):
        fields["command_status"] = st.one_of(st.just(0), SEQUENCE_NUMBER)
    return st.builds(kind, **fields)


KINDS = sorted(pdus.PDUS.values(), key=lambda kind: kind.__name__)
ANY_PDU = st.sampled_from(KINDS).flatmap(pdus_of)
