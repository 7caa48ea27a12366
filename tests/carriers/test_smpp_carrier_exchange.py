"""The SMPP carrier while it is bound: attempts out, outcomes, receipts and MO back."""

from typing import Any

import pytest
import trio
import trio.testing
from carrier_recorder import make_message
from smpp_carrier_bench import Smsc, receipt_pdu, receipt_text, smpp_carrier

from smsagg.model import Accepted, InDoubt, MessageState, NotSent, Refused
from smsagg.smpp import pdu as p
from smsagg.smpp import status as s
from smsagg.smpp.pdu import (
    BindReceiver,
    BindTransceiver,
    BindTransmitter,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    GenericNack,
    Response,
    SubmitSm,
    SubmitSmResp,
)
from smsagg.smpp.tlv import Tag

Clock = trio.testing.MockClock
PAYLOAD = int(Tag.MESSAGE_PAYLOAD)


async def test_the_bind_says_who_we_are(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a transceiver of version 3.4 with the configured credentials; capacity comes with its answer."""
    async with smpp_carrier(monkeypatch, system_type="VMA", window=7) as bench:
        smsc = await bench.network.connection()
        assert not bench.link.is_bound
        bind = await smsc.take_bind()
        assert isinstance(bind, BindTransceiver)
        assert (bind.system_id, bind.password, bind.system_type) == ("acme", "secret", "VMA")
        assert bind.interface_version == 0x34
        await trio.testing.wait_all_tasks_blocked()
        assert bench.link.is_bound
        assert bench.events.capacity_calls == [bench.link]
        assert bench.link.capacity(trio.current_time()) == bench.link.window == 7


async def test_a_pair_submits_on_one_and_hears_on_the_other(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is bound by its transmitter; a receiver that is lost is renewed and disturbs nothing."""
    async with smpp_carrier(monkeypatch, bind="pair") as bench:
        kinds: dict[type, Smsc] = {}
        for _ in range(2):
            smsc = await bench.network.connection()
            kinds[type(await smsc.take_bind())] = smsc
        transmitter, receiver = kinds[BindTransmitter], kinds[BindReceiver]
        await trio.testing.wait_all_tasks_blocked()
        bench.send(1)
        await transmitter.accept(await transmitter.receive(SubmitSm), "id-1")
        await receiver.send(receipt_pdu("id-1"))
        assert (await receiver.receive(DeliverSmResp)).command_status == s.ESME_ROK
        assert bench.events.log == [("outcome", "id-1"), ("receipt", "id-1")]
        bench.send(1, first=2)
        submit = await transmitter.receive(SubmitSm)
        await receiver.close()
        renewed = await bench.network.connection()
        assert isinstance(await renewed.take_bind(), BindReceiver)
        assert bench.link.is_bound
        await transmitter.accept(submit, "id-2")
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 2)
        assert isinstance(bench.events.outcomes[1], Accepted)


