"""The whole product of sides, states and commands, on the tables and on a living connection (B03 to B05)."""

import pytest
from smpp_strategies import KINDS

from smsagg.smpp import pdu as p
from smsagg.smpp import status
from smsagg.smpp.bind_state import BINDS, TRANSITIONS, Role, SessionState, may_send, requests_from
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.connection import Connection, Limits, TimerSettings
from smsagg.smpp.errors import WrongState
from smsagg.smpp.framing import FrameBuffer

S = SessionState

# The specification's table once more, written the other way round: per state, who may send which requests.
ALWAYS = {p.EnquireLink}
SUBMITS = {p.SubmitSm, p.SubmitMulti, p.DataSm, p.QuerySm, p.CancelSm, p.ReplaceSm, p.Unbind}
DELIVERS = {p.DeliverSm, p.DataSm, p.AlertNotification, p.Unbind}
BIND_REQUESTS = {p.BindTransmitter, p.BindReceiver, p.BindTransceiver}
LEGAL: dict[tuple[Role, SessionState], set[type[p.Pdu]]] = {
    (Role.ESME, S.OPEN): ALWAYS | BIND_REQUESTS,
    (Role.SMSC, S.OPEN): ALWAYS | {p.Outbind},
    (Role.ESME, S.OUTBOUND): ALWAYS | BIND_REQUESTS,
    (Role.SMSC, S.OUTBOUND): ALWAYS,
    (Role.ESME, S.BOUND_TX): ALWAYS | SUBMITS,
    (Role.SMSC, S.BOUND_TX): ALWAYS | {p.Unbind},
    (Role.ESME, S.BOUND_RX): ALWAYS | {p.Unbind},
    (Role.SMSC, S.BOUND_RX): ALWAYS | DELIVERS,
    (Role.ESME, S.BOUND_TRX): ALWAYS | SUBMITS,
    (Role.SMSC, S.BOUND_TRX): ALWAYS | DELIVERS,
    (Role.ESME, S.UNBOUND): ALWAYS,
    (Role.SMSC, S.UNBOUND): ALWAYS,
    (Role.ESME, S.CLOSED): set(),
    (Role.SMSC, S.CLOSED): set(),
}
REQUESTS = [kind for kind in KINDS if issubclass(kind, p.Request)]
LIVING = [S.OPEN, S.OUTBOUND, S.BOUND_TX, S.BOUND_RX, S.BOUND_TRX]
BIND_FOR = {S.BOUND_TX: p.BindTransmitter, S.BOUND_RX: p.BindReceiver, S.BOUND_TRX: p.BindTransceiver}


def pair_in(state: SessionState) -> dict[Role, Connection]:
    """Both ends of a session in ``state``, with nothing queued."""
    ends = {role: Connection(role, Limits(), TimerSettings(), 0.0) for role in Role}
    if state is S.OUTBOUND:
        ends[Role.SMSC].request(p.Outbind("smsc", "secret"), None, 0.0)
        ends[Role.ESME].receive(ends[Role.SMSC].data_to_send(), 0.0)
    elif state.is_bound:
        ends[Role.ESME].request(BIND_FOR[state]("esme", "secret"), None, 0.0)
        (bind,) = ends[Role.SMSC].receive(ends[Role.ESME].data_to_send(), 0.0).requests
        ends[Role.SMSC].respond(p.RESPONSES[bind.command_id](sequence_number=bind.sequence_number))
        ends[Role.ESME].receive(ends[Role.SMSC].data_to_send(), 0.0)
    assert {end.state for end in ends.values()} == {state}
    return ends


