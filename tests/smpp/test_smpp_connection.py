"""The connection as a whole: binding, answering, windows, timers and the end (tables B and C)."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpp_strategies import ANY_PDU

from smsagg.smpp import pdu as p
from smsagg.smpp import status
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.command import CommandId
from smsagg.smpp.connection import CloseReason, Connection, Limits, Received, Role, SessionState, TimerSettings
from smsagg.smpp.errors import PduEncodeError, WindowFull, WrongState
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.statistics import OTHER
from smsagg.smpp.tlv import Tag

TIMERS = TimerSettings(
    session_init_timeout_s=5.0,
    enquire_link_interval_s=30.0,
    inactivity_timeout_s=300.0,
    response_timeout_s=10.0,
    pdu_deadline_s=10.0,
)
VERSION_TLV = ((int(Tag.SC_INTERFACE_VERSION), b"\x34"),)
BIND = p.BindTransceiver("esme", "secret", sequence_number=1)
BOUND = p.BindTransceiverResp("smsc", sequence_number=1)


def smsc(**limits: int) -> Connection:
    return Connection(Role.SMSC, Limits(**limits), TIMERS, 0.0)


def bound_smsc(**limits: int) -> Connection:
    connection = smsc(**limits)
    connection.receive(encode(BIND), 0.0)
    connection.respond(BOUND)
    connection.data_to_send()
    return connection


def bound_esme(**limits: int) -> Connection:
    connection = Connection(Role.ESME, Limits(**limits), TIMERS, 0.0)
    connection.request(p.BindTransceiver("esme", "secret"), "bind", 0.0)
    connection.data_to_send(0.0)
    connection.receive(encode(BOUND), 0.0)
    return connection


def sent(connection: Connection) -> list[p.Pdu]:
    return [decode(frame) for frame in FrameBuffer(100_000).feed(connection.data_to_send())]


def submits(count: int, first: int = 1) -> bytes:
    return b"".join(
        encode(p.SubmitSm(destination_addr="447700900123", short_message=b"hi", sequence_number=first + i))
        for i in range(count)
    )


# Binding


def test_an_smsc_is_bound_by_the_applications_answer() -> None:
    """The bind request is given out, and ESME_ROK makes the state."""
    connection = smsc()
    received = connection.receive(encode(BIND), 0.0)
    assert received.requests == [BIND]
    assert connection.state is SessionState.OPEN
    connection.respond(p.BindTransceiverResp("smsc", tlvs=VERSION_TLV, sequence_number=1))
    assert connection.state is SessionState.BOUND_TRX
    assert sent(connection) == [p.BindTransceiverResp("smsc", tlvs=VERSION_TLV, sequence_number=1)]


def test_a_refused_bind_leaves_the_session_open_for_another() -> None:
    """ESME_RBINDFAIL, then a good one."""
    connection = smsc()
    connection.receive(encode(BIND), 0.0)
    connection.respond(p.BindTransceiverResp(command_status=status.ESME_RBINDFAIL, sequence_number=1))
    assert connection.state is SessionState.OPEN
    assert len(connection.data_to_send()) == 16
    assert connection.receive(encode(BIND), 0.0).requests == [BIND]


def test_an_esme_is_bound_by_the_bind_response() -> None:
    """The context of the bind comes back with it; an error leaves the state."""
    connection = Connection(Role.ESME, Limits(), TIMERS, 0.0)
    for command_status, state in ((status.ESME_RBINDFAIL, SessionState.OPEN), (0, SessionState.BOUND_RX)):
        number = connection.request(p.BindReceiver("esme", "secret"), "bind", 0.0)
        response = p.BindReceiverResp(sequence_number=number, command_status=command_status)
        assert connection.receive(encode(response), 0.0).responses == [("bind", response)]
        assert connection.state is state


@pytest.mark.parametrize(
    ("ours", "tlvs", "expected"),
    [(0x34, (), 0x34), (0x34, ((0x0210, b"\x33"),), 0x33), (0x34, ((0x0210, b"\x50"),), 0x34), (0x33, (), 0x33)],
)
def test_an_esme_knows_the_version_that_both_know(
    ours: int, tlvs: tuple[tuple[int, bytes], ...], expected: int
) -> None:
    """The lower of what we bound with and sc_interface_version; silence is taken for agreement (B18)."""
    connection = Connection(Role.ESME, Limits(), TIMERS, 0.0)
    connection.request(p.BindTransceiver("esme", "secret", interface_version=ours), None, 0.0)
    connection.receive(encode(p.BindTransceiverResp("smsc", tlvs=tlvs, sequence_number=1)), 0.0)
    assert connection.interface_version == expected


@pytest.mark.parametrize("version", [0x00, 0x33, 0x34, 0x50, 0x99])
def test_b18_an_smsc_knows_the_version_of_the_bind(version: int) -> None:
    """As the peer gave it."""
    connection = smsc()
    connection.receive(encode(p.BindReceiver("a", "b", interface_version=version)), 0.0)
    assert connection.interface_version == version


def test_b05_a_second_bind_is_refused_and_changes_nothing() -> None:
    """Whatever its credentials and kind."""
    connection = bound_smsc()
    received = connection.receive(encode(p.BindReceiver("other", "x", interface_version=0, sequence_number=9)), 0.0)
    assert received.requests == []
    assert sent(connection) == [p.BindReceiverResp(sequence_number=9, command_status=status.ESME_RALYBND)]
    assert (connection.state, connection.interface_version) == (SessionState.BOUND_TRX, 0x34)


def test_b10_what_follows_a_bind_waits_for_its_answer() -> None:
    """Submits in the same segment and the next are served in order once the session is bound."""
    connection = smsc()
    assert connection.receive(encode(BIND) + submits(2, 10), 0.0).requests == [BIND]
    assert connection.receive(submits(1, 12), 0.0).requests == []
    assert connection.take_held(0.0).requests == []
    assert (connection.held, connection.outgoing_octets) == (3, 0)
    connection.respond(BOUND)
    assert [request.sequence_number for request in connection.take_held(1.0).requests] == [10, 11, 12]
    assert (connection.held, connection.unanswered) == (0, 3)
    assert connection.take_held(1.0).requests == []


def test_b10_held_requests_come_before_newer_ones_even_when_nobody_asks() -> None:
    """The next receive serves them first."""
    connection = smsc()
    connection.receive(encode(BIND) + submits(1, 10), 0.0)
    connection.respond(BOUND)
    assert [request.sequence_number for request in connection.receive(submits(1, 11), 1.0).requests] == [10, 11]


def test_b10_held_requests_behind_a_refused_bind_are_illegal() -> None:
    """ESME_RINVBNDSTS, since the session is not bound."""
    connection = smsc()
    connection.receive(encode(BIND) + submits(1, 10), 0.0)
    connection.respond(p.BindTransceiverResp(command_status=status.ESME_RBINDFAIL, sequence_number=1))
    connection.data_to_send()
    assert connection.take_held(0.0).requests == []
    assert sent(connection) == [p.SubmitSmResp(sequence_number=10, command_status=status.ESME_RINVBNDSTS)]


def test_b10_a_second_bind_behind_the_first_is_refused_after_it() -> None:
    """Order is kept among binds too."""
    connection = smsc()
    second = p.BindTransceiver("esme", "secret", sequence_number=2)
    assert connection.receive(encode(BIND) + encode(second), 0.0).requests == [BIND]
    connection.respond(BOUND)
    connection.take_held(0.0)
    assert sent(connection)[1] == p.BindTransceiverResp(sequence_number=2, command_status=status.ESME_RALYBND)


def test_what_is_held_is_bounded() -> None:
    """What does not fit is illegal as long as the bind is unanswered, and nothing overtakes it."""
    octets = len(submits(1))
    connection = smsc(held_octets_max=3 * octets + 20)
    connection.receive(encode(BIND) + submits(5, 10) + encode(p.EnquireLink(sequence_number=15)), 0.0)
    assert connection.held == 3
    connection.receive(encode(p.EnquireLink(sequence_number=16)), 0.0)
    refused = sent(connection)
    assert [pdu.sequence_number for pdu in refused] == [13, 14, 15, 16]
    assert {pdu.command_status for pdu in refused} == {status.ESME_RINVBNDSTS}


def test_outbind_is_given_out_and_leads_to_a_bind() -> None:
    """The SMSC asks the ESME to bind."""
    ends = [Connection(role, Limits(), TIMERS, 0.0) for role in (Role.SMSC, Role.ESME)]
    ends[0].request(p.Outbind("smsc", "secret"), None, 0.0)
    assert ends[0].outstanding == 0
    (outbind,) = ends[1].receive(ends[0].data_to_send(), 0.0).requests
    assert outbind == p.Outbind("smsc", "secret", sequence_number=1)
    assert {end.state for end in ends} == {SessionState.OUTBOUND}
    ends[1].request(p.BindReceiver("esme", "secret"), None, 0.0)
    assert len(ends[0].receive(ends[1].data_to_send(), 0.0).requests) == 1


# Requests and responses


@given(st.permutations(range(5)))
def test_c02_responses_in_any_order_find_their_requests(order: list[int]) -> None:
    """They are matched by sequence_number alone."""
    connection = bound_esme()
    pdus = [p.SubmitSm(destination_addr="44") for _ in range(5)]
    numbers = connection.request_many(pdus, list(range(5)), 0.0)
    assert [pdu.sequence_number for pdu in pdus] == list(numbers)
    answers = b"".join(encode(p.SubmitSmResp(str(i), sequence_number=numbers[i])) for i in order)
    received = connection.receive(answers, 0.0)
    assert [(context, response.message_id) for context, response in received.responses] == [(i, str(i)) for i in order]
    assert connection.outstanding == 0


def test_the_window_bounds_our_requests() -> None:
    """All of a batch or nothing; a response makes room."""
    connection = bound_esme(window_max=3)
    pdu = p.SubmitSm(destination_addr="44")
    connection.request_many([pdu, pdu], [1, 2], 0.0)
    assert (connection.outstanding, connection.window_free) == (2, 1)
    connection.data_to_send()
    with pytest.raises(WindowFull):
        connection.request_many([pdu, pdu], [3, 4], 0.0)
    assert connection.outgoing_octets == 0
    connection.request(pdu, 3, 0.0)
    with pytest.raises(WindowFull):
        connection.request(pdu, 4, 0.0)
    connection.receive(encode(p.SubmitSmResp("x", sequence_number=2)), 0.0)
    assert connection.window_free == 1


def test_an_unencodable_request_leaves_nothing_behind() -> None:
    """Alone or in a batch: no octet queued, no place taken."""
    connection = bound_esme()
    bad = p.SubmitSm(destination_addr="\0")
    with pytest.raises(PduEncodeError):
        connection.request(bad, None, 0.0)
    with pytest.raises(PduEncodeError):
        connection.request_many([p.SubmitSm(), bad], [1, 2], 0.0)
    assert (connection.outstanding, connection.outgoing_octets) == (0, 0)
    assert connection.request_many([], [], 0.0) == ()


def test_batches_of_other_kinds_may_be_sent_too() -> None:
    """deliver_sm from an SMSC, with one number each."""
    connection = bound_smsc()
    connection.request_many([p.DeliverSm(short_message=b"a"), p.DeliverSm(short_message=b"b")], "ab", 0.0)
    assert [(pdu.short_message, pdu.sequence_number) for pdu in sent(connection)] == [(b"a", 1), (b"b", 2)]


def test_c01_requests_above_the_limit_are_throttled() -> None:
    """They get ESME_RTHROTTLED at once, and room comes back with each answer."""
    connection = bound_smsc(unanswered_max=3)
    received = connection.receive(submits(5), 0.0)
    assert [request.sequence_number for request in received.requests] == [1, 2, 3]
    throttled = p.SubmitSmResp(command_status=status.ESME_RTHROTTLED)
    assert [(r.sequence_number, r.command_status) for r in sent(connection)] == [
        (4, throttled.command_status),
        (5, throttled.command_status),
    ]
    assert (connection.unanswered, connection.statistics.throttled) == (3, 2)
    connection.respond_submit_sm([1, 2], ["a", "b"])
    assert len(connection.receive(submits(5, 6), 0.0).requests) == 2


def test_answers_of_every_kind_make_room() -> None:
    """Alone, many, in a batch, and a generic_nack."""
    connection = bound_smsc()
    connection.receive(submits(4), 0.0)
    connection.respond(p.SubmitSmResp("a", sequence_number=1))
    connection.respond_many([p.SubmitSmResp(command_status=8, sequence_number=2)])
    connection.respond(p.GenericNack(sequence_number=3, command_status=3))
    connection.respond_submit_sm([4], ["d"])
    assert connection.unanswered == 0
    assert [pdu.sequence_number for pdu in sent(connection)] == [1, 2, 3, 4]


def test_refusals_leave_as_a_batch() -> None:
    """Without a body, each with its number, and they make room; a session that is over drops them."""
    connection = bound_smsc(unanswered_max=3)
    connection.receive(submits(3), 0.0)
    connection.refuse_submit_sm([1, 3], status.ESME_RMSGQFUL)
    refusals = [p.SubmitSmResp(command_status=status.ESME_RMSGQFUL, sequence_number=number) for number in (1, 3)]
    assert connection.data_to_send() == b"".join(map(encode, refusals))
    assert connection.unanswered == 1
    assert connection.statistics.sent[p.SubmitSmResp.command_id, status.ESME_RMSGQFUL] == 2
    connection.end()
    connection.refuse_submit_sm([2], status.ESME_RMSGQFUL)
    assert connection.data_to_send() == b""


def test_an_answer_that_nobody_asked_for_is_our_own_mistake() -> None:
    """It would confuse the peer's window."""
    connection = bound_smsc()
    with pytest.raises(AssertionError):
        connection.respond(p.SubmitSmResp("a", sequence_number=1))


