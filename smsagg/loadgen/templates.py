"""submit_sm PDUs made from pre-encoded halves: only sequence number and nonce are written for each message.

The text of every message ends in its number, ``#RUN-NUMBER``, so that whoever sees the text knows the message.
Destinations are numbers or patterns in which each ``?`` stands for a random digit.
"""

from random import Random

from attrs import define

from smsagg.errors import ConfigError
from smsagg.loadgen import wire
from smsagg.smpp.codec import encode
from smsagg.smpp.pdu import SubmitSm

DESTINATIONS = ("447700900???", "8490???????", "99890???????", "8525???????", "1202555????")
"""Where messages go by default: numbers of GB (a range reserved for drama), VN, UZ, HK and US."""

TEMPLATES = 500
NUMBER_DIGITS = 9
TEXT_OCTETS_MAX = 254
ADDRESS_OCTETS_MAX = 20


@define(frozen=True)
class MessageShape:
    """What every submit_sm of a run has in common."""

    source_addr: str = "smsagg"
    destinations: tuple[str, ...] = DESTINATIONS
    text: str = "Load"
    registered_delivery: int = 1
    validity_period: str = ""

    def __attrs_post_init__(self) -> None:
        for destination in self.destinations:
            digits = destination.replace("?", "0")
            if not (digits.isascii() and digits.isdecimal() and len(digits) <= ADDRESS_OCTETS_MAX):
                raise ConfigError(f'destination "{destination}": must be digits and "?", at most {ADDRESS_OCTETS_MAX}')
        if not self.destinations:
            raise ConfigError("at least one destination is needed")
        if not self.text.isascii() or len(self.text) > TEXT_OCTETS_MAX - 20:
            raise ConfigError(f"text: must be ASCII of at most {TEXT_OCTETS_MAX - 20} characters")
        if not self.source_addr.isascii() or len(self.source_addr) > ADDRESS_OCTETS_MAX:
            raise ConfigError(f"source address: must be ASCII of at most {ADDRESS_OCTETS_MAX} characters")


class Templates:
    """Makes the messages of one run; ``run`` is a word that no other run has."""

    def __init__(self, shape: MessageShape, run: str, rng: Random) -> None:
        self._nonce_prefix = f" #{run}-"
        self._templates = [self._template(shape, rng, i) for i in range(TEMPLATES)]

    def submit_sm(self, sequence_number: int, number: int) -> bytes:
        """Message ``number`` (0 to 999,999,999)."""
        octets, head = self._templates[number % TEMPLATES]
        return wire.pack_header(octets, wire.SUBMIT_SM, 0, sequence_number) + head + b"%09d" % number

    def nonce(self, number: int) -> str:
        """The end of the text of message ``number``."""
        return f"{self._nonce_prefix[1:]}{number:0{NUMBER_DIGITS}d}"

    def _template(self, shape: MessageShape, rng: Random, index: int) -> tuple[int, bytes]:
        """(length of the PDU, its octets between header and number)."""
        pattern = shape.destinations[index % len(shape.destinations)]
        destination = "".join(rng.choice("0123456789") if c == "?" else c for c in pattern)
        is_number = shape.source_addr.isdecimal()
        frame = encode(
            SubmitSm(
                source_addr_ton=1 if is_number else 5,
                source_addr_npi=1 if is_number else 0,
                source_addr=shape.source_addr,
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=destination,
                validity_period=shape.validity_period,
                registered_delivery=shape.registered_delivery,
                short_message=(shape.text + self._nonce_prefix + "0" * NUMBER_DIGITS).encode("ascii"),
            )
        )
        return len(frame), frame[wire.HEADER_OCTETS : -NUMBER_DIGITS]