def example_of(kind: type[p.Pdu]) -> p.Pdu:
    pdu = kind(sequence_number=77)
    if isinstance(pdu, p.SubmitMulti):
        pdu.dest_addresses = (p.SmeAddress(1, 1, "44"),)
    return pdu


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("sender", Role)
def test_the_matrix_is_the_specifications(sender: Role, state: SessionState) -> None:
    """Requests as tabled, responses legal where their request is, generic_nack wherever there is a session."""
    assert requests_from(sender, state) == {kind.command_id for kind in LEGAL[sender, state]}
    for kind in KINDS:
        if kind is p.GenericNack:
            expected = state is not S.CLOSED
        elif issubclass(kind, p.Response):
            expected = p.PDUS[kind.command_id & 0x7FFFFFFF] in LEGAL[sender.peer, state]
        else:
            expected = kind in LEGAL[sender, state]
        assert may_send(sender, state, kind.command_id) == expected, kind
    assert not may_send(sender, state, 0x0000ABCD)


@pytest.mark.parametrize("state", LIVING)
@pytest.mark.parametrize("sender", Role)
@pytest.mark.parametrize("kind", REQUESTS)
def test_a_connection_serves_what_the_matrix_allows_and_refuses_the_rest(
    kind: type[p.Pdu], sender: Role, state: SessionState
) -> None:
    """Legal requests reach the application or are answered; others get ESME_RINVBNDSTS, a second bind ESME_RALYBND."""
    connection = pair_in(state)[sender.peer]
    received = connection.receive(encode(example_of(kind)), 0.0)
    answers = [decode(frame) for frame in FrameBuffer(1000).feed(connection.data_to_send())]
    if kind in LEGAL[sender, state]:
        if kind in (p.EnquireLink, p.Unbind):
            assert received.requests == []
            assert answers == [p.RESPONSES[kind.command_id](sequence_number=77)]
        else:
            assert received.requests == [example_of(kind)]
            assert answers == []
        return
    assert received.requests == []
    assert connection.state is state
    assert connection.statistics.illegal == 1
    if kind in (p.Outbind, p.AlertNotification):
        assert answers == []
    else:
        already_bound = kind in BIND_REQUESTS and state.is_bound
        expected = status.ESME_RALYBND if already_bound else status.ESME_RINVBNDSTS
        assert answers == [p.RESPONSES[kind.command_id](sequence_number=77, command_status=expected)]


@pytest.mark.parametrize("state", LIVING)
@pytest.mark.parametrize("sender", Role)
@pytest.mark.parametrize("kind", REQUESTS)
def test_a_connection_sends_only_what_the_matrix_allows(kind: type[p.Pdu], sender: Role, state: SessionState) -> None:
    """Our own mistakes are refused before they are queued."""
    connection = pair_in(state)[sender]
    if kind in LEGAL[sender, state]:
        assert connection.request(example_of(kind), "context", 0.0) > 0
        assert connection.outgoing_octets > 0
    else:
        with pytest.raises(WrongState):
            connection.request(example_of(kind), "context", 0.0)
        assert connection.outgoing_octets == 0
        assert connection.outstanding == 0


@pytest.mark.parametrize("state", LIVING)
@pytest.mark.parametrize("receiver", Role)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, p.Response)])
def test_a_response_to_nothing_changes_nothing_in_any_state(
    kind: type[p.Pdu], receiver: Role, state: SessionState
) -> None:
    """Unasked responses, bind responses included, are dropped."""
    connection = pair_in(state)[receiver]
    received = connection.receive(encode(example_of(kind)), 0.0)
    assert (received.requests, received.responses, received.close) == ([], [], None)
    assert (connection.state, connection.outgoing_octets) == (state, 0)


def test_transitions_lead_from_open_to_the_end_and_nowhere_back() -> None:
    """Each bind leads to its own state from OPEN and OUTBOUND, unbind ends every bound state."""
    bound = {kind.command_id | 0x80000000: state for state, kind in BIND_FOR.items()}
    for before in (S.OPEN, S.OUTBOUND):
        for response, after in bound.items():
            assert TRANSITIONS[before, response] is after
    for before in bound.values():
        assert TRANSITIONS[before, p.UnbindResp.command_id] is S.UNBOUND
    assert len(TRANSITIONS) == 2 * 3 + 3 + 1
    assert {kind.command_id for kind in BIND_REQUESTS} == BINDS
