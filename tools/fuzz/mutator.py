"""Mutations that know what the octets mean: lengths, counts, C-octet strings, TLVs, commands, pieces of streams."""

from collections.abc import Callable, Sequence
from random import Random

from smsagg.smpp.pdu import PDUS
from smsagg.smpp.tlv import RULES

INPUT_OCTETS_MAX = 1_200
_OCTETS = (0, 1, 2, 3, 4, 5, 8, 16, 20, 21, 22, 0x40, 0x7F, 0x80, 0xF0, 0xFE, 0xFF)
_COMMAND_IDS = (*PDUS, 0x0A, 0x103, 0x112, 0x10200, 0x8000FFFF, 0x80000000, 0, 0xFFFFFFFF)
_SEQUENCE_NUMBERS = (0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_STATUSES = (0, 1, 0x14, 0x58, 0x400, 0xFFFFFFFF)
_WORDS = (
    b"id:", b" stat:", b"DELIVRD", b" done date:", b"2611211200", b" err:", b"text:", b"submit date:", b",", b"id: ",
    b"000001000000000R", b"261121120000000+", b"\0", b"\0\0\0", b"\x05\0\3\1\2\1", b"\x06\x08\x04\0\1\2\1", b"1" * 21,
    b"GET ", b"\x16\x03\x01", b"\xff" * 4, b"\0" * 12, b"(a+)+$", b"\x1b", b"\xd8\x3d", "٣".encode(), b"\xff\xff",
)  # fmt: skip

Mutation = Callable[[bytearray, Random, Sequence[bytes]], None]


def mutate(data: bytes, rng: Random, corpus: Sequence[bytes]) -> bytes:
    """``data`` after one to six mutations; ``corpus`` is what others are spliced from."""
    octets = bytearray(data or b"f")
    for _ in range(rng.choice((1, 1, 2, 2, 3, 6))):
        rng.choice(MUTATIONS)(octets, rng, corpus)
        if not octets:
            octets += b"f"
    return bytes(octets[:INPUT_OCTETS_MAX])


def _flip(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    octets[rng.randrange(len(octets))] ^= 1 << rng.randrange(8)


def _set(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    octets[rng.randrange(len(octets))] = rng.choice(_OCTETS)


def _insert(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    at = rng.randrange(len(octets) + 1)
    octets[at:at] = rng.choice(_WORDS)


def _overwrite(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    at, word = rng.randrange(len(octets)), rng.choice(_WORDS)
    octets[at : at + len(word)] = word


def _delete(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    at = rng.randrange(len(octets))
    del octets[at : at + rng.choice((1, 1, 2, 4, 16))]


def _truncate(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    del octets[rng.randrange(len(octets)) + 1 :]


def _repeat(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    at = rng.randrange(len(octets))
    octets[at:at] = octets[at : at + rng.choice((1, 2, 5, 30, 120))] * rng.choice((1, 2, 20))


def _splice(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    other = rng.choice(corpus)
    at = rng.randrange(len(octets) + 1)
    octets[at:] = other[rng.randrange(len(other) + 1) :]


def _append(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    """Two streams, or a stream and a PDU, after one another."""
    octets += rng.choice(corpus)[1:]


def _command(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    """Another command_id (of a single PDU, or of a stream's first piece)."""
    at = 1 if octets[0] in b"fF" else 3
    octets[at : at + 4] = rng.choice(_COMMAND_IDS).to_bytes(4, "big")


def _header(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    """Another command_status and sequence_number."""
    at = 5 if octets[0] in b"fF" else 7
    status, number = rng.choice(_STATUSES), rng.choice(_SEQUENCE_NUMBERS)
    octets[at : at + 8] = status.to_bytes(4, "big") + number.to_bytes(4, "big")


def _tlv(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    """A TLV at the end: known or not, of a right or wrong length."""
    tag = rng.choice((*RULES, rng.randrange(0x10000)))
    least, most, allowed = RULES.get(tag, (0, 30, None))
    length = rng.choice((least, min(most, 70), 0, least + 1, rng.randrange(8)))
    value = rng.choice(sorted(allowed)) if allowed and rng.random() < 0.5 else rng.randbytes(length)
    octets += tag.to_bytes(2, "big") + rng.choice((length, len(value), 0xFFFF)).to_bytes(2, "big") + value


def _target(octets: bytearray, rng: Random, corpus: Sequence[bytes]) -> None:
    octets[0] = rng.choice(b"fFsSeErRtpx")


MUTATIONS: tuple[Mutation, ...] = (
    _flip, _set, _set, _insert, _insert, _overwrite, _delete, _truncate, _repeat, _splice, _append, _command, _header,
    _tlv, _tlv, _target,
)  # fmt: skip
