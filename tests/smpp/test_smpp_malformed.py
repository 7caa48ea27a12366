"""Malformed and abusive PDUs get what the specification says, and the session lives on (A01 to A28)."""

from struct import pack

import pytest

from smsagg.smpp import pdu as p
from smsagg.smpp import status
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.command import CommandId
from smsagg.smpp.connection import CloseReason, Connection, Limits, Role, SessionState, TimerSettings
from smsagg.smpp.errors import PduError
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.tlv import Tag, tlv_int


def frame_of(command_id: int, body: bytes = b"", sequence_number: int = 7, command_status: int = 0) -> bytes:
    return pack(">IIII", 16 + len(body), command_id, command_status, sequence_number) + body


def smsc(state: SessionState = SessionState.BOUND_TRX, **limits: int) -> Connection:
    """An SMSC's connection whose peer has bound."""
    connection = Connection(Role.SMSC, Limits(**limits), TimerSettings(), 0.0)
    binds = {
        SessionState.BOUND_TRX: (p.BindTransceiver, p.BindTransceiverResp),
        SessionState.BOUND_RX: (p.BindReceiver, p.BindReceiverResp),
        SessionState.BOUND_TX: (p.BindTransmitter, p.BindTransmitterResp),
    }
    if state in binds:
        request, response = binds[state]
        connection.receive(encode(request("esme", "secret", sequence_number=1)), 0.0)
        connection.respond(response("smsc", sequence_number=1))
        connection.data_to_send()
    assert connection.state is state
    return connection


def answers(connection: Connection) -> list[tuple[int, int, int]]:
    """(command_id, command_status, sequence_number) of everything that the connection sends."""
    frames = FrameBuffer(100_000).feed(connection.data_to_send())
    pdus = [decode(frame) for frame in frames]
    return [(pdu.command_id, getattr(pdu, "command_status", 0), pdu.sequence_number) for pdu in pdus]


def submit_body(
    service_type: bytes = b"\0",
    source: bytes = b"\0",
    destination: bytes = b"4477\0",
    times: bytes = b"\0\0",
    message: bytes = b"\x02hi",
    tail: bytes = b"",
) -> bytes:
    return service_type + b"\1\1" + source + b"\1\1" + destination + b"\0\0\0" + times + b"\0\0\0\0" + message + tail


SUBMIT_SM = int(CommandId.SUBMIT_SM)
SUBMIT_SM_RESP = int(CommandId.SUBMIT_SM_RESP)
GENERIC_NACK = int(CommandId.GENERIC_NACK)
BIND = int(CommandId.BIND_TRANSCEIVER)
ENQUIRE = encode(p.EnquireLink(sequence_number=99))


@pytest.mark.parametrize("command_length", [0, 4, 15, 70_001, 0xFFFFFFFF])
def test_a01_unusable_command_length_is_nacked_and_ends_the_session(command_length: int) -> None:
    """The stream cannot be found again, so generic_nack with sequence_number 0 is the last word."""
    connection = smsc()
    received = connection.receive(pack(">IIII", command_length, SUBMIT_SM, 0, 5), 0.0)
    assert received.close is CloseReason.UNUSABLE_HEADER
    assert answers(connection) == [(GENERIC_NACK, status.ESME_RINVCMDLEN, 0)]


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\n", b"HTTP", b"AMQP\0\0\x09\1", b"\x03\0\0\x2f", b"\x16\x03\x01\2"]
)
def test_a02_scanners_are_nacked_at_their_first_octets(octets: bytes) -> None:
    """Four octets decide; no body is waited for."""
    connection = smsc(SessionState.OPEN)
    assert connection.receive(octets[:4], 0.0).close is CloseReason.UNUSABLE_HEADER
    assert answers(connection) == [(GENERIC_NACK, status.ESME_RINVCMDLEN, 0)]
    assert connection.receive(octets[4:] * 1000, 0.0).close is CloseReason.UNUSABLE_HEADER
    assert connection.outgoing_octets == 0