def test_deliver_sm_is_answered_in_batches() -> None:
    """For the ESME side."""
    connection = bound_esme()
    delivers = b"".join(encode(p.DeliverSm(short_message=b"x", sequence_number=i)) for i in (5, 6))
    assert len(connection.receive(delivers, 0.0).requests) == 2
    connection.respond_deliver_sm([5, 6])
    connection.respond_deliver_sm([])
    assert sent(connection) == [p.DeliverSmResp(sequence_number=5), p.DeliverSmResp(sequence_number=6)]
    assert connection.unanswered == 0


def test_alert_notification_wants_no_answer() -> None:
    """It is given out and takes no room."""
    connection = bound_esme()
    alert = p.AlertNotification(1, 1, "447", 0, 0, "esme", sequence_number=3)
    assert connection.receive(encode(alert), 0.0).requests == [alert]
    assert connection.unanswered == 0


def test_a_malformed_alert_notification_is_counted_only() -> None:
    """There is no response to say so in."""
    connection = bound_esme()
    frame = b"\0\0\0\x11" + encode(p.AlertNotification())[4:16] + b"\0"
    assert connection.receive(frame, 0.0).requests == []
    assert (connection.outgoing_octets, connection.statistics.malformed) == (0, 1)


def test_c12_enquire_link_is_answered_when_the_window_is_full() -> None:
    """It has a lane of its own in both directions."""
    connection = bound_smsc(unanswered_max=1, window_max=1)
    connection.receive(submits(1), 0.0)
    connection.request(p.DeliverSm(), None, 0.0)
    connection.data_to_send(0.0)
    connection.receive(encode(p.EnquireLink(sequence_number=5)), 0.0)
    assert sent(connection) == [p.EnquireLinkResp(sequence_number=5)]


