"""What the ESME's messages are: destinations, alphabets, headers, TLVs, times; each with its nonce in the text."""

from math import inf
from random import Random

from attrs import define

from tools.chaos.wire import USER_MESSAGE_REFERENCE, Content

CANARY = "kingfisher-4711"
"""Stands in most texts, and must stand in no log."""
SOURCES = (("ACME", 5, 0), ("447700900000", 1, 1))
POOLS = {"447700900": "gb", "849012345": "world", "998901234": "world", "852612345": "world", "120255501": "world"}
"""Beginnings of destinations, and the pool of their country."""
ESM_CLASS_UDHI = 0x40
PORT_HEADER = bytes((0x06, 0x05, 0x04, 0x15, 0x81, 0x00, 0x00))
"""A user data header that names two ports (3GPP TS 23.040 §9.2.3.24.4): no part of anything longer."""
VENDOR_TLV = 0x1401

KINDS = {"gsm": 60, "latin1": 8, "ucs2": 12, "binary": 5, "ports": 5, "payload": 5, "tlvs": 5}
"""Kinds of messages, and their weights."""


@define(frozen=True)
class Order:
    """One message to submit."""

    content: Content
    in_payload: bool
    pool: str
    schedule_s: int
    validity_s: float

    @property
    def schedule(self) -> str:
        return relative_time(self.schedule_s) if self.schedule_s else ""

    @property
    def validity_period(self) -> str:
        return relative_time(int(self.validity_s)) if self.validity_s < inf else ""


def relative_time(seconds: int) -> str:
    """``YYMMDDhhmmss000R`` of less than a hundred seconds (SMPP 3.4 §7.1.1.2)."""
    return f"0000000000{seconds:02d}000R"


def compose(nonce: str, rng: Random, registered_delivery: int, validity_s: float, schedule_s: int) -> Order:
    """A message of any kind with this nonce."""
    beginning = rng.choice(list(POOLS))
    digits = f"{beginning}{rng.randrange(1000):03d}"
    prefix, ton, npi = rng.choices((("", 1, 1), ("+", 1, 1), ("00", 0, 0)), (8, 1, 1))[0]
    source, source_ton, source_npi = rng.choice(SOURCES)
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    body, data_coding, esm_class, tlvs = _body(kind, nonce, rng)
    content = Content(
        source_addr_ton=source_ton,
        source_addr_npi=source_npi,
        source_addr=source,
        dest_addr_ton=ton,
        dest_addr_npi=npi,
        destination_addr=prefix + digits,
        esm_class=esm_class,
        priority_flag=rng.choices((0, 1, 2, 3), (70, 10, 10, 10))[0],
        registered_delivery=registered_delivery,
        data_coding=data_coding,
        body=body,
        tlvs=tlvs,
    )
    return Order(content, kind == "payload", POOLS[beginning], schedule_s, validity_s)


def _body(kind: str, nonce: str, rng: Random) -> tuple[bytes, int, int, tuple[tuple[int, bytes], ...]]:
    """(octets, data_coding, esm_class, TLVs) of a kind."""
    text = f"{nonce} {CANARY}"
    match kind:
        case "latin1":
            return f"{text} Grüße, à bientôt".encode("latin-1"), 3, 0, ()
        case "ucs2":
            return f"{text} Xin chào 您好".encode("utf-16-be"), 8, 0, ()
        case "binary":
            return nonce.encode() + rng.randbytes(24), 4, 0, ()
        case "ports":
            return PORT_HEADER + nonce.encode() + rng.randbytes(24), 4, ESM_CLASS_UDHI, ()
        case "tlvs":
            reference = (USER_MESSAGE_REFERENCE, rng.randbytes(2))
            return text.encode(), 0, 0, (reference, (VENDOR_TLV, rng.randbytes(5)))
        case _:
            return text.encode(), 0, 0, ()
