"""What a trace shows of sessions and decisions, to whom, and what it hides."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from smsagg.control import Caller
from smsagg.errors import ControlError
from smsagg.model import Message
from smsagg.observe.watch import Watch, WatchedSession
from smsagg.smpp.codec import encode
from smsagg.smpp.pdu import BindTransceiver, DeliverSm, DeliverSmResp, Pdu, SubmitSm, SubmitSmResp
from smsagg.testing.clock import FakeClock
from smsagg.trace import Filter, TraceHub
from smsagg.trace import hub as hub_module

CANARY = b"the code is 4711"


class Session:
    """A session whose octets the test plays."""

    def __init__(self, watch: Watch, side: str = "esme", name: str = "192.0.2.9", account: str = "acme") -> None:
        self.contexts: dict[int, object] = {}
        self.read = b""
        """Octets read before the trace began, of a PDU that is not whole."""
        local, peer = ("127.0.0.1", 2775), ("192.0.2.9", 40_000)
        self.watched = WatchedSession(watch, side, name, local, peer, self.contexts.get, lambda: self.read, account)
        self._watch = watch

    def carry(self, inbound: bool, *pdus: Pdu, context: object = None) -> None:
        for pdu in pdus:
            self.contexts[pdu.sequence_number] = context
        self.carry_octets(inbound, b"".join(encode(pdu) for pdu in pdus))

    def carry_octets(self, inbound: bool, octets: bytes) -> None:
        if self._watch.watcher is not None:
            self._watch.watcher.on_octets(self.watched, inbound, octets)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def hub(watch: Watch) -> TraceHub:
    return TraceHub(watch, FakeClock(), find_nothing)


async def find_nothing(message_id: str) -> Message | None:
    return None


def message_like(message_id: str, account: str = "acme", destination_addr: str = "+447700900123") -> Message:
    message = Message.__new__(Message)
    message.message_id, message.account, message.carrier = message_id, account, "albion"
    message.source_addr, message.destination_addr, message.carrier_message_id = "ACME", destination_addr, "0A"
    message.is_secret = False
    return message


def drain(records: trio.MemoryReceiveChannel[dict[str, Any]]) -> list[dict[str, Any]]:
    def each() -> Iterator[dict[str, Any]]:
        while True:
            try:
                yield records.receive_nowait()
            except trio.WouldBlock:
                return

    return list(each())


def names(records: trio.MemoryReceiveChannel[dict[str, Any]]) -> list[str]:
    return [record.get("pdu") or record.get("decision") or record["kind"] for record in drain(records)]


async def test_an_account_sees_its_own_sessions_only(watch: Watch, hub: TraceHub) -> None:
    """PDUs of both directions, in order, of that account and no other."""
    ours, theirs = Session(watch), Session(watch, account="other")
    async with hub.subscribed(Filter(account="acme"), bodies=False) as records:
        for session in (ours, theirs):
            session.carry(True, SubmitSm(destination_addr="447700900123", sequence_number=1))
            session.carry(False, SubmitSmResp("id-1", sequence_number=1))
        assert names(records) == ["submit_sm", "submit_sm_resp"]


async def test_nothing_is_watched_without_a_trace(watch: Watch, hub: TraceHub) -> None:
    """The watcher is there within the block, and as long as anybody looks on."""
    assert watch.watcher is None
    async with hub.subscribed(Filter(account="acme"), bodies=False):
        async with hub.subscribed(Filter(account="other"), bodies=False):
            pass
        assert watch.watcher is hub
    assert watch.watcher is None


async def test_a_message_is_found_by_the_id_that_its_response_gave(watch: Watch, hub: TraceHub) -> None:
    """Its submit_sm came before anyone knew the id, and is shown all the same; its neighbours are not."""
    session = Session(watch)
    async with hub.subscribed(Filter(message="id-2"), bodies=False) as records:
        session.carry(True, *(SubmitSm(destination_addr=str(number), sequence_number=number) for number in (1, 2, 3)))
        session.carry(False, *(SubmitSmResp(f"id-{number}", sequence_number=number) for number in (1, 2, 3)))
        shown = drain(records)
    assert [(record["pdu"], record["sequence_number"]) for record in shown] == [("submit_sm", 2), ("submit_sm_resp", 2)]


async def test_a_message_is_followed_to_the_carrier_and_back(watch: Watch, hub: TraceHub) -> None:
    """Its attempt, the carrier's answer, and the receipt that names the carrier's id in another form."""
    carrier = Session(watch, side="carrier", name="albion/1", account="")
    message = message_like("id-1")
    async with hub.subscribed(Filter(message="id-1"), bodies=False) as records:
        watch.watcher.on_decision(message, "attempt", "1 on albion/1")  # type: ignore[union-attr]
        carrier.carry(False, SubmitSm(destination_addr="447700900123", sequence_number=7), context=message)
        carrier.carry(True, SubmitSmResp("0A", sequence_number=7))
        carrier.carry(True, DeliverSm(esm_class=4, sequence_number=1, tlvs=((0x001E, b"10\0"),)))
        carrier.carry(False, DeliverSmResp(sequence_number=1))
        carrier.carry(True, DeliverSm(esm_class=4, sequence_number=2, tlvs=((0x001E, b"11\0"),)))
        assert names(records) == ["attempt", "submit_sm", "submit_sm_resp", "deliver_sm", "deliver_sm_resp"]


async def test_the_receipt_of_a_message_that_was_taken_before_the_trace(watch: Watch) -> None:
    """The carrier's id of a message that is on its way already is looked up."""

    async def find(message_id: str) -> Message | None:
        return message_like(message_id)

    hub = TraceHub(watch, FakeClock(), find)
    carrier = Session(watch, side="carrier", name="albion/1", account="")
    async with hub.subscribed(Filter(message="id-1"), bodies=False) as records:
        carrier.carry(True, DeliverSm(esm_class=4, sequence_number=1, tlvs=((0x001E, b"0A\0"),)))
        assert names(records) == ["deliver_sm"]