@given(st.lists(ANY_PDU, max_size=8), st.lists(st.integers(0, 4000), max_size=12), st.binary(max_size=60))
def test_a22_segments_make_no_difference(pdus: list[p.Pdu], cuts: list[int], junk: bytes) -> None:
    """What is given out and what is sent back are those of one whole segment, byte for byte."""
    stream = b"".join(encode(pdu) for pdu in pdus) + junk

    def outcome(parts: list[bytes]) -> tuple[object, ...]:
        connection = bound_smsc()
        connection.request(p.DeliverSm(), "context", 0.0)
        requests, responses, octets, close = [], [], b"", None
        for part in parts:
            received = connection.receive(part, 0.0)
            requests += received.requests
            responses += received.responses
            octets += connection.data_to_send()
            close = received.close
        return requests, responses, octets, close, connection.state

    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    assert outcome([stream[a:b] for a, b in pairwise(edges)]) == outcome([stream])


@given(st.lists(st.binary(max_size=200), max_size=10), st.sampled_from(Role))
def test_a26_no_octets_raise(segments: list[bytes], role: Role) -> None:
    """Whatever comes, a connection answers or ends."""
    connection = bound_smsc() if role is Role.SMSC else bound_esme()
    for segment in segments:
        assert isinstance(connection.receive(segment, 0.0), Received)


