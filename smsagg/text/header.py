"""User data headers, as far as they concern text: their length, and the national language tables they name.

Information elements 0x24 (single shift) and 0x25 (locking shift) carry one national language identifier each
(3GPP TS 23.040 §9.2.3.24.15 and .16). An identifier that is not known is read as none, the default tables.
"""

from smsagg.text.gsm_tables import LOCKING_SHIFT, Language

IEI_SINGLE_SHIFT = 0x24
IEI_LOCKING_SHIFT = 0x25
CONCATENATION_OCTETS = 5
"""Element with a reference of 8 bits, without the header's length octet (3GPP TS 23.040 §9.2.3.24.1)."""


def split_header(body: bytes) -> tuple[bytes, bytes]:
    """The header, its length octet included, and what follows; a header longer than the body is all of it."""
    end = 1 + body[0] if body else 0
    return body[:end], body[end:]


def languages_of(header: bytes) -> tuple[Language | None, Language | None]:
    """The locking and the single shift that ``header`` names; of several elements the last one counts."""
    locking = single = None
    position = 1
    while position + 2 <= len(header):
        element, octets = header[position], header[position + 1]
        if octets == 1 and position + 2 < len(header):
            if element == IEI_LOCKING_SHIFT:
                locking = _language(header[position + 2])
                locking = locking if locking in LOCKING_SHIFT else None
            elif element == IEI_SINGLE_SHIFT:
                single = _language(header[position + 2])
        position += 2 + octets
    return locking, single


def language_elements(locking: Language | None, single: Language | None) -> bytes:
    """The information elements that name these tables, without the header's length octet; none: no octets."""
    elements = b""
    if single is not None:
        elements += bytes((IEI_SINGLE_SHIFT, 1, single))
    if locking is not None:
        elements += bytes((IEI_LOCKING_SHIFT, 1, locking))
    return elements


def says_languages_only(header: bytes) -> bool:
    """Whether ``header``, its length octet included, names national tables and nothing else: no port, no part."""
    return len(header) == 1 + len(language_elements(*languages_of(header)))


def _language(identifier: int) -> Language | None:
    try:
        return Language(identifier)
    except ValueError:
        return None