async def test_links_do_not_disturb_one_another(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its bind and its window; what one loses is in doubt for that one only."""
    async with smpp_carrier(monkeypatch, links=3, window=5) as bench:
        smscs = [await bench.network.bound() for _ in range(3)]
        assert [link.is_bound for link in bench.carrier.links] == [True] * 3
        bench.send(5)
        by_submits = {len(await smsc.waiting(SubmitSm)): smsc for smsc in smscs}
        assert sorted(by_submits) == [0, 5]
        await by_submits[5].close()
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 5)
        assert [link.is_bound for link in bench.carrier.links] == [False, True, True]
        assert [link.capacity(trio.current_time()) for link in bench.carrier.links] == [0, 5, 5]


@pytest.mark.parametrize(
    ("settings", "message", "expected"),
    [
        ({}, {"destination_addr": "+447700900123"}, {"destination_addr": "447700900123", "dest_addr_ton": 1}),
        ({}, {"destination_addr": "00447700900123", "dest_addr_ton": 0}, {"destination_addr": "447700900123"}),
        ({}, {"body": b"\0\xff\x1b"}, {"short_message": b"\0\xff\x1b"}),
        ({}, {"body": b"x" * 500, "in_payload": True}, {"short_message": b"", "tlvs": ((PAYLOAD, b"x" * 500),)}),
        ({}, {"tlvs": b"\x14\x01\x00\x02ab"}, {"tlvs": ((0x1401, b"ab"),)}),
        ({}, {"esm_class": 0x40, "data_coding": 8, "protocol_id": 64}, {"esm_class": 0x40, "data_coding": 8}),
        ({}, {"asks_receipt": True}, {"registered_delivery": 1}),
        ({}, {"asks_receipt": False}, {"registered_delivery": 0}),
        ({}, {"registered_delivery": 0x11}, {"registered_delivery": 0x11}),
        ({}, {"priority": 3}, {"priority_flag": 3, "schedule_delivery_time": "", "validity_period": ""}),
        ({"source_addr_ton": 5, "source_addr_npi": 0}, {}, {"source_addr_ton": 5, "source_addr_npi": 0}),
        ({"service_type": "CMT"}, {"service_type": "WAP"}, {"service_type": "CMT"}),
        ({"validity": "absolute"}, {"expires_at": 1_800_000_000_000}, {"validity_period": "270115080000000+"}),
    ],
)
async def test_the_attempt_on_the_wire(
    autojump_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    message: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    """Body, coding and TLVs unchanged; the destination as international digits; the operator's overrides."""
    async with smpp_carrier(monkeypatch, **settings) as bench:
        smsc = await bench.network.bound()
        bench.send(1, **message)
        submit = await smsc.receive(SubmitSm)
        assert {name: getattr(submit, name) for name in expected} == expected


async def test_outcomes_find_their_messages(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers in reverse, some of them errors, one an empty id, one a generic_nack: each message has its own."""
    async with smpp_carrier(monkeypatch, window=6) as bench:
        smsc = await bench.network.bound()
        messages = bench.send(6)
        submits = await smsc.receive_many(SubmitSm, 6)
        await smsc.accept(submits[5], "id-6")
        await smsc.accept(submits[4], "", s.ESME_RTHROTTLED)
        await smsc.accept(submits[3], "")
        await smsc.send(GenericNack(sequence_number=submits[2].sequence_number, command_status=s.ESME_RINVCMDID))
        await smsc.accept(submits[1], "ignored", 0x0400)
        await smsc.accept(submits[0], "id-1")
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 6)
        assert bench.events.outcomes == [
            Accepted(messages[5], "id-6"),
            Refused(messages[4], s.ESME_RTHROTTLED),
            Accepted(messages[3], ""),
            Refused(messages[2], s.ESME_RINVCMDID),
            Refused(messages[1], 0x0400),
            Accepted(messages[0], "id-1"),
        ]
        assert bench.link.capacity(trio.current_time()) == 6


async def test_answers_to_nothing_change_nothing(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong numbers and kinds are dropped, the first answer counts, a copy of it does not."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        (message,) = bench.send(1)
        submit = await smsc.receive(SubmitSm)
        number = submit.sequence_number
        await smsc.send(
            SubmitSmResp("wrong", sequence_number=number + 1_000),
            SubmitSmResp("zero", sequence_number=0xFFFFFFFF),
            p.EnquireLinkResp(sequence_number=number),
            p.DataSmResp("kind", sequence_number=number),
            p.BindTransceiverResp("again", sequence_number=1),
            GenericNack(sequence_number=number + 77, command_status=s.ESME_RINVCMDID),
        )
        await smsc.accept(submit, "right")
        await smsc.accept(submit, "copy")
        await smsc.accept(submit, "", s.ESME_RSYSERR)
        assert await smsc.waiting(Response) == []
        assert bench.events.outcomes == [Accepted(message, "right")]
        assert bench.link.is_bound


async def test_a_response_of_no_shape_at_all_accepts(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """ESME_ROK in a bare header, without the body that the specification wants, is a yes without an id."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        (message,) = bench.send(1)
        number = (await smsc.receive(SubmitSm)).sequence_number
        await smsc.send_raw(b"\0\0\0\x10\x80\0\0\x04\0\0\0\0" + number.to_bytes(4, "big"))
        await bench.events.wait_until(lambda: bool(bench.events.outcomes))
        assert bench.events.outcomes == [Accepted(message, "")]


async def test_a_late_answer_is_told_after_the_doubt(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """In doubt at the response timeout, on a link that lives; then accepted, with the id that its receipt will name."""
    async with smpp_carrier(monkeypatch, response_timeout=20.0) as bench:
        smsc = await bench.network.bound()
        began_at = trio.current_time()
        (message,) = bench.send(1)
        submit = await smsc.receive(SubmitSm)
        await bench.events.wait_until(lambda: bool(bench.events.outcomes))
        assert bench.events.outcomes == [InDoubt(message, link_lost=False)]
        assert trio.current_time() - began_at == pytest.approx(20.0)
        assert bench.link.is_bound
        await smsc.accept(submit, "late")
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 2)
        assert bench.events.outcomes[1] == Accepted(message, "late")


async def test_the_window_is_kept_at_every_instant(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the answers come, the SMSC never has more unanswered than the window; what is too much is not sent."""
    async with smpp_carrier(monkeypatch, window=4) as bench:
        smsc = await bench.network.bound()
        seq = 0
        outstanding: list[SubmitSm] = []
        for answers in (0, 1, 3, 2, 4, 0, 1, 1, 4):
            for submit in outstanding[:answers]:
                await smsc.accept(submit, str(submit.sequence_number))
            del outstanding[:answers]
            await trio.testing.wait_all_tasks_blocked()
            capacity = bench.link.capacity(trio.current_time())
            bench.send(capacity, first=seq + 1)
            seq += capacity
            outstanding += await smsc.waiting(SubmitSm)
            assert len(outstanding) == 4 == bench.link.in_flight
        (extra,) = bench.send(1, first=1_000)
        assert bench.events.outcomes[-1] == NotSent(extra)
        assert await smsc.waiting(SubmitSm) == []


async def test_freed_windows_are_announced(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for all the answers of one read."""
    async with smpp_carrier(monkeypatch, window=4) as bench:
        smsc = await bench.network.bound()
        bench.send(4)
        submits = await smsc.receive_many(SubmitSm, 4)
        bench.events.capacity_calls.clear()
        await smsc.send(*[SubmitSmResp("x", sequence_number=submit.sequence_number) for submit in submits])
        await trio.testing.wait_all_tasks_blocked()
        assert bench.events.capacity_calls == [bench.link]


async def test_the_rate_is_kept(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """In ten seconds no more than the rate and its small burst; ready_at says when the next may go."""
    async with smpp_carrier(monkeypatch, window=1_000, rate=50.0) as bench:
        await bench.network.bound()
        began_at = trio.current_time()
        sent = 0
        while trio.current_time() - began_at < 10.0:
            now = trio.current_time()
            capacity = bench.link.capacity(now)
            assert capacity <= 5
            bench.send(capacity, first=sent + 1)
            sent += capacity
            await trio.sleep_until(max(bench.link.ready_at(trio.current_time()), now + 0.001))
        assert 495 <= sent <= 506


@pytest.mark.parametrize(
    ("settings", "resp_id", "receipt_id"),
    [
        ({}, "0e999f21", "0e999f21"),
        ({}, "3f0e-uuid-AB", "3f0e-uuid-AB"),
        ({"receipt_id": "decimal_to_hex"}, "10c8f40d", "281605133"),
        ({"resp_id": "hex_to_decimal"}, "10C8F40D", "281605133"),
        ({"receipt_id": "hex_to_decimal"}, "281605133", "10c8f40d"),
        ({"id_case": "upper", "id_strip_zeros": True}, "0e999f21", "E999F21"),
        ({"id_strip_zeros": True}, "0913121205", "913121205"),
        ({"id_case": "lower"}, "ABC-1", "abc-1"),
    ],
)
async def test_ids_are_read_as_the_carrier_writes_them(
    autojump_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    resp_id: str,
    receipt_id: str,
) -> None:
    """The id of the response and that of the receipt are one after the dialect."""
    async with smpp_carrier(monkeypatch, **settings) as bench:
        smsc = await bench.network.bound()
        bench.send(1)
        await smsc.accept(await smsc.receive(SubmitSm), resp_id)
        await smsc.send(receipt_pdu(receipt_id))
        await smsc.receive(DeliverSmResp)
        (_, accepted), (_, receipted) = bench.events.log
        assert accepted == receipted != ""


async def test_a_receipt_is_answered_when_its_effect_is_committed(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not before: with the status that the engine says, in whatever order it says it."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        waiting: list[Any] = []
        monkeypatch.setattr(bench.events, "on_receipts", lambda *call: waiting.append(call))
        await smsc.send(receipt_pdu("a"), receipt_pdu("b"), receipt_pdu("c"))
        await smsc.send(p.EnquireLink())
        await smsc.receive(p.EnquireLinkResp)
        assert await smsc.waiting(DeliverSmResp) == []
        ((carrier, receipts, respond),) = waiting
        assert (carrier, [receipt.carrier_message_id for receipt in receipts]) == ("acme", ["a", "b", "c"])
        respond([(receipts[2], s.ESME_ROK), (receipts[0], s.ESME_RX_T_APPN)])
        answers = await smsc.waiting(DeliverSmResp)
        assert sorted((answer.sequence_number, answer.command_status) for answer in answers) == [
            (1, s.ESME_RX_T_APPN),
            (3, s.ESME_ROK),
        ]
        await smsc.close()
        await bench.network.connection()
        respond([(receipts[1], s.ESME_ROK)])


@pytest.mark.parametrize(
    ("pdu", "state"),
    [
        (receipt_pdu("id-1", "UNDELIV"), MessageState.UNDELIVERABLE),
        (receipt_pdu("id-1", "ENROUTE", esm_class=0x20), MessageState.ENROUTE),
        (receipt_pdu("id-1", esm_class=0x44), MessageState.DELIVERED),
        (DeliverSm(esm_class=4, tlvs=((0x001E, b"id-1\0"), (0x0427, b"\2"))), MessageState.DELIVERED),
        (DeliverSm(esm_class=4, tlvs=((PAYLOAD, receipt_text("id-1", "EXPIRED")),)), MessageState.EXPIRED),
        (DataSm(esm_class=4, tlvs=((0x001E, b"id-1\0"), (0x0427, b"\5"))), MessageState.UNDELIVERABLE),
        (DataSm(esm_class=4, tlvs=((PAYLOAD, receipt_text("id-1")),)), MessageState.DELIVERED),
    ],
    ids=["deliver_sm", "intermediate", "with UDHI", "TLVs only", "text in payload", "data_sm", "data_sm payload"],
)
async def test_receipts_in_every_form(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, pdu: DeliverSm | DataSm, state: MessageState
) -> None:
    """esm_class makes it a receipt; text or TLVs, deliver_sm or data_sm, it is read and answered in kind."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        pdu.sequence_number = 0
        await smsc.send(pdu)
        response = await smsc.receive(DataSmResp if isinstance(pdu, DataSm) else DeliverSmResp)
        assert (response.sequence_number, response.command_status) == (pdu.sequence_number, s.ESME_ROK)
        (receipt,) = bench.events.receipts
        assert (receipt.carrier_message_id, receipt.state) == ("id-1", state)


async def test_a_receipt_that_nobody_can_read_is_answered_and_dropped(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would come again for ever and keep back the good ones behind it."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        await smsc.send(DeliverSm(esm_class=4, short_message=b"what?"), receipt_pdu("good"))
        answers = await smsc.receive_many(DeliverSmResp, 2)
        assert {answer.command_status for answer in answers} == {s.ESME_ROK}
        assert [receipt.carrier_message_id for receipt in bench.events.receipts] == ["good"]


@pytest.mark.parametrize("as_data_sm", [False, True])
async def test_messages_from_handsets(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, as_data_sm: bool) -> None:
    """Handed on octet by octet, answered with the engine's status; a text that looks like a receipt is a text."""
    body = receipt_text("victim")
    async with smpp_carrier(monkeypatch) as bench:
        bench.events.mo_status = lambda _: s.ESME_RX_T_APPN
        smsc = await bench.network.bound()
        fields: Any = {"source_addr_ton": 1, "source_addr": "4477", "destination_addr": "12345", "data_coding": 8}
        if as_data_sm:
            await smsc.send(DataSm(**fields, tlvs=((PAYLOAD, body), (0x1401, b"v"))))
            response: Response = await smsc.receive(DataSmResp)
        else:
            await smsc.send(DeliverSm(**fields, short_message=body, tlvs=((0x1401, b"v"),)))
            response = await smsc.receive(DeliverSmResp)
        assert response.command_status == s.ESME_RX_T_APPN
        (mo,) = bench.events.mo
        assert (mo.source_addr, mo.destination_addr, mo.data_coding, mo.body) == ("4477", "12345", 8, body)
        assert mo.tlvs == b"\x14\x01\x00\x01v"
        assert bench.events.receipts == []


async def test_an_acceptance_and_its_receipt_in_one_segment(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome is told first, so that the receipt finds its message."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        bench.send(1)
        submit = await smsc.receive(SubmitSm)
        await smsc.send(receipt_pdu("id-1"), SubmitSmResp("id-1", sequence_number=submit.sequence_number))
        await smsc.receive(DeliverSmResp)
        assert bench.events.log == [("outcome", "id-1"), ("receipt", "id-1")]


async def test_a_flood_of_receipts_is_held_off_while_submits_flow(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than may be uncommitted hear ESME_RTHROTTLED and come again; attempts pass all the while."""
    async with smpp_carrier(monkeypatch, deliver_unanswered_max=50) as bench:
        smsc = await bench.network.bound()
        held: list[Any] = []
        monkeypatch.setattr(bench.events, "on_receipts", lambda _, receipts, respond: held.append((receipts, respond)))
        for start in range(0, 2_000, 500):
            await smsc.send(*[receipt_pdu(str(number)) for number in range(start, start + 500)])
        refused = await smsc.receive_many(DeliverSmResp, 1_950)
        assert {answer.command_status for answer in refused} == {s.ESME_RTHROTTLED}
        bench.send(1)
        await smsc.accept(await smsc.receive(SubmitSm), "id")
        await bench.events.wait_until(lambda: bool(bench.events.outcomes))
        assert sum(len(receipts) for receipts, _ in held) == 50
        for receipts, respond in held:
            respond([(receipt, s.ESME_ROK) for receipt in receipts])
        assert {answer.command_status for answer in await smsc.receive_many(DeliverSmResp, 50)} == {s.ESME_ROK}
        held.clear()
        await smsc.send(receipt_pdu("again"))
        await trio.testing.wait_all_tasks_blocked()
        assert len(held) == 1


@pytest.mark.parametrize(
    ("pdu", "answer"),
    [
        (p.AlertNotification(source_addr="4477", esme_addr="1"), None),
        (p.Outbind("smsc", "pw"), None),
        (p.QuerySm("1"), (p.QuerySmResp, s.ESME_RINVBNDSTS)),
        (SubmitSm(destination_addr="1"), (SubmitSmResp, s.ESME_RINVBNDSTS)),
        (p.BindTransceiver("x", "y"), (p.BindTransceiverResp, s.ESME_RALYBND)),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_other_requests_of_the_carrier(
    autojump_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    pdu: p.Request,
    answer: tuple[type[Response], int] | None,
) -> None:
    """What an SMSC has no business to ask is refused, what needs no answer gets none; the association lives."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        pdu.sequence_number = 99
        await smsc.send(pdu)
        answers = [(type(response), response.command_status) for response in await smsc.waiting(Response)]
        assert answers == ([] if answer is None else [answer])
        assert bench.link.is_bound


async def test_an_alert_of_the_carrier_is_passed_on(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the handset, the number that asked, and its availability."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        tlvs = ((int(Tag.MS_AVAILABILITY_STATUS), b"\1"),)
        await smsc.send(p.AlertNotification(1, 1, "447700900123", 0, 1, "53849", tlvs=tlvs))
        await trio.testing.wait_all_tasks_blocked()
        (alert,) = bench.events.alerts
        assert (alert.source_addr, alert.esme_addr, alert.ms_availability_status) == ("447700900123", "53849", 1)


async def test_a_message_that_no_pdu_can_hold_is_refused_alone(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its neighbours go, the link stays, and whoever hands messages over is not disturbed."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        messages = [make_message(1), make_message(2, body=bytes(65_536), in_payload=True), make_message(3)]
        bench.link.send(messages)
        assert [type(outcome) for outcome in bench.events.outcomes] == [Refused]
        assert bench.events.outcomes[0] == Refused(messages[1], s.ESME_RINVMSGLEN)
        submits = await smsc.waiting(SubmitSm)
        assert [submit.destination_addr for submit in submits] == ["447700900001", "447700900003"]
        assert bench.link.in_flight == 2


async def test_a_life_longer_than_a_relative_time_can_say_is_cut(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To 100 days but a second."""
    async with smpp_carrier(monkeypatch, validity="relative") as bench:
        smsc = await bench.network.bound()
        bench.send(1, expires_at=4_000_000_000_000)
        (submit,) = await smsc.waiting(SubmitSm)
        assert submit.validity_period == "000099235959000R"


@pytest.mark.parametrize(
    ("version", "state", "slowed"), [("5.0", 95, 1), ("5.0", 85, 0), ("5.0", None, 0), ("3.4", 95, 0)]
)
async def test_a_carrier_of_5_0_tells_how_congested_it_is(
    version: str, state: int | None, slowed: int, autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers count as they are, and the link hears once a batch that it is to slow down."""
    async with smpp_carrier(monkeypatch, interface_version=version) as bench:
        smsc = await bench.network.connection()
        bind = await smsc.take_bind()
        assert bind.interface_version == (0x50 if version == "5.0" else 0x34)
        await trio.testing.wait_all_tasks_blocked()
        bench.send(1)
        submit = await smsc.receive(SubmitSm)
        tlvs = () if state is None else ((int(Tag.CONGESTION_STATE), bytes((state,))),)
        await smsc.send(SubmitSmResp("id-1", sequence_number=submit.sequence_number, tlvs=tlvs))
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 1)
        assert isinstance(bench.events.outcomes[0], Accepted)
        assert len(bench.events.congested) == slowed