def test_a03_a_length_bomb_costs_what_arrived_and_ends_at_the_pdu_deadline() -> None:
    """A claimed maximum is no allocation, and a PDU that never becomes whole is not waited for."""
    connection = smsc()
    connection.receive(pack(">IIII", 70_000, SUBMIT_SM, 0, 5), 3.0)
    assert connection._frames.buffered_octets == 16
    assert connection.next_timer_at() == 13.0
    assert connection.handle_timers(12.9).close is None
    assert connection.handle_timers(13.0).close is CloseReason.PDU_DEADLINE


@pytest.mark.parametrize("command_id", [0x0000000A, 0x00010200, 0x8000FFFF, 0x00000000, 0xFFFFFFFF])
def test_a04_unknown_command_is_nacked_and_the_session_lives(command_id: int) -> None:
    """generic_nack ESME_RINVCMDID echoes the sequence_number."""
    connection = smsc()
    received = connection.receive(frame_of(command_id, b"junk") + ENQUIRE, 0.0)
    assert received.close is None
    assert answers(connection) == [
        (GENERIC_NACK, status.ESME_RINVCMDID, 7),
        (int(CommandId.ENQUIRE_LINK_RESP), 0, 99),
    ]


@pytest.mark.parametrize("command", [CommandId.BROADCAST_SM, CommandId.QUERY_BROADCAST_SM])
def test_a05_operations_of_other_versions_are_nacked(command: CommandId) -> None:
    """What is known by name only is as unknown as anything in SMPP 3.4."""
    connection = smsc()
    connection.receive(frame_of(int(command), b"\0" * 30), 0.0)
    assert answers(connection) == [(GENERIC_NACK, status.ESME_RINVCMDID, 7)]


def test_a05_the_application_can_refuse_an_operation_that_it_does_not_serve() -> None:
    """A refusal of a request goes out as its own response."""
    connection = smsc()
    (request,) = connection.receive(encode(p.ReplaceSm("1", sequence_number=8)), 0.0).requests
    connection.respond(p.refusal(request, status.ESME_RINVCMDID))
    assert answers(connection) == [(int(CommandId.REPLACE_SM_RESP), status.ESME_RINVCMDID, 8)]


CASES = {
    "A06 service_type without NUL": (b"abc", status.ESME_RINVSERTYP),
    "A06 source_addr without NUL": (b"\0\1\1" + b"123", status.ESME_RINVSRCADR),
    "A06 destination_addr without NUL": (b"\0\1\1\0\1\1" + b"44", status.ESME_RINVDSTADR),
    "A06 empty body": (b"", status.ESME_RINVCMDLEN),
    "A06 body ends after the addresses": (b"\0\1\1\0\1\1" + b"44\0", status.ESME_RINVCMDLEN),
    "A06 body ends before sm_length": (submit_body(message=b""), status.ESME_RINVCMDLEN),
    "A07 service_type of 6": (submit_body(service_type=b"abcdef\0"), status.ESME_RINVSERTYP),
    "A07 source_addr of 21": (submit_body(source=b"1" * 21 + b"\0"), status.ESME_RINVSRCADR),
    "A07 destination_addr of 21": (submit_body(destination=b"1" * 21 + b"\0"), status.ESME_RINVDSTADR),
    "A07 schedule_delivery_time of 20": (submit_body(times=b"1" * 20 + b"\0\0"), status.ESME_RINVSCHED),
    "A07 schedule_delivery_time of 17": (submit_body(times=b"1" * 17 + b"\0\0"), status.ESME_RINVSCHED),
    "A07 validity_period of 17": (submit_body(times=b"\0" + b"1" * 17 + b"\0"), status.ESME_RINVEXPIRY),
    "A08 sm_length beyond the PDU": (submit_body(message=b"\x05hi"), status.ESME_RINVMSGLEN),
    "A09 sm_length one too small": (submit_body(message=b"\x01hi"), status.ESME_RINVOPTPARSTREAM),
    "A12 one stray octet": (submit_body(tail=b"\0"), status.ESME_RINVOPTPARSTREAM),
    "A12 three stray octets": (submit_body(tail=b"\x04\x24\0"), status.ESME_RINVOPTPARSTREAM),
    "A12 TLV beyond the PDU": (submit_body(tail=b"\x04\x24\0\x05abcd"), status.ESME_RINVOPTPARSTREAM),
    "A13 wrong fixed length": (submit_body(tail=b"\x02\x04\0\x01a"), status.ESME_RINVPARLEN),
    "A13 bad value": (submit_body(tail=b"\x04\x26\0\x01\x07"), status.ESME_RINVOPTPARAMVAL),
    "A16 too many TLVs": (submit_body(tail=b"\x14\0\0\0" * 16_000), status.ESME_ROPTPARNOTALLWD),
}