async def test_a_text_with_a_code_is_never_shown(watch: Watch, hub: TraceHub) -> None:
    """Not on its way to the carrier, nor quoted by the carrier's receipt, though texts were asked for."""
    async with hub.subscribed(Filter(account="acme"), bodies=True) as records:
        link = Session(watch, "carrier", "albion/1", "")
        message = message_like("0000000A1234")
        message.is_secret = True
        link.carry(False, SubmitSm(sequence_number=1, short_message=CANARY), context=message)
        link.carry(True, SubmitSmResp(sequence_number=1, message_id="0A"))
        text = b"id:0A sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"
        link.carry(
            True, DeliverSm(sequence_number=1, esm_class=4, short_message=text + CANARY, tlvs=((0x1E, b"0A\0"),))
        )
        shown = drain(records)
        assert [record["pdu"] for record in shown] == ["submit_sm", "submit_sm_resp", "deliver_sm"]
        for record in shown:
            assert CANARY not in b64decode(record["octets"])
            assert CANARY.decode() not in json.dumps(record)


async def test_a_number_is_found_however_it_is_written(watch: Watch, hub: TraceHub) -> None:
    """With and without + or 00, as the sender or the recipient."""
    session = Session(watch)
    async with hub.subscribed(Filter.of({"msisdn": "00447700900123"}), bodies=False) as records:
        for number, address in enumerate(("+447700900123", "447700900123", "447700900124"), 1):
            session.carry(True, SubmitSm(destination_addr=address, sequence_number=number))
        session.carry(False, DeliverSm(source_addr="447700900123", sequence_number=1))
        assert names(records) == ["submit_sm", "submit_sm", "deliver_sm"]


@pytest.mark.parametrize("in_payload", [True, False])
async def test_texts_are_hidden(watch: Watch, hub: TraceHub, in_payload: bool) -> None:
    """Neither the fields nor the octets hold a text, unless it was asked for; passwords are never there."""
    session = Session(watch)
    body: dict[str, Any] = {"tlvs": ((0x0424, CANARY),)} if in_payload else {"short_message": CANARY}
    pdus = (
        BindTransceiver("acme", "pa55word", sequence_number=1),
        SubmitSm(sequence_number=2, **body),
        DeliverSm(esm_class=4, short_message=b"id:1 stat:DELIVRD err:000 text:" + CANARY, sequence_number=3),
    )
    for bodies in (False, True):
        async with hub.subscribed(Filter(account="acme"), bodies=bodies) as records:
            session.carry(True, *pdus)
            shown = drain(records)
        text = json.dumps(shown)
        assert len(shown) == 3
        octets = b"".join(b64decode(record["octets"]) for record in shown)
        assert (CANARY.decode() in text) is bodies
        assert (CANARY in octets) is bodies
        assert b"pa55word" not in octets
        assert "pa55word" not in text
        assert "stat:DELIVRD" in text


@pytest.mark.parametrize(
    ("body", "data_coding", "esm_class", "text"),
    [
        (b"5\x1be\0", 0, 0, "5€@"),
        ("Việt 😀".encode("utf-16-be"), 8, 0, "Việt 😀"),
        (b"\5\0\3\1\2\1part", 0, 0x40, "part"),
        (b"\1\2", 4, 0, "0102"),
    ],
)
async def test_texts_are_shown_as_people_read_them(
    watch: Watch, hub: TraceHub, body: bytes, data_coding: int, esm_class: int, text: str
) -> None:
    """By their data_coding, without header; binary in hexadecimal."""
    session = Session(watch)
    async with hub.subscribed(Filter(account="acme"), bodies=True) as records:
        session.carry(
            True, SubmitSm(sequence_number=1, short_message=body, data_coding=data_coding, esm_class=esm_class)
        )
        session.carry(
            True, SubmitSm(sequence_number=2, tlvs=((0x0424, body),), data_coding=data_coding, esm_class=esm_class)
        )
        fields = [record["fields"] for record in drain(records)]
        assert (fields[0]["short_message"], fields[1]["message_payload"]) == (text, text)