# Unbinding


def test_b11_unbind_is_answered_and_is_the_last_word() -> None:
    """With nothing owed the answer goes out at once; what follows is not served."""
    connection = bound_smsc()
    stream = encode(p.Unbind(sequence_number=3)) + submits(1, 4) + encode(p.EnquireLink())
    received = connection.receive(stream, 0.0)
    assert received.close is CloseReason.PEER_UNBOUND
    assert connection.state is SessionState.UNBOUND
    assert sent(connection) == [p.UnbindResp(sequence_number=3)]
    with pytest.raises(WrongState):
        connection.request(p.DeliverSm(), None, 0.0)
    assert connection.window_free == 0
    assert connection.receive(submits(1), 0.0).close is CloseReason.PEER_UNBOUND
    assert (connection.outgoing_octets, connection.next_timer_at()) == (0, inf)


def test_b11_what_is_owed_is_answered_before_the_unbind() -> None:
    """The peer would send unanswered submits again; new ones and requests of ours are refused meanwhile."""
    connection = bound_smsc()
    connection.request(p.DeliverSm(), "deliver", 0.0)
    connection.data_to_send(0.0)
    stream = submits(2) + encode(p.Unbind(sequence_number=3)) + submits(1, 4) + encode(p.EnquireLink(sequence_number=5))
    received = connection.receive(stream, 0.0)
    assert len(received.requests) == 2
    assert (received.close, connection.state) == (None, SessionState.UNBOUND)
    assert sent(connection) == [
        p.SubmitSmResp(sequence_number=4, command_status=status.ESME_RINVBNDSTS),
        p.EnquireLinkResp(sequence_number=5),
    ]
    with pytest.raises(WrongState):
        connection.request(p.DeliverSm(), None, 0.0)
    assert len(connection.receive(encode(p.DeliverSmResp(sequence_number=1)), 1.0).responses) == 1
    connection.respond_submit_sm([1], ["a"])
    assert connection.next_timer_at() == 10.0
    connection.respond(p.SubmitSmResp("b", sequence_number=2))
    assert [type(pdu) for pdu in sent(connection)] == [p.SubmitSmResp, p.SubmitSmResp, p.UnbindResp]
    assert connection.next_timer_at() == 0.0
    assert connection.handle_timers(2.0).close is CloseReason.PEER_UNBOUND
    assert connection.next_timer_at() == inf