@pytest.mark.parametrize(("body", "command_status"), CASES.values(), ids=CASES)
def test_a_malformed_submit_sm_is_refused_with_the_status_of_its_field(body: bytes, command_status: int) -> None:
    """The submit_sm_resp names the field, the neighbours in the segment are served, and the session lives."""
    connection = smsc()
    good = frame_of(SUBMIT_SM, submit_body(), 8)
    received = connection.receive(good + frame_of(SUBMIT_SM, body) + good, 0.0)
    assert received.close is None
    assert [request.sequence_number for request in received.requests] == [8, 8]
    assert answers(connection) == [(SUBMIT_SM_RESP, command_status, 7)]
    assert connection.unanswered == 2


@pytest.mark.parametrize(
    ("bind", "command_status"),
    [
        (p.BindTransceiver("s" * 16, "p"), status.ESME_RINVSYSID),
        (p.BindTransceiver("s", "p" * 9), status.ESME_RINVPASWD),
        (p.BindTransceiver("s", "p", "t" * 13), status.ESME_RINVSYSTYP),
    ],
)
def test_b07_over_long_bind_fields_are_refused_in_the_bind_response(bind: p.Bind, command_status: int) -> None:
    """The session stays open for another try."""
    connection = smsc(SessionState.OPEN)
    assert connection.receive(encode(bind), 0.0).requests == []
    assert answers(connection) == [(int(CommandId.BIND_TRANSCEIVER_RESP), command_status, 0)]
    assert connection.state is SessionState.OPEN


@pytest.mark.parametrize(
    ("body", "command_status"),
    [
        (b"m" * 65 + b"\0\0\0\0", status.ESME_RINVMSGID),
        (b"m\0\0\0" + b"1" * 21 + b"\0", status.ESME_RINVSRCADR),
        (b"m\0\0", status.ESME_RINVCMDLEN),
    ],
)
def test_malformed_query_sm_names_its_field(body: bytes, command_status: int) -> None:
    """The declared codec gives each field its own status too."""
    with pytest.raises(PduError) as caught:
        decode(frame_of(int(CommandId.QUERY_SM), body))
    assert p.response_to(caught.value) == p.QuerySmResp(sequence_number=7, command_status=command_status)


def test_a10_the_longest_short_messages_are_taken_byte_for_byte() -> None:
    """254 and 255 octets pass through unchanged."""
    for octets in (254, 255):
        message = bytes(range(256))[:octets]
        (request,) = smsc().receive(encode(p.SubmitSm(short_message=message)), 0.0).requests
        assert request.short_message == message


def test_a13_unknown_and_misplaced_tags_are_kept_unchanged() -> None:
    """Unknown, vendor and out-of-place TLVs neither fail nor change, and keep their order."""
    tlvs = ((0x3FFF, b"vendor"), (0x7777, b""), (int(Tag.DPF_RESULT), b"\1"), (0x0001, b"x"))
    frame = encode(p.SubmitSm(tlvs=tlvs))
    pdu = decode(frame)
    assert pdu.tlvs == tlvs
    assert encode(pdu) == frame


def test_a13_carriers_may_be_taken_as_they_are() -> None:
    """With check_tlvs off a receipt with an odd TLV is not refused, and of a broken stream what is whole counts."""
    lenient = Limits(check_tlvs=False)
    odd = frame_of(int(CommandId.DELIVER_SM), submit_body(tail=b"\x04\x27\0\0" + b"\x04\x23\0\x01\1"))
    assert len(decode(odd, lenient).tlvs) == 2
    for cut in (b"\1", b"\x00\x1e\0\x09id"):
        broken = frame_of(int(CommandId.DELIVER_SM), submit_body(tail=b"\x04\x27\0\1\2" + cut))
        assert decode(broken, lenient).tlvs == ((0x0427, b"\2"),)


