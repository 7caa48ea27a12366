"""Septets in octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import GSM_DEFAULT, fill_bits_after, pack, unpack

SEPTETS = st.binary(max_size=200).map(lambda octets: bytes(octet & 0x7F for octet in octets))


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("hellohello", "e8329bfd4697d9ec37"),  # the example of every tutorial
        ("Test", "d4f29c0e"),
        ("1234567", "31d98c56b3dd1a"),  # CR in the last seven bits
        ("12345678", "31d98c56b3dd70"),
        ("", ""),
    ],
)
def test_known_vectors(text: str, octets: str) -> None:
    """The first septet is lowest in the first octet; seven bits left over hold CR."""
    assert pack(GSM_DEFAULT.encode(text)).hex() == octets
    assert GSM_DEFAULT.decode(unpack(bytes.fromhex(octets))) == text


@given(SEPTETS, st.integers(0, 6))
def test_round_trip(septets: bytes, fill_bits: int) -> None:
    """Nothing is lost; a CR that ends with an octet comes back twice, which is harmless."""
    packed = pack(septets, fill_bits)
    expected = septets
    if septets[-1:] == b"\r" and (fill_bits + 7 * len(septets)) % 8 == 0:
        expected += b"\r"
    assert unpack(packed, fill_bits) == expected
    assert len(packed) == ((fill_bits + 7 * len(expected) + 7) // 8 if septets else 0)


@given(st.binary(max_size=200), st.integers(0, 6))
def test_unpacking_takes_anything(octets: bytes, fill_bits: int) -> None:
    """All septets that fit, perhaps less a CR."""
    fit = max(8 * len(octets) - fill_bits, 0) // 7
    assert fit - len(unpack(octets, fill_bits)) in (0, 1)


@pytest.mark.parametrize(("udh_octets", "bits"), [(0, 0), (6, 1), (7, 0), (4, 3), (9, 5), (12, 2)])
def test_fill_bits(udh_octets: int, bits: int) -> None:
    """The text begins at a multiple of seven bits."""
    assert fill_bits_after(udh_octets) == bits
    assert (8 * udh_octets + bits) % 7 == 0


def test_an_at_sign_at_the_end_is_kept() -> None:
    """Eight septets of which the last is 0 are not seven."""
    assert unpack(pack(b"1234567\0")) == b"1234567\0"


@given(SEPTETS.filter(lambda septets: len(septets) % 8 != 7 and septets[-1:] != b"\r"))
def test_packing_bit_by_bit(septets: bytes) -> None:
    """The definition of §6.1.2.1.1, written out."""
    bits = "".join(f"{septet:07b}"[::-1] for septet in septets)
    bits += "0" * (-len(bits) % 8)
    assert pack(septets) == bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))