def test_b11_an_application_that_owes_for_too_long_does_not_hold_the_unbind() -> None:
    """After a response timeout the session is over, and answers that come then are dropped."""
    connection = bound_smsc()
    connection.receive(submits(1) + encode(p.Unbind(sequence_number=3)), 5.0)
    assert connection.handle_timers(14.9).close is None
    assert connection.next_timer_at() == 15.0
    assert connection.handle_timers(15.0).close is CloseReason.PEER_UNBOUND
    assert sent(connection) == [p.UnbindResp(sequence_number=3)]
    connection.respond_submit_sm([1], ["a"])
    assert (connection.statistics.dropped_responses, connection.outgoing_octets) == (1, 0)


def test_our_unbind_goes_out_with_a_full_window_and_ends_with_its_answer() -> None:
    """No request follows it, responses still come."""
    connection = bound_esme(window_max=1)
    connection.request(p.SubmitSm(), "a", 0.0)
    number = connection.request(p.Unbind(), "unbind", 0.0)
    assert connection.window_free == 0
    with pytest.raises(WrongState):
        connection.request(p.SubmitSm(), "b", 0.0)
    received = connection.receive(
        encode(p.SubmitSmResp("x", sequence_number=2)) + encode(p.UnbindResp(sequence_number=number)), 0.0
    )
    assert [context for context, _ in received.responses] == ["a", "unbind"]
    assert received.close is CloseReason.UNBOUND


# Timers