@pytest.mark.parametrize("version", [0x00, 0x33])
def test_a14_a_peer_before_3_4_is_sent_no_tlv(version: int) -> None:
    """Neither in responses nor in requests, one by one or many."""
    connection = Connection(Role.SMSC, Limits(), TimerSettings(), 0.0)
    connection.receive(encode(p.BindTransceiver("a", "b", interface_version=version, sequence_number=1)), 0.0)
    tlvs = ((int(Tag.SC_INTERFACE_VERSION), b"\x34"),)
    connection.respond(p.BindTransceiverResp("smsc", tlvs=tlvs, sequence_number=1))
    deliver = p.DeliverSm(short_message=b"x", tlvs=((int(Tag.MESSAGE_STATE), b"\2"),))
    connection.request(deliver, None, 0.0)
    connection.request_many([deliver, deliver], [1, 2], 0.0)
    frames = FrameBuffer(1000).feed(connection.data_to_send())
    assert [decode(frame).tlvs for frame in frames] == [()] * 4
    assert connection.interface_version == version
    assert deliver.tlvs, "the application's PDU is left as it was"


def test_a16_of_a_repeated_tlv_the_first_counts() -> None:
    """All are kept, the first is found."""
    pdu = decode(encode(p.SubmitSm(tlvs=((int(Tag.MESSAGE_STATE), b"\2"), (int(Tag.MESSAGE_STATE), b"\5")))))
    assert len(pdu.tlvs) == 2
    assert tlv_int(pdu.tlvs, Tag.MESSAGE_STATE) == 2


@pytest.mark.parametrize(
    "frame",
    [
        frame_of(int(CommandId.DELIVER_SM_RESP), b"", 1),
        frame_of(int(CommandId.DELIVER_SM_RESP), b"\0", 1),
        frame_of(int(CommandId.DELIVER_SM_RESP), b"id\0", 1),
        frame_of(int(CommandId.DELIVER_SM_RESP), b"id", 1),
        frame_of(int(CommandId.DELIVER_SM_RESP), b"\0", 1, status.ESME_RX_T_APPN),
        frame_of(int(CommandId.DELIVER_SM_RESP), b"some text\0\1\2\3", 1, status.ESME_RX_T_APPN),
    ],
)
def test_a17_any_form_of_deliver_sm_resp_is_taken(frame: bytes) -> None:
    """Error responses with bodies and short ones without end nothing, and keep their status."""
    connection = smsc()
    connection.request(p.DeliverSm(), "context", 0.0)
    ((context, response),) = connection.receive(frame, 0.0).responses
    assert context == "context"
    assert response.command_status == int.from_bytes(frame[8:12], "big")
    assert connection.outstanding == 0


def test_a17_a_message_id_without_nul_is_still_known() -> None:
    """An id that a carrier forgot to end is worth more than strictness."""
    response = decode(frame_of(SUBMIT_SM_RESP, b"4711"))
    assert response == p.SubmitSmResp("4711", sequence_number=7)


def test_a18_a_response_to_nothing_is_counted_and_dropped() -> None:
    """No reply, no effect on what is outstanding."""
    connection = smsc()
    connection.request(p.DeliverSm(), "context", 0.0)
    received = connection.receive(
        encode(p.DeliverSmResp(sequence_number=55)) + encode(p.DataSmResp(sequence_number=1)), 0.0
    )
    assert received.responses == []
    connection.data_to_send()
    assert (connection.outstanding, connection.statistics.unmatched_responses) == (1, 2)
    assert connection.outgoing_octets == 0


def test_a19_generic_nack_fails_the_request_that_it_names() -> None:
    """It comes as that request's response."""
    connection = smsc()
    connection.request(p.DeliverSm(), "context", 0.0)
    connection.data_to_send()
    nack = p.GenericNack(sequence_number=1, command_status=status.ESME_RINVCMDID)
    assert connection.receive(encode(nack), 0.0).responses == [("context", nack)]


