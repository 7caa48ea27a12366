"""The referee lets a legal session pass and names what is not legal (S17)."""

import pytest

from tools.chaos import wire
from tools.chaos.referee import FROM_ESME, FROM_SMSC, Referee
from tools.chaos.wire import Content, Frames

CONTENT = Content(source_addr="ACME", destination_addr="447700900123", body=b"hello")


def parts(octets: bytes) -> tuple[int, int, int, bytes]:
    return Frames().feed(octets)[0]


def submit(number: int, content: Content = CONTENT, in_payload: bool = False) -> tuple[int, int, int, bytes]:
    return parts(wire.submit_sm(number, content, in_payload=in_payload, schedule="", validity_period=""))


def bound_carrier() -> Referee:
    referee = Referee(FROM_ESME)
    assert not referee.received(*parts(wire.bind_transceiver(1, "smsagg", "secret")))
    return referee


def bound_esme(interface_version: int = 0x34) -> Referee:
    referee = Referee(FROM_SMSC, interface_version)
    referee.sent(wire.BIND_TRANSCEIVER, 1)
    assert not referee.received(wire.BIND_TRANSCEIVER | wire.RESP, 0, 1, b"smsagg\0")
    return referee


def test_legal_session_of_a_carrier() -> None:
    """Bind, submits in either form, an answer to our own request, unbind."""
    referee = bound_carrier()
    assert not referee.received(*submit(2))
    assert not referee.received(*submit(3, in_payload=True))
    referee.sent(wire.DELIVER_SM, 1)
    assert not referee.received(wire.DELIVER_SM | wire.RESP, 0, 1, b"\0")
    assert not referee.received(*parts(wire.pdu(wire.UNBIND, 4)))


def test_legal_session_of_an_esme() -> None:
    """Bind, a receipt, a handset's text, answers to a query and a cancel, a refusal without a body."""
    referee = bound_esme()
    assert not referee.received(*parts(wire.receipt(1, "447700900123", "ACME", "id1", "DELIVRD", 2)))
    assert not referee.received(*parts(wire.handset_message(2, "447700900123", "53849", "hi")))
    referee.sent(wire.QUERY_SM, 2)
    assert not referee.received(wire.QUERY_SM | wire.RESP, 0, 2, b"id1\0\0\x02\0")
    referee.sent(wire.CANCEL_SM, 3)
    assert not referee.received(wire.CANCEL_SM | wire.RESP, 0x11, 3, b"")
    referee.sent(wire.SUBMIT_SM, 4)
    assert not referee.received(wire.SUBMIT_SM | wire.RESP, 0x58, 4, b"")


@pytest.mark.parametrize(
    ("pdu", "what"),
    [
        pytest.param((wire.SUBMIT_SM | wire.RESP, 0, 9, b"id\0"), "answers nothing", id="answer to nothing"),
        pytest.param((wire.SUBMIT_SM, 0, 1, b""), "no request that may come", id="submit_sm to an ESME"),
        pytest.param((wire.ENQUIRE_LINK, 0, 1, b"x"), "has a body", id="enquire_link with a body"),
        pytest.param((wire.ENQUIRE_LINK, 0, 0, b""), "does not follow", id="number 0"),
        pytest.param((wire.DELIVER_SM, 0, 1, b"\0" * 10), "", id="cut short"),
    ],
)
def test_illegal_to_an_esme(pdu: tuple[int, int, int, bytes], what: str) -> None:
    """What an SMSC may not send."""
    breach = bound_esme().received(*pdu)
    assert breach
    assert what in breach


def test_answered_twice() -> None:
    """A request has one answer."""
    referee = bound_esme()
    referee.sent(wire.SUBMIT_SM, 2)
    assert not referee.received(wire.SUBMIT_SM | wire.RESP, 0, 2, b"id\0")
    assert referee.received(wire.SUBMIT_SM | wire.RESP, 0, 2, b"id\0")


def test_answer_of_another_kind() -> None:
    """A submit_sm is not answered by a cancel_sm_resp; a generic_nack answers anything."""
    referee = bound_esme()
    referee.sent(wire.SUBMIT_SM, 2)
    assert referee.received(wire.CANCEL_SM | wire.RESP, 0, 2, b"")
    referee.sent(wire.SUBMIT_SM, 3)
    assert not referee.received(wire.GENERIC_NACK, 3, 3, b"")


def test_before_bind_and_after_unbind() -> None:
    """Nothing is submitted before the bind, twice is not bound, and after an unbind comes no more than enquire_link."""
    assert Referee(FROM_ESME).received(*submit(1))
    referee = bound_carrier()
    assert referee.received(*parts(wire.bind_transceiver(2, "smsagg", "secret")))
    assert not referee.received(*parts(wire.pdu(wire.UNBIND, 3)))
    assert not referee.received(*parts(wire.pdu(wire.ENQUIRE_LINK, 4)))
    assert referee.received(*submit(5))


def test_numbers_go_up() -> None:
    """A number is not used again."""
    referee = bound_carrier()
    assert not referee.received(*submit(5))
    assert referee.received(*submit(5))


def test_two_bodies() -> None:
    """A message has a short_message or a message_payload."""
    both = Content(source_addr="A", destination_addr="447700900123", body=b"x", tlvs=((wire.MESSAGE_PAYLOAD, b"y"),))
    assert "and a message_payload" in bound_carrier().received(*submit(2, both))


def test_tlvs() -> None:
    """A TLV has the octets of its kind, ends within the PDU, and does not go to a peer of version 3.3."""
    wrong = Content(source_addr="A", destination_addr="447700900123", tlvs=((wire.USER_MESSAGE_REFERENCE, b"x"),))
    assert "TLV 0x0204" in bound_carrier().received(*submit(2, wrong))
    command_id, status, number, body = submit(3, CONTENT)
    assert "beyond" in bound_carrier().received(command_id, status, number, body + b"\x02\x04\0\x09x")
    receipt = parts(wire.receipt(1, "447700900123", "ACME", "id1", "DELIVRD", 2))
    assert "knows none" in bound_esme(interface_version=0x33).received(*receipt)


def test_ids_of_an_old_peer() -> None:
    """A peer of version 3.3 is given ids of at most 8 octets."""
    referee = bound_esme(interface_version=0x33)
    referee.sent(wire.SUBMIT_SM, 2)
    assert not referee.received(wire.SUBMIT_SM | wire.RESP, 0, 2, b"12345678\0")
    referee.sent(wire.SUBMIT_SM, 3)
    assert "holds 8" in referee.received(wire.SUBMIT_SM | wire.RESP, 0, 3, b"123456789\0")
