"""Packing septets into octets and back (3GPP TS 23.038 §6.1.2).

The first septet is the lowest seven bits of the first octet. After a user data header the first septet begins at a
boundary of septets, so up to six fill bits come before it (3GPP TS 23.040 §9.2.3.24).

On air the number of septets is told beside the octets. Over SMPP only octets are counted, and when seven bits of the
last octet are left over nobody can tell them from the septet 0, which is ``@``. So they are filled with CR, as §6.1.2.3
does for the same reason, and a CR that ends there is taken away again. A text that itself ends in CR just there gets a
second one, and arrives with both: §6.1.2.3 calls that harmless, and so it is.
"""

_CR = 0x0D


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Octets that hold ``septets`` (octets below 128) after ``fill_bits`` zero bits (0 to 6)."""
    if not septets:
        return b""
    spare_bits = -(fill_bits + 7 * len(septets)) % 8
    if spare_bits == 7 or (spare_bits == 0 and septets[-1] == _CR):
        septets += bytes((_CR,))
    octets = bytearray()
    bits, n = 0, fill_bits
    for septet in septets:
        bits |= septet << n
        n += 7
        if n >= 8:
            octets.append(bits & 0xFF)
            bits >>= 8
            n -= 8
    if n:
        octets.append(bits)
    return bytes(octets)


def unpack(octets: bytes, fill_bits: int = 0) -> bytes:
    """The septets, one an octet, that :func:`pack` has put there; all that fit, without the CR that fills."""
    septets = bytearray()
    bits, n = 0, -fill_bits
    for octet in octets:
        if n < 0:
            bits = octet >> -n
            n += 8
        else:
            bits |= octet << n
            n += 8
        while n >= 7:
            septets.append(bits & 0x7F)
            bits >>= 7
            n -= 7
    if n == 0 and septets and septets[-1] == _CR:
        del septets[-1]
    return bytes(septets)


def fill_bits_after(udh_octets: int) -> int:
    """Fill bits between a user data header, its length octet counted, and the first septet."""
    return -8 * udh_octets % 7