def test_b01_no_bind_in_time_ends_the_session() -> None:
    """At session_init, whatever else was said before (B02)."""
    connection = smsc()
    connection.receive(encode(p.EnquireLink(sequence_number=1)), 4.0)
    assert sent(connection) == [p.EnquireLinkResp(sequence_number=1)]
    assert connection.next_timer_at() == 5.0
    assert connection.handle_timers(4.9).close is None
    assert connection.handle_timers(5.0).close is CloseReason.SESSION_INIT
    assert connection.next_timer_at() == inf


def test_session_init_stands_still_while_a_bind_is_being_answered() -> None:
    """And runs on when it was refused."""
    connection = smsc()
    connection.receive(encode(BIND), 4.0)
    assert connection.next_timer_at() == inf
    assert connection.handle_timers(60.0).close is None
    connection.respond(p.BindTransceiverResp(command_status=0x0D, sequence_number=1))
    assert connection.handle_timers(60.0).close is CloseReason.SESSION_INIT


def test_b13_an_idle_client_is_asked_and_closed_at_inactivity_with_an_unbind() -> None:
    """Its answers to our enquire_link do not keep the session."""
    connection = bound_smsc()
    close, now = None, 0.0
    while close is None and now < 1000.0:
        now = connection.next_timer_at()
        close = connection.handle_timers(now).close
        for pdu in sent(connection):
            if isinstance(pdu, p.EnquireLink):
                connection.receive(encode(p.EnquireLinkResp(sequence_number=pdu.sequence_number)), now)
            else:
                assert isinstance(pdu, p.Unbind)
    assert (now, close) == (300.0, CloseReason.INACTIVITY)
    assert connection.statistics.unmatched_responses == 0


def test_nothing_is_asked_behind_our_unbind() -> None:
    """A silent peer is not sent an enquire_link any more, and is given up all the same."""
    connection = bound_esme()
    connection.request(p.Unbind(), "unbind", 0.0)
    sent(connection)
    closed = None
    for now in range(0, 300, 5):
        closed = connection.handle_timers(float(now)).close or closed
        assert sent(connection) == []
    assert closed is not None


def test_b13_a_client_that_sends_enquire_link_is_kept() -> None:
    """For as long as it does."""
    connection = bound_smsc()
    for now in range(20, 3000, 20):
        assert connection.handle_timers(float(now)).close is None
        connection.receive(encode(p.EnquireLink(sequence_number=now)), float(now))


@pytest.mark.parametrize("role", Role)
def test_b14_a_peer_that_does_not_answer_enquire_link_is_given_up(role: Role) -> None:
    """After the response timeout; what was outstanding is given back at the end."""
    connection = bound_smsc() if role is Role.SMSC else bound_esme()
    assert connection.next_timer_at() == 30.0
    assert connection.handle_timers(30.0).close is None
    assert [type(pdu) for pdu in sent(connection)] == [p.EnquireLink]
    connection.request(p.DeliverSm() if role is Role.SMSC else p.SubmitSm(), "in flight", 35.0)
    connection.data_to_send(35.0)
    assert connection.next_timer_at() == 40.0
    actions = connection.handle_timers(40.0)
    assert (actions.close, actions.expired) == (CloseReason.PEER_SILENT, [])
    assert connection.end() == ["in flight"]


def test_a_generic_nack_answers_an_enquire_link_too() -> None:
    """A peer that does not know enquire_link lives nevertheless."""
    connection = bound_smsc()
    connection.handle_timers(30.0)
    (enquiry,) = sent(connection)
    connection.receive(encode(p.GenericNack(sequence_number=enquiry.sequence_number, command_status=3)), 31.0)
    assert connection.statistics.stray_generic_nacks == 0
    assert connection.handle_timers(40.0).close is None


def test_c03_an_unanswered_request_frees_its_place_at_the_response_timer() -> None:
    """Its context is reported once, and the window does not shrink."""
    connection = bound_esme(window_max=2)
    connection.request(p.SubmitSm(), "a", 0.0)
    connection.request(p.SubmitSm(), "b", 0.0)
    connection.data_to_send(1.0)
    connection.receive(encode(p.SubmitSmResp("x", sequence_number=3)), 2.0)
    assert connection.next_timer_at() <= 11.0
    assert connection.handle_timers(10.9).expired == []
    assert connection.handle_timers(11.0).expired == ["a"]
    assert connection.handle_timers(12.0).expired == []
    assert connection.window_free == 2


