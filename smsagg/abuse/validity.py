"""Whether a destination can be a number at all, by the numbering plans of ``phonenumbers``.

=========  ===========================================================================================================
Setting    What is asked
=========  ===========================================================================================================
possible   the number of digits is one that its country has: a set of lengths, made once for each country
valid      it lies in a range that is assigned; answers are remembered, since each takes some 30 µs
mobile     the same, and the range is one of mobile numbers, or of mobile and fixed ones that cannot be told apart
=========  ===========================================================================================================

The plans are those of the installed ``phonenumbers``; a range that was opened since is not known to it. Who asks for
``valid`` keeps that package up to date.
"""

from collections.abc import Callable
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType

REMEMBERED_MAX = 65_536
"""Numbers whose answer is kept, for each question."""
_NON_GEOGRAPHIC = "001"
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})

IsTaken = Callable[[str, str], bool]
"""Whether E.164 digits (no plus) of a country are taken."""


def rule_for(numbers: str) -> IsTaken | None:
    """The rule of a setting of ``numbers``; ``None``: every number is taken."""
    rules: dict[str, IsTaken] = {"possible": is_possible, "valid": _is_valid, "mobile": _is_mobile}
    return rules.get(numbers)


def is_possible(digits: str, country: str) -> bool:
    """Whether ``country`` has numbers of so many digits. Of a country that is not known: every length is."""
    lengths = lengths_of(country)
    return not lengths or len(digits) in lengths


@cache
def lengths_of(country: str) -> frozenset[int]:
    """Digits, the calling code among them, that E.164 numbers of ``country`` can have; empty: nothing is known."""
    if country == _NON_GEOGRAPHIC:
        codes = [code for code, regions in COUNTRY_CODE_TO_REGION_CODE.items() if regions == (_NON_GEOGRAPHIC,)]
        known = [(code, PhoneMetadata.metadata_for_nongeo_region(code)) for code in codes]
    else:
        code = phonenumbers.country_code_for_region(country)
        known = [(code, PhoneMetadata.metadata_for_region(country))]
    return frozenset(
        len(str(code)) + length
        for code, metadata in known
        if metadata is not None and metadata.general_desc is not None
        for length in metadata.general_desc.possible_length
        if length > 0
    )


def _is_valid(digits: str, country: str) -> bool:
    return is_possible(digits, country) and _type_of(digits) is not None


def _is_mobile(digits: str, country: str) -> bool:
    return is_possible(digits, country) and _type_of(digits) in _MOBILE


@lru_cache(REMEMBERED_MAX)
def _type_of(digits: str) -> int | None:
    """The :class:`phonenumbers.PhoneNumberType` of a valid number, ``None`` of another."""
    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return None
    kind: int = phonenumbers.number_type(number)
    return None if kind == PhoneNumberType.UNKNOWN else kind
