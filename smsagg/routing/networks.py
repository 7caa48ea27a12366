"""The mobile network of a number, by its leading digits, as the operators' numbering plans give them out.

A network is written MCC and MNC in one (``"23415"``; ITU-T E.212). The table says to whom a range of numbers was given
out; a number that was ported since belongs to another network, which only a look-up tells.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from smsagg.routing.prefix import PrefixTable

COLUMNS = ("prefix", "mcc", "mnc")
OPTIONAL_COLUMNS = ("country", "operator")
PREFIX_DIGITS_MAX = 15
MCC_DIGITS = 3
MNC_DIGITS = (2, 3)


class NetworkRange(NamedTuple):
    """A range of numbers and the network that it was given out to."""

    prefix: str
    network: str
    """MCC and MNC."""
    country: str = ""
    """ISO 3166, ``""`` when the file does not say."""
    operator: str = ""
    """What people call the network."""


class NetworkTable:
    """Networks by leading digits. Immutable; one entry a range."""

    __slots__ = ("_operators", "find")

    def __init__(self, ranges: Iterable[NetworkRange] = ()) -> None:
        found = list(ranges)
        self.find = PrefixTable({one.prefix: one.network for one in found}, "").find
        """``"23415"`` of E.164 digits (no plus) by the longest prefix; ``""`` when no range holds them."""
        self._operators = {one.network: one.operator for one in found if one.operator}

    def operator(self, network: str) -> str:
        """What people call the network; ``""`` when the file does not say."""
        return self._operators.get(network, "")


def is_network(network: str) -> bool:
    """Whether it is an MCC and an MNC in one: 5 or 6 digits."""
    return _is_digits(network) and len(network) - MCC_DIGITS in MNC_DIGITS


def is_mcc(mcc: str) -> bool:
    """Whether it is a mobile country code: 3 digits."""
    return _is_digits(mcc) and len(mcc) == MCC_DIGITS


def range_of(row: Mapping[str, str], countries: frozenset[str]) -> tuple[NetworkRange, list[str]]:
    """One row of a networks file by column names, and everything that is wrong with it; with that it is not to be used.

    ``countries`` are the ISO codes there are.
    """
    prefix, mcc, mnc = (row[column] for column in COLUMNS)
    country, operator = (row[column] for column in OPTIONAL_COLUMNS)
    wrong = []
    if not (_is_digits(prefix) and len(prefix) <= PREFIX_DIGITS_MAX and prefix[0] != "0"):
        wrong.append(f'prefix must be the leading digits of an international number, without "+", not "{prefix}"')
    if not is_mcc(mcc):
        wrong.append(f'mcc must be 3 digits, not "{mcc}"')
    if not (_is_digits(mnc) and len(mnc) in MNC_DIGITS):
        wrong.append(f'mnc must be 2 or 3 digits, with its leading zeros, not "{mnc}"')
    if country and country not in countries:
        wrong.append(f'country must be a code of ISO 3166 (two capital letters, such as "GB"), not "{country}"')
    return NetworkRange(prefix, mcc + mnc, country, operator), wrong


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()
