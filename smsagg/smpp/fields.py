"""The kinds of fields that PDUs are made of, each knowing how to read and write itself.

Reading is strict by default: what is malformed raises :class:`FieldError` with that field's own status, and nothing
is read past the end of the PDU. Reading is lenient in responses, which nobody can be told about: a C-octet string
that lacks its NUL ends with the PDU, and one that is too long is taken as it is.

Writing checks what the wire cannot carry (a NUL, a character beyond latin-1, a number that does not fit), and leaves
maximum lengths to the peer: some peers allow more than the specification.
"""

from struct import Struct
from typing import Any, Protocol

from attrs import define

from smsagg.smpp import status
from smsagg.smpp.errors import FieldError, PduEncodeError
from smsagg.smpp.pdu import DistributionList, SmeAddress, UnsuccessSme


class Field(Protocol):
    """One field of a layout; ``name`` is the attribute of the PDU class."""

    @property
    def name(self) -> str: ...

    def read(self, frame: bytes, start: int, lenient: bool) -> tuple[Any, int]:
        """The value that begins at ``start``, and where the next field begins. Raises :class:`FieldError`."""
        ...

    def write(self, value: Any) -> bytes:
        """The wire form. Raises :class:`PduEncodeError`."""
        ...


@define(frozen=True)
class CString:
    """A C-octet string of at most ``octets_max`` octets including its NUL (SMPP 3.4 §3.1)."""

    name: str
    octets_max: int
    command_status: int

    def read(self, frame: bytes, start: int, lenient: bool) -> tuple[str, int]:
        if start >= len(frame):
            raise FieldError(status.ESME_RINVCMDLEN)
        end = frame.find(0, start, None if lenient else start + self.octets_max)
        if end < 0:
            if not lenient:
                raise FieldError(self.command_status)
            end = len(frame)
        return frame[start:end].decode("latin-1"), min(end + 1, len(frame))

    def write(self, value: str) -> bytes:
        try:
            octets = value.encode("latin-1")
        except UnicodeEncodeError:
            raise PduEncodeError(f"{self.name}: not latin-1") from None
        if 0 in octets:
            raise PduEncodeError(f"{self.name}: holds a NUL")
        return octets + b"\0"


@define(frozen=True)
class Octet:
    """An unsigned integer of one octet."""

    name: str

    def read(self, frame: bytes, start: int, lenient: bool) -> tuple[int, int]:
        if start >= len(frame):
            raise FieldError(status.ESME_RINVCMDLEN)
        return frame[start], start + 1

    def write(self, value: int) -> bytes:
        if not 0 <= value <= 0xFF:
            raise PduEncodeError(f"{self.name}: {value} does not fit one octet")
        return bytes((value,))


@define(frozen=True)
class CountedOctets:
    """sm_length and short_message: up to 255 octets after their count (254 in SMPP 3.4 §5.2.22, 255 in 5.0)."""

    name: str

    def read(self, frame: bytes, start: int, lenient: bool) -> tuple[bytes, int]:
        if start >= len(frame):
            raise FieldError(status.ESME_RINVCMDLEN)
        end = start + 1 + frame[start]
        if end > len(frame):
            raise FieldError(status.ESME_RINVMSGLEN)
        return frame[start + 1 : end], end

    def write(self, value: bytes) -> bytes:
        if len(value) > 0xFF:
            raise PduEncodeError(f"{self.name}: {len(value)} octets do not fit")
        return bytes((len(value),)) + value


_TON = Octet("dest_addr_ton")
_NPI = Octet("dest_addr_npi")
_ADDRESS = CString("destination_addr", 21, status.ESME_RINVDSTADR)
_DL_NAME = CString("dl_name", 21, status.ESME_RINVDLNAME)
_STATUS = Struct(">I")


def _read_address(frame: bytes, start: int, lenient: bool) -> tuple[int, int, str, int]:
    ton, start = _TON.read(frame, start, lenient)
    npi, start = _NPI.read(frame, start, lenient)
    address, start = _ADDRESS.read(frame, start, lenient)
    return ton, npi, address, start


def _write_address(address: SmeAddress | UnsuccessSme) -> bytes:
    return (
        _TON.write(address.dest_addr_ton) + _NPI.write(address.dest_addr_npi) + _ADDRESS.write(address.destination_addr)
    )


@define(frozen=True)
class DestAddresses:
    """number_of_dests and dest_address(es) of submit_multi (SMPP 3.4 §4.5.1.1)."""

    name: str

    def read(self, frame: bytes, start: int, lenient: bool) -> tuple[tuple[SmeAddress | DistributionList, ...], int]:
        count, start = Octet("number_of_dests").read(frame, start, lenient)
        if count == 0:
            raise FieldError(status.ESME_RINVNUMDESTS)
        addresses: list[SmeAddress | DistributionList] = []
        for _ in range(count):
            if start >= len(frame):
                raise FieldError(status.ESME_RINVNUMDESTS)
            dest_flag = frame[start]
            if dest_flag == 1:
                ton, npi, address, start = _read_address(frame, start + 1, lenient)
                addresses.append(SmeAddress(ton, npi, address))
            elif dest_flag == 2:
                dl_name, start = _DL_NAME.read(frame, start + 1, lenient)
                addresses.append(DistributionList(dl_name))
            else:
                raise FieldError(status.ESME_RINVDESTFLAG)
        return tuple(addresses), start

    def write(self, value: tuple[SmeAddress | DistributionList, ...]) -> bytes:
        if not 1 <= len(value) <= 0xFF:
            raise PduEncodeError(f"{self.name}: {len(value)} destinations")
        parts = [bytes((len(value),))]
        for address in value:
            if isinstance(address, SmeAddress):
                parts.append(b"\1" + _write_address(address))
            else:
                parts.append(b"\2" + _DL_NAME.write(address.dl_name))
        return b"".join(parts)


@define(frozen=True)
class UnsuccessSmes:
    """no_unsuccess and unsuccess_sme(s) of submit_multi_resp (SMPP 3.4 §4.5.2.1)."""

    name: str

    def read(self, frame: bytes, start: int, lenient: bool) -> tuple[tuple[UnsuccessSme, ...], int]:
        count, start = Octet("no_unsuccess").read(frame, start, lenient)
        smes: list[UnsuccessSme] = []
        for _ in range(count):
            ton, npi, address, start = _read_address(frame, start, lenient)
            if start + 4 > len(frame):
                raise FieldError(status.ESME_RINVCMDLEN)
            smes.append(UnsuccessSme(ton, npi, address, _STATUS.unpack_from(frame, start)[0]))
            start += 4
        return tuple(smes), start

    def write(self, value: tuple[UnsuccessSme, ...]) -> bytes:
        if len(value) > 0xFF:
            raise PduEncodeError(f"{self.name}: {len(value)} destinations")
        parts = [bytes((len(value),))]
        for sme in value:
            if not 0 <= sme.error_status_code <= 0xFFFFFFFF:
                raise PduEncodeError(f"{self.name}: error_status_code {sme.error_status_code}")
            parts.append(_write_address(sme) + _STATUS.pack(sme.error_status_code))
        return b"".join(parts)
