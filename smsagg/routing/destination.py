"""What a submitted destination address means as an E.164 number.

A message is routed by country, so its destination must be an international number. Taken are:

===================  =========================================================================
TON                  destination_addr
===================  =========================================================================
1 international      7 to 15 digits; a leading ``+`` or ``00`` is dropped
0 unknown            the same, for clients that set no TON write full numbers all the same
any other            refused: national (2), network specific (3), subscriber (4) and abbreviated
                     (6) numbers and short codes mean nothing without a home network, and an
                     alphanumeric address (5) cannot receive
===================  =========================================================================

The NPI must be one that numbers telephones: unknown (0), ISDN (1), national (8) or private (9); clients set the
latter two on full numbers too. No E.164 number begins with 0.
"""

from enum import Enum

E164_DIGITS_MIN = 7
E164_DIGITS_MAX = 15

_TON_UNKNOWN = 0
TON_INTERNATIONAL = 1
NPI_ISDN = 1
_NPI_OF_TELEPHONES = frozenset({0, 1, 8, 9})


class BadDestination(Enum):
    """Why a destination is refused (ESME_RINVDSTADR for all of them)."""

    EMPTY = "no destination_addr"
    NOT_DIGITS = "destination_addr is not a number"
    TOO_SHORT = "fewer than 7 digits: a short code or national number"
    TOO_LONG = "more than 15 digits"
    NATIONAL = "begins with 0: not an international number"
    TON = "dest_addr_ton is neither international nor unknown"
    NPI = "dest_addr_npi is no telephone numbering plan"


def e164_digits(destination_addr: str, dest_addr_ton: int, dest_addr_npi: int) -> str | BadDestination:
    """The international number without plus (7 to 15 ASCII digits), or why there is none. Rules: see the module."""
    if dest_addr_ton != TON_INTERNATIONAL and dest_addr_ton != _TON_UNKNOWN:
        return BadDestination.TON
    if dest_addr_npi not in _NPI_OF_TELEPHONES:
        return BadDestination.NPI
    digits = destination_addr
    if not (digits.isdecimal() and digits.isascii()):
        if not digits:
            return BadDestination.EMPTY
        digits = digits[1:]
        if not (destination_addr[0] == "+" and digits.isdecimal() and digits.isascii()):
            return BadDestination.NOT_DIGITS
    elif digits.startswith("00"):
        digits = digits[2:]
    if not E164_DIGITS_MIN <= len(digits) <= E164_DIGITS_MAX:
        return BadDestination.TOO_SHORT if len(digits) < E164_DIGITS_MIN else BadDestination.TOO_LONG
    if digits[0] == "0":
        return BadDestination.NATIONAL
    return digits
