"""The forms that a sender can have, and how an account's rules write the ones it may use.

A sender is a number (digits, 15 at most: ITU-T E.164 §6.2.1; a ``+`` before them changes nothing) or a name (at most 11
characters of the GSM default alphabet, since the address field of a TPDU holds 11 septets: 3GPP TS 23.040 §9.1.2.5).
Only ASCII is taken of that alphabet: SMPP says nothing of how an address would write the rest, and letters of other
scripts that look like Latin ones have no place in a name.
"""

NUMBER_DIGITS_MAX = 15
NAME_CHARACTERS_MAX = 11
NAME_CHARACTERS = frozenset(" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
WILDCARD = "*"
"""At the end of a pattern: whatever follows."""


def is_number(address: str) -> bool:
    """Whether it is digits, with or without ``+``."""
    digits = address.removeprefix("+")
    return digits.isascii() and digits.isdigit() and len(digits) <= NUMBER_DIGITS_MAX


def is_name(address: str) -> bool:
    """Whether it can be shown as a name, and could not be mistaken for a shorter one."""
    return (
        0 < len(address) <= NAME_CHARACTERS_MAX
        and NAME_CHARACTERS.issuperset(address)
        and not is_number(address)
        and address.strip() == address
    )


def is_pattern(pattern: str) -> bool:
    """Whether it is ``*``, a sender, or the beginning of one with ``*`` after it."""
    beginning = pattern.removesuffix(WILDCARD)
    if WILDCARD in beginning or beginning == "+":
        return False
    is_beginning = beginning != pattern
    return is_number(beginning) or is_name(beginning.rstrip() if is_beginning else pattern) or pattern == WILDCARD
