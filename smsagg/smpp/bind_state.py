"""The session state machine as tables: who may send what in which state, and what changes the state.

Theory of operation (SMPP 3.4 §2.2 to §2.4, SMPP 5.0 §2.3 and §2.4)::

    OPEN ──outbind──▶ OUTBOUND
      │                  │
      └───────┬──────────┘
              ├──bind_transmitter_resp ROK──▶ BOUND_TX  ──┐
              ├──bind_receiver_resp ROK─────▶ BOUND_RX  ──┼──unbind answered──▶ UNBOUND ──▶ CLOSED
              └──bind_transceiver_resp ROK──▶ BOUND_TRX ──┘

``MATRIX`` gives, for every request, the states in which it is legal and the side that may send it; its response is
legal in the same states from the other side. What is absent is illegal. ``TRANSITIONS`` gives the state after a PDU
that changes it. UNBOUND is the time between the end of the protocol and the end of the transport, CLOSED is after both.

``data_sm`` follows SMPP 5.0 (to the SMSC on a transmitter, to the ESME on a receiver), which made precise what 3.4
left open; query_sm, cancel_sm and replace_sm belong to transmitters in both.
"""

from enum import Enum

from smsagg.smpp.command import RESPONSE_BIT, CommandId


class Role(Enum):
    """A side of a session."""

    SMSC = "smsc"
    ESME = "esme"

    @property
    def peer(self) -> "Role":
        return Role.ESME if self is Role.SMSC else Role.SMSC


class SessionState(Enum):
    """Session states (SMPP 3.4 §2.2), the same for both sides."""

    OPEN = "open"
    OUTBOUND = "outbound"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBOUND = "unbound"
    CLOSED = "closed"

    @property
    def is_bound(self) -> bool:
        return self in _BOUND


_BEFORE_BIND = frozenset({SessionState.OPEN, SessionState.OUTBOUND})
_BOUND = frozenset({SessionState.BOUND_TX, SessionState.BOUND_RX, SessionState.BOUND_TRX})
_TRANSMITS = frozenset({SessionState.BOUND_TX, SessionState.BOUND_TRX})
_RECEIVES = frozenset({SessionState.BOUND_RX, SessionState.BOUND_TRX})
_EVERY = frozenset(SessionState) - {SessionState.CLOSED}

_ESME = frozenset({Role.ESME})
_SMSC = frozenset({Role.SMSC})
_EITHER = frozenset(Role)

MATRIX: dict[tuple[int, Role], frozenset[SessionState]] = {
    (int(command), sender): states
    for command, states, senders in (
        (CommandId.BIND_TRANSMITTER, _BEFORE_BIND, _ESME),
        (CommandId.BIND_RECEIVER, _BEFORE_BIND, _ESME),
        (CommandId.BIND_TRANSCEIVER, _BEFORE_BIND, _ESME),
        (CommandId.OUTBIND, frozenset({SessionState.OPEN}), _SMSC),
        (CommandId.UNBIND, _BOUND, _EITHER),
        (CommandId.SUBMIT_SM, _TRANSMITS, _ESME),
        (CommandId.SUBMIT_MULTI, _TRANSMITS, _ESME),
        (CommandId.DATA_SM, _TRANSMITS, _ESME),
        (CommandId.DATA_SM, _RECEIVES, _SMSC),
        (CommandId.DELIVER_SM, _RECEIVES, _SMSC),
        (CommandId.QUERY_SM, _TRANSMITS, _ESME),
        (CommandId.CANCEL_SM, _TRANSMITS, _ESME),
        (CommandId.REPLACE_SM, _TRANSMITS, _ESME),
        (CommandId.ALERT_NOTIFICATION, _RECEIVES, _SMSC),
        (CommandId.ENQUIRE_LINK, _EVERY, _EITHER),
        (CommandId.GENERIC_NACK, _EVERY, _EITHER),
    )
    for sender in senders
}
"""(command_id, sender) → states in which it is legal."""

TRANSITIONS: dict[tuple[SessionState, int], SessionState] = {
    (SessionState.OPEN, int(CommandId.OUTBIND)): SessionState.OUTBOUND,
    **{
        (before, int(response)): after
        for before in _BEFORE_BIND
        for response, after in (
            (CommandId.BIND_TRANSMITTER_RESP, SessionState.BOUND_TX),
            (CommandId.BIND_RECEIVER_RESP, SessionState.BOUND_RX),
            (CommandId.BIND_TRANSCEIVER_RESP, SessionState.BOUND_TRX),
        )
    },
    **{(before, int(CommandId.UNBIND_RESP)): SessionState.UNBOUND for before in _BOUND},
}
"""(state, command_id) → state, for a response with ESME_ROK or an outbind. All else leaves the state as it is."""

BINDS = frozenset({int(CommandId.BIND_TRANSMITTER), int(CommandId.BIND_RECEIVER), int(CommandId.BIND_TRANSCEIVER)})


def may_send(sender: Role, state: SessionState, command_id: int) -> bool:
    """Whether ``sender`` may send this PDU in ``state``; a response follows its request's states."""
    if command_id & RESPONSE_BIT and command_id != CommandId.GENERIC_NACK:
        request = command_id & ~RESPONSE_BIT
        return state in MATRIX.get((request, sender.peer), frozenset())
    return state in MATRIX.get((command_id, sender), frozenset())


def requests_from(sender: Role, state: SessionState) -> frozenset[int]:
    """Every request that ``sender`` may send in ``state``."""
    return frozenset(
        command_id
        for (command_id, side), states in MATRIX.items()
        if side is sender and state in states and not command_id & RESPONSE_BIT
    )
