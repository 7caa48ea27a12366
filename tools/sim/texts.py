"""What simulated texts say of themselves: every text holds its nonce, so whoever sees octets knows whose they are.

=================  ==================  =====================================================================
A text             holds               its *units*: what is stored, sent and ended by itself
=================  ==================  =====================================================================
of submit_sm       ``acme0-12;``       ``acme0-12``
replaced           ``acme0-12~1;``     the same
of submit_multi    ``acme0-multi3;``   ``acme0-multi3>447700900123``, one a destination
long               ``acme0-long4.0;``  ``acme0-long4#1`` …, the parts that the gateway cut; or ``acme0-long4``, uncut
a customer's part  ``acme0-part5p1;``  ``acme0-part5p1``
=================  ==================  =====================================================================

A long text is nothing but such marks, numbered, so that every part of it holds a whole one, unless it is the rest.
"""

import re

_MARK = re.compile(rb"(acme\d+-[a-z]*\d+(?:p\d)?)(?:[~.]\d+)?;")
_VERSION = re.compile(rb"~(\d+);")
_HANDSET = re.compile(r"mo-[a-z]+-\d+(?:p\d)?;")
_UNIT = re.compile(r"([^>#]+)(>[^#]+)?(#\d+)?")


def text_of(nonce: str, version: int = 0) -> bytes:
    """A short text; ``version`` counts its replacements."""
    return f"{nonce}~{version};".encode() if version else f"{nonce};".encode()


def long_text(nonce: str, octets: int) -> bytes:
    """A text of about so many octets."""
    marks = (f"{nonce}.{number};" for number in range(1_000_000))
    text = ""
    while len(text) < octets:
        text += next(marks)
    return text.encode()


def nonces_in(text: bytes) -> list[str]:
    """Whose marks it holds, in order, each once."""
    return list(dict.fromkeys(found[1].decode() for found in _MARK.finditer(text)))


def version_in(text: bytes) -> int:
    """How often it was replaced."""
    found = _VERSION.search(text)
    return int(found[1]) if found else 0


def handset_texts_in(text: str) -> list[str]:
    """The texts that handsets wrote, or parts of them, in order."""
    return _HANDSET.findall(text)


def digits_of(address: str) -> str:
    """A destination as international digits."""
    return address.lstrip("+").removeprefix("00")


def unit_of(nonce: str, destination: str, part_number: int) -> str:
    """The name of a unit. ``part_number``: of a part that the gateway cut, else 0."""
    unit = f"{nonce}>{digits_of(destination)}" if "-multi" in nonce else nonce
    return f"{unit}#{part_number}" if part_number else unit


def nonce_of(unit: str) -> str:
    """The nonce of the submit that a unit came with."""
    return unit.split(">")[0].split("#")[0]


def destination_of(unit: str) -> str:
    """The digits in the name of a unit of a submit_multi, else ``""``."""
    found = _UNIT.fullmatch(unit)
    return found[2][1:] if found and found[2] else ""


def part_number_of(unit: str) -> int:
    """Of a part that the gateway cut, else 0."""
    return int(unit.partition("#")[2] or 0)