@pytest.mark.parametrize("sequence_number", [0, 77])
def test_a19_a_generic_nack_is_never_answered(sequence_number: int) -> None:
    """One that names nothing is counted, so two peers cannot nack each other for ever."""
    connection = smsc()
    received = connection.receive(encode(p.GenericNack(sequence_number=sequence_number, command_status=3)), 0.0)
    assert received.responses == []
    assert connection.outgoing_octets == 0
    assert connection.statistics.stray_generic_nacks == 1


@pytest.mark.parametrize("sequence_number", [0, 0x80000000, 0xFFFFFFFF])
def test_a20_any_sequence_number_is_echoed(sequence_number: int) -> None:
    """Numbers outside the specification's range come back as they came."""
    connection = smsc()
    (request,) = connection.receive(encode(p.SubmitSm(sequence_number=sequence_number)), 0.0).requests
    connection.respond_submit_sm([request.sequence_number], ["id"])
    assert answers(connection) == [(SUBMIT_SM_RESP, 0, sequence_number)]


def test_a20_requests_with_the_same_number_are_each_answered_once() -> None:
    """A duplicate of an outstanding number is a request like any other."""
    connection = smsc()
    frame = encode(p.SubmitSm(sequence_number=3))
    requests = connection.receive(frame + frame, 0.0).requests
    assert connection.unanswered == 2
    connection.respond_submit_sm([request.sequence_number for request in requests], ["a", "b"])
    assert answers(connection) == [(SUBMIT_SM_RESP, 0, 3)] * 2
    assert connection.unanswered == 0


def test_a21_the_command_status_of_a_request_is_ignored() -> None:
    """It means nothing there (SMPP 3.4 §3.2)."""
    connection = smsc()
    received = connection.receive(frame_of(SUBMIT_SM, submit_body(), command_status=0x58), 0.0)
    assert [request.short_message for request in received.requests] == [b"hi"]
    assert connection.statistics.received[SUBMIT_SM, 0] == 1


def test_a25_nul_controls_and_high_octets_pass_unchanged() -> None:
    """A body is octets, and a string is every octet but NUL."""
    message = b"a\0b\r\n\x1b[31m\xed\xa0\x80\xff"
    text = "".join(map(chr, range(1, 21)))
    pdu = p.SubmitSm(source_addr=text, destination_addr="\xff\r\n", short_message=message)
    assert decode(encode(pdu)) == pdu


def test_a27_submit_multi_takes_255_destinations() -> None:
    """The count is one octet, and all of it may be used."""
    pdu = p.SubmitMulti(dest_addresses=tuple(p.SmeAddress(1, 1, str(n)) for n in range(255)), short_message=b"x")
    assert decode(encode(pdu)) == pdu


@pytest.mark.parametrize(
    ("destinations", "command_status"),
    [
        (b"\0", status.ESME_RINVNUMDESTS),
        (b"\2\1\1\0011\0", status.ESME_RINVNUMDESTS),
        (b"\1\3\1\0011\0", status.ESME_RINVDESTFLAG),
        (b"\1\2" + b"l" * 21 + b"\0", status.ESME_RINVDLNAME),
        (b"\1\1\1\1" + b"1" * 21 + b"\0", status.ESME_RINVDSTADR),
    ],
)
def test_a27_submit_multi_with_bad_destinations_is_refused(destinations: bytes, command_status: int) -> None:
    """None, fewer than counted, an unknown dest_flag, a name or an address that is too long."""
    with pytest.raises(PduError) as caught:
        decode(frame_of(int(CommandId.SUBMIT_MULTI), b"\0\0\0\0" + destinations))
    assert caught.value.command_status == command_status


def test_a28_address_range_is_kept_as_text() -> None:
    """It is an expression to nobody here."""
    evil = "^(a+)+$"
    pdu = decode(encode(p.BindReceiver("a", "b", address_range=evil)))
    assert pdu.address_range == evil