def test_c04_a_late_response_is_given_out_as_such() -> None:
    """Its context is known still, once; so is a late generic_nack's."""
    connection = bound_esme()
    for context in "ab":
        connection.request(p.SubmitSm(), context, 0.0)
    connection.data_to_send(0.0)
    assert connection.handle_timers(10.0).expired == ["a", "b"]
    late = p.SubmitSmResp("x", sequence_number=2)
    nack = p.GenericNack(sequence_number=3, command_status=8)
    received = connection.receive(encode(late) + encode(nack) + encode(late), 11.0)
    assert received.responses == []
    assert received.late_responses == [("a", late), ("b", nack)]
    assert (connection.statistics.late_responses, connection.statistics.unmatched_responses) == (2, 1)


def test_c10_the_response_timer_starts_when_the_driver_takes_the_octets() -> None:
    """A peer that reads slowly is not given its requests a second time."""
    connection = bound_esme()
    connection.request(p.SubmitSm(), "a", 0.0)
    assert connection.handle_timers(20.0).expired == []
    connection.data_to_send(25.0)
    assert connection.handle_timers(34.9).expired == []
    assert connection.handle_timers(35.0).expired == ["a"]


def test_pdu_deadline_counts_from_the_first_octet_of_each_pdu() -> None:
    """A trickle does not extend it, whole PDUs do."""
    connection = bound_smsc()
    frame = submits(1)
    for now, octet in enumerate(frame[:9]):
        connection.receive(bytes((octet,)), float(now))
        assert connection.handle_timers(float(now)).close is None
    connection.receive(frame[9:] + frame[:1], 9.5)
    assert connection.next_timer_at() == 19.5
    assert connection.handle_timers(19.5).close is CloseReason.PDU_DEADLINE


# The end


def test_the_end_separates_what_was_never_sent_from_what_is_in_doubt() -> None:
    """Only what data_to_send gave out can be with the peer."""
    connection = bound_esme()
    connection.request(p.SubmitSm(), "sent", 0.0)
    connection.data_to_send(0.0)
    connection.request_many([p.SubmitSm(), p.SubmitSm()], ["queued 1", "queued 2"], 0.0)
    assert connection.take_unsent() == ["queued 1", "queued 2"]
    assert connection.end() == ["sent"]
    assert connection.state is SessionState.CLOSED
    assert connection.end() == []
    assert connection.receive(submits(1), 0.0).requests == []
    assert connection.handle_timers(1e9).expired == []
    assert connection.next_timer_at() == inf
    connection.respond(p.DeliverSmResp(sequence_number=1))
    assert connection.data_to_send() == b""


# Counting


def test_statistics_count_by_command_and_status() -> None:
    """Both directions; requests under status 0."""
    connection = bound_smsc(unanswered_max=2)
    connection.receive(submits(3) + encode(p.EnquireLink()), 0.0)
    connection.respond_submit_sm([1, 2], ["a", "b"])
    assert connection.statistics.received == {
        (CommandId.BIND_TRANSCEIVER, 0): 1,
        (CommandId.SUBMIT_SM, 0): 3,
        (CommandId.ENQUIRE_LINK, 0): 1,
    }
    assert connection.statistics.sent == {
        (CommandId.BIND_TRANSCEIVER_RESP, 0): 1,
        (CommandId.SUBMIT_SM_RESP, 0): 2,
        (CommandId.SUBMIT_SM_RESP, status.ESME_RTHROTTLED): 1,
        (CommandId.ENQUIRE_LINK_RESP, 0): 1,
    }


@given(st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF)), max_size=30))
def test_no_peer_can_make_the_statistics_grow(heads: list[tuple[int, int]]) -> None:
    """Unknown commands and statuses count together."""
    connection = bound_smsc()
    for command_id, command_status in heads:
        connection.receive(
            b"\0\0\0\x10" + command_id.to_bytes(4, "big") + command_status.to_bytes(4, "big") + b"\0\0\0\1", 0.0
        )
    commands = {int(command) for command in CommandId} | {OTHER}
    for command_id, command_status in connection.statistics.received:
        assert command_id in commands
        assert command_status in status.NAMES or status.is_vendor_specific(command_status) or command_status == OTHER