async def test_a_pdu_that_was_half_read_when_the_trace_began(watch: Watch, hub: TraceHub) -> None:
    """The stream is cut at the right places from the first octet."""
    session = Session(watch)
    octets = encode(SubmitSm(destination_addr="447700900123", sequence_number=5))
    session.read = octets[:20]
    async with hub.subscribed(Filter(account="acme"), bodies=False) as records:
        session.carry_octets(True, octets[20:])
        session.read = b""
        session.carry(True, SubmitSm(destination_addr="447700900123", sequence_number=6))
        assert [record["sequence_number"] for record in drain(records)] == [5, 6]


async def test_what_cannot_be_read_is_shown_as_that(watch: Watch, hub: TraceHub) -> None:
    """A malformed PDU has a header and a length; its octets are hidden, since any of them may be text."""
    session = Session(watch)
    octets = bytes.fromhex("0000001a 00000004 00000000 00000001") + b"\xffhidden!!\xff"
    async with hub.subscribed(Filter(account="acme"), bodies=False) as records:
        session.carry_octets(True, octets)
        (record,) = drain(records)
    assert record["fields"] == {"unreadable_octets": 26}
    assert record["pdu"] == "submit_sm"


async def test_a_bind_that_cannot_be_read_shows_no_password(watch: Watch, hub: TraceHub) -> None:
    """Not even to who may see texts."""
    session = Session(watch)
    octets = bytes.fromhex("00000020 00000009 00000000 00000001") + b"acme\0secret-password"[:16]
    async with hub.subscribed(Filter(account="acme"), bodies=True) as records:
        session.carry_octets(True, octets)
        (record,) = drain(records)
    assert record["pdu"] == "bind_transceiver"
    assert b"secret" not in b64decode(record["octets"])


@pytest.mark.parametrize("label", ["text:", "Text=", "tEXT :", "msg:", "Message="])
@pytest.mark.parametrize("encoding", ["ascii", "utf-16-be"])
async def test_the_words_that_a_receipt_quotes_are_masked(
    watch: Watch, hub: TraceHub, label: str, encoding: str
) -> None:
    """However their field is written, in one octet a character or in two; the fields before them are shown."""
    session = Session(watch, side="carrier", name="albion/1", account="")
    body = f"id:77 stat:DELIVRD err:000 {label}Your code is 1234".encode(encoding)
    async with hub.subscribed(Filter(carrier="albion"), bodies=False) as records:
        session.carry(True, DeliverSm(esm_class=4, sequence_number=1, short_message=body))
        (record,) = drain(records)
    octets = b64decode(record["octets"])
    assert "DELIVRD".encode(encoding) in octets
    assert "code".encode(encoding) not in octets
    assert "code" not in record["fields"]["short_message"].replace("\0", "")


async def test_a_slow_client_misses_events_and_is_told_how_many(
    watch: Watch, hub: TraceHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for it, and nothing piles up."""
    monkeypatch.setattr(hub_module, "RECORDS_MAX", 3)
    session = Session(watch)
    async with hub.subscribed(Filter(account="acme"), bodies=False) as records:
        for number in range(1, 9):
            session.carry(True, SubmitSm(sequence_number=number))
        assert len(drain(records)) == 3
        session.carry(True, SubmitSm(sequence_number=9))
        dropped, last = drain(records)
    assert dropped["count"] == 5
    assert last["sequence_number"] == 9


async def test_a_bug_ends_the_trace_and_not_the_session(
    watch: Watch, hub: TraceHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The channel ends, the watcher is gone, and whoever carried the octets does not hear of it."""

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(hub_module, "read_pdu", broken)
    async with hub.subscribed(Filter(account="acme"), bodies=False) as records:
        Session(watch).carry(True, SubmitSm(sequence_number=1))
        assert watch.watcher is None
        with pytest.raises(trio.EndOfChannel):
            records.receive_nowait()


@pytest.mark.parametrize("arguments", [{}, {"account": ""}, {"account": 7}])
async def test_nothing_to_follow(hub: TraceHub, arguments: dict[str, Any]) -> None:
    """The client is told what it may ask for."""

    async def send(record: dict[str, Any]) -> None:
        raise AssertionError

    with pytest.raises(ControlError, match="account"):
        await hub.serve(arguments, send, Caller(1, 0))
