"""How a carrier writes message ids, so that the id of its submit_sm_resp and that of its receipt become equal.

Carriers answer ``0e999f21`` and report ``E999F21``, answer in hexadecimal and report in decimal, or the other way
round. A dialect says for either side what to convert, and for both whether letter case and leading zeros matter. What
cannot be converted (a UUID under ``hex_to_decimal``) stays as it is. Nothing is guessed: without a dialect ids are
compared octet by octet.

Digits are ASCII digits only; what Python's ``int`` takes beyond that (``1_000``, ``+7``, ``١٢``) is no number here.
"""

from collections.abc import Callable

from attrs import define

ID_OCTETS_MAX = 65
"""Longest message_id (SMPP 3.4 §5.2.23 allows 64 and a NUL; carriers were seen to fill all 65)."""
CONVERSIONS = ("as_is", "hex_to_decimal", "decimal_to_hex")
LETTER_CASES = ("keep", "lower", "upper")

_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_NUMBER_DIGITS_MAX = 32
"""Longer ids are no numbers of any counter, and converting would make them longer than an id may be."""

Normalise = Callable[[str], str]


@define(frozen=True)
class IdDialect:
    """One carrier's way with ids. Conversions are one of :data:`CONVERSIONS`, case one of :data:`LETTER_CASES`."""

    submit_sm_resp: str = "as_is"
    """Conversion of the id in submit_sm_resp."""
    receipt: str = "as_is"
    """Conversion of the id in receipts."""
    letter_case: str = "keep"
    """Case to which both are folded, after conversion."""
    strip_zeros: bool = False
    """Whether leading zeros are dropped from both, after conversion."""

    def __attrs_post_init__(self) -> None:
        for conversion in (self.submit_sm_resp, self.receipt):
            if conversion not in CONVERSIONS:
                raise ValueError(f"unknown id conversion: {conversion!r}")
        if self.letter_case not in LETTER_CASES:
            raise ValueError(f"unknown letter case: {self.letter_case!r}")

    def of_submit_sm_resp(self, message_id: str) -> str:
        """The normalised id of a submit_sm_resp; ``""`` when it is empty or longer than an id may be."""
        return self._normalise(message_id, self.submit_sm_resp)

    def of_receipt(self, message_id: str) -> str:
        """The normalised id of a receipt; ``""`` when it is empty or longer than an id may be."""
        return self._normalise(message_id, self.receipt)

    def _normalise(self, message_id: str, conversion: str) -> str:
        if len(message_id) > ID_OCTETS_MAX:
            return ""
        if conversion != "as_is":
            message_id = _CONVERT[conversion](message_id)
        if self.letter_case != "keep":
            message_id = message_id.lower() if self.letter_case == "lower" else message_id.upper()
        if self.strip_zeros and message_id.startswith("0"):
            message_id = message_id.lstrip("0") or "0"
        return message_id


def hex_to_decimal(message_id: str) -> str:
    """``"10C8F40D"`` → ``"281605133"``; unchanged when it is no hexadecimal number of at most 32 digits."""
    if 0 < len(message_id) <= _NUMBER_DIGITS_MAX and _HEX_DIGITS.issuperset(message_id):
        return str(int(message_id, 16))
    return message_id


def decimal_to_hex(message_id: str) -> str:
    """``"281605133"`` → ``"10c8f40d"``; unchanged when it is no decimal number of at most 32 digits."""
    if 0 < len(message_id) <= _NUMBER_DIGITS_MAX and message_id.isascii() and message_id.isdecimal():
        return f"{int(message_id):x}"
    return message_id


_CONVERT: dict[str, Normalise] = {"hex_to_decimal": hex_to_decimal, "decimal_to_hex": decimal_to_hex}

AS_IS = IdDialect()
"""Ids compared octet by octet."""
