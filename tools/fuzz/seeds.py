"""Where fuzzing begins: every PDU in ordinary forms, dialogues, receipts in carriers' dialects, times."""

from collections.abc import Iterator

from smsagg.smpp import pdu as p
from smsagg.smpp.codec import encode
from smsagg.smpp.tlv import RULES, Tag

_TEXTS = (b"", b"hello", "Tiếng Việt 你好 😀".encode("utf-16-be"), bytes((5, 0, 3, 7, 2, 1)) + b"part", b"x" * 254)
_RECEIPTS = (
    b"id:0000000112345678 sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:hi",
    b"id:0e999f21 stat:UNDELIV err:0032",
    b"ID: 281605133, SUBMITDATE:261121120000 DONE_DATE:180711070003912+ STATUS: REJECTED error:12 Text:id:9 stat:FAIL",
    b"stat:FAILED done date:0000000000",
    b"id: stat: err:",
)
_BODIES = (
    (0, b"price 5\x1be \x1b\x1b\r\n"),
    (0, bytes((6, 0x24, 1, 6, 0x25, 1, 6)) + bytes(range(0, 128, 3))),
    (0, bytes((5, 0, 3, 7, 2, 1)) + b"hellohello"),
    (3, "déjà vu ~ façade".encode("latin-1")),
    (8, "“It’s” Tiếng Việt Şişli 你好 e\u0301 👨‍👩‍👧‍👦 क्षि नमस्ते".encode("utf-16-be")),
    (0x18, b"\xd8\x00\x00a\xdc\x00\x00"),
    (5, "日本".encode("shift_jis")),
)
_TIMES = ("261121120000000+", "261121120000048-", "000001000000000R", "999999999999000R", "261321120000000+", "0" * 16)
_PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY = (
    b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 2775\r\n",
    b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n",
    b"PROXY UNKNOWN\r\n",
    _PROXY_V2 + b"\x20\0\0\0",
    _PROXY_V2 + b"\x21\x11\0\x0c" + b"\1\2\3\4\5\6\7\x08\0\1\0\2",
    _PROXY_V2 + b"\x21\x11\0\x13" + bytes(12) + b"\3\0\4abcd",
    _PROXY_V2 + b"\x21\x21\0\x35" + bytes(36) + b"\x20\0\x0e\7\0\0\0\0\x22\0\6client",
)


def seeds() -> Iterator[bytes]:
    """Inputs of :mod:`tools.fuzz.targets`."""
    frames = [encode(pdu) for pdu in pdus()]
    for frame in frames:
        yield b"f" + frame[4:]
        yield b"F" + frame[4:]
        yield b"F" + frame[4:-1]
        for kind in b"sSeE":
            yield bytes((kind,)) + piece(frame, 0x08) + piece(frame, 0x04) + bytes((3, 4))
            yield bytes((kind,)) + piece(frame, 0x02)
    for kind in b"sSeE":
        kinds = bytes((kind,))
        yield kinds + b"".join(piece(frame, 0) for frame in frames[:12]) + bytes((3, 0, 3, 4, 3, 0xFF))
        yield kinds + bytes((3, 2, 3, 2, 3, 4, 3, 0xFD, 3, 3, 3, 4, 3, 0xFD))
        yield kinds + bytes((2, 4)) + b"GET " + bytes((2, 4)) + b"\0\0\0\x10"
    for text in _RECEIPTS:
        yield b"r" + text
        yield b"R" + text + b"\xff\xff" + b"\x00\x1e\x00\x04abc\0" + b"\x04\x27\x00\x01\x02" + b"\x04\x23\x00\x03\3\0\1"
    for time in _TIMES:
        yield b"t" + time.encode()
    for header in _PROXY:
        yield b"p" + header
    for data_coding, octets in _BODIES:
        for flags in range(0, 0x40, 0x09):
            yield b"x" + bytes((data_coding, flags, 20)) + octets


def piece(frame: bytes, control: int) -> bytes:
    """A PDU as a piece of a stream (:mod:`tools.fuzz.streams`): without its length when ``control`` makes it fit."""
    octets = (frame if control & 2 else frame[4:])[:255]
    return bytes((control, len(octets))) + octets


def pdus() -> Iterator[p.Pdu]:
    """Every class, and the traffic's in several forms."""
    for number, kind in enumerate(p.PDUS.values(), 1):
        pdu = kind(sequence_number=number)
        if isinstance(pdu, p.SubmitMulti):
            pdu.dest_addresses = (p.SmeAddress(1, 1, "447700900123"), p.DistributionList("friends"))
        elif isinstance(pdu, p.SubmitMultiResp):
            pdu.unsuccess_smes = (p.UnsuccessSme(1, 1, "447700900123", 11),)
        elif isinstance(pdu, p.Bind):
            pdu.system_id, pdu.password = "esme", "secret"
        yield pdu
    for text in _TEXTS:
        yield submit(short_message=text, esm_class=0x40 * text.startswith(b"\5"), data_coding=8 * (b"\0" in text))
    yield submit(schedule_delivery_time=_TIMES[0], validity_period=_TIMES[2])
    yield submit(tlvs=((int(Tag.MESSAGE_PAYLOAD), b"x" * 60),))
    yield submit(tlvs=((int(Tag.SAR_MSG_REF_NUM), b"\0\1"), (int(Tag.SAR_TOTAL_SEGMENTS), b"\2"), (0x1400, b"")))
    for text in _RECEIPTS:
        yield p.DeliverSm("", 1, 1, "447700900123", 5, 0, "ACME", esm_class=4, short_message=text, sequence_number=7)
    for tag, (least, _, allowed) in RULES.items():
        yield submit(tlvs=((tag, min(allowed) if allowed else b"\1" * least),))


def submit(**fields: object) -> p.SubmitSm:
    """An ordinary submit_sm with these fields."""
    values = {"registered_delivery": 1, "sequence_number": 9} | fields
    return p.SubmitSm("", 5, 0, "ACME", 1, 1, "447700900123", **values)  # type: ignore[arg-type]
