"""What is fuzzed, and what must hold for any octets: one function from an input to the number of PDUs in it.

Theory of operation. The first octet of an input chooses the target and its variant, the rest is that target's:

========  =======================================================================================================
octet     the rest
========  =======================================================================================================
``f F``   one PDU without its command_length, which is made to fit; ``F`` takes known TLVs as they are and a
          last string without its NUL
``s S``   what an ESME sends to us, in pieces; ``S`` begins bound
``e E``   what a carrier sends to us, in pieces; ``E`` begins bound, with requests outstanding
``r R``   a receipt: its TLVs behind the first ``\\xff\\xff`` (``R``: under the rules of odd carriers)
``t``     a time of the wire
``p``     the header of a balancer's connection (PROXY protocol)
``x``     a text: what a body's octets say (:mod:`tools.fuzz.texts`)
========  =======================================================================================================

Anything else is the target ``f``. Every exception that leaves :func:`run` is a finding: targets let only the errors
of the protocol pass. Beyond that each target asserts what its subject promises: the hand-written codec equals the
declared one, what was decoded can be encoded and decoded again, a stream means the same however it is cut, every
request gets one answer and every request of ours one end.
"""

from collections.abc import Callable
from ipaddress import ip_address
from struct import Struct

from smsagg.esme.proxy_protocol import MalformedProxyHeader, read_proxy_header
from smsagg.receipts.parse import is_receipt_by_content, parse_receipt
from smsagg.smpp import codec, declared
from smsagg.smpp.errors import FieldError, FramingError, PduError, TimeError
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.limits import Limits
from smsagg.smpp.pdu import Pdu, Response
from smsagg.smpp.times import format_absolute, parse_time
from smsagg.smpp.tlv import decode_tlvs, encode_tlvs
from tools.fuzz.edge import NOW_MS, RULES, check_use
from tools.fuzz.streams import run_stream
from tools.fuzz.texts import run_text

LIMITS = Limits(pdu_octets_max=4_096, tlvs_max=20)
LENIENT = Limits(pdu_octets_max=4_096, tlvs_max=20, check_tlvs=False, needs_nuls=False)
_LENGTH = Struct(">I")
_HEADER = Struct(">IIII")

Outcome = tuple[object, ...]


def run(data: bytes) -> int:
    """Let the subject of this input have it. How many PDUs there were; raises for a finding only."""
    return _TARGETS.get(data[:1], _frame)(data[:1], data[1:])


def _frame(kind: bytes, rest: bytes) -> int:
    limits = LENIENT if kind == b"F" else LIMITS
    frame = _LENGTH.pack(len(rest) + 4) + rest
    outcome = _outcome(lambda: codec.decode(frame, limits))
    assert outcome == _outcome(lambda: declared.decode(frame, limits)), "the fast codec differs"
    pdu = outcome[0]
    if isinstance(pdu, Pdu):
        _check_encoding(pdu, limits)
        check_use(pdu)
    _check_misfit(frame, limits)
    return 1


def _outcome(decode: Callable[[], Pdu]) -> Outcome:
    try:
        return (decode(),)
    except PduError as error:
        outcome = error.command_id, error.sequence_number, error.command_status
    assert outcome[2], "an error that says ROK"
    return outcome


def _check_encoding(pdu: Pdu, limits: Limits) -> None:
    octets = codec.encode(pdu)
    assert octets == declared.encode(pdu)
    again = codec.decode(octets, limits) if len(pdu.tlvs) <= limits.tlvs_max else pdu
    if not (isinstance(pdu, Response) and pdu.command_status):
        assert again == pdu
    (length,) = _LENGTH.unpack_from(octets)
    assert length == len(octets)


def _check_misfit(frame: bytes, limits: Limits) -> None:
    """The same octets under a command_length that lies, and cut short."""
    for octets in (_LENGTH.pack(len(frame) + 1) + frame[4:], frame[:-1]):
        _outcome(lambda octets=octets: codec.decode(octets, limits))  # type: ignore[misc]


def _esme_stream(kind: bytes, rest: bytes) -> int:
    return run_stream(rest, is_smsc=True, is_bound=kind == b"S") + _check_framing(rest)


def _carrier_stream(kind: bytes, rest: bytes) -> int:
    return run_stream(rest, is_smsc=False, is_bound=kind == b"E") + _check_framing(rest)


def _check_framing(octets: bytes) -> int:
    """However a stream is cut, the same PDUs come out, and the same end."""
    whole = _cut(octets, len(octets) or 1)
    assert whole == _cut(octets, 1)
    assert whole == _cut(octets, 7)
    return 0


def _cut(octets: bytes, step: int) -> tuple[list[bytes], bool]:
    buffer = FrameBuffer(300)
    frames: list[bytes] = []
    for start in range(0, len(octets), step):
        try:
            frames += buffer.feed(octets[start : start + step])
        except FramingError as error:
            return frames + error.frames, True
        assert buffer.buffered_octets <= 300
    return frames, False


def _receipt(kind: bytes, rest: bytes) -> int:
    text, _, raw = rest.partition(b"\xff\xff")
    try:
        tlvs = decode_tlvs(raw, 20, check=False)
    except FieldError:
        tlvs = ()
    assert decode_tlvs(encode_tlvs(tlvs), 20, check=False) == tlvs
    for rules in RULES[1:] if kind == b"R" else RULES[:1]:
        is_receipt_by_content(text, tlvs, rules)
        receipt = parse_receipt(text, tlvs, rules)
        assert receipt is None or receipt.carrier_message_id
    return 0


def _time(kind: bytes, rest: bytes) -> int:
    text = rest.decode("latin-1")
    try:
        instant = parse_time(text, NOW_MS)
    except TimeError:
        return 0
    if text[-1] != "R":
        assert parse_time(format_absolute(instant), NOW_MS) == instant
    return 0


def _text(kind: bytes, rest: bytes) -> int:
    return run_text(rest) if len(rest) > 3 else 0


def _proxy_header(kind: bytes, rest: bytes) -> int:
    """The header is read as from a stream that ends: it is understood, refused or too short."""
    position = 0

    async def read(octets: int) -> bytes:
        nonlocal position
        if position + octets > len(rest):
            raise EOFError
        position += octets
        return rest[position - octets : position]

    address = ""
    try:
        read_proxy_header(read).send(None)  # type: ignore[attr-defined]
    except StopIteration as done:
        address = done.value.address
    except (MalformedProxyHeader, EOFError):
        pass
    assert not address or ip_address(address)
    return 0


_TARGETS: dict[bytes, Callable[[bytes, bytes], int]] = {
    b"s": _esme_stream,
    b"S": _esme_stream,
    b"e": _carrier_stream,
    b"E": _carrier_stream,
    b"r": _receipt,
    b"R": _receipt,
    b"t": _time,
    b"p": _proxy_header,
    b"x": _text,
}
