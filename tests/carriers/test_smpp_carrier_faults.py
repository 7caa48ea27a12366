"""The SMPP carrier and what goes wrong: refusals, silence, losses, garbage; binding again, and stopping."""

import io
from itertools import pairwise
from typing import Any

import pytest
import structlog
import trio
import trio.testing
from carrier_recorder import make_message
from smpp_carrier_bench import Network, Smsc, receipt_pdu, smpp_carrier

from smsagg.carriers.smpp.settings import SmppSettings
from smsagg.model import Accepted, InDoubt, Message, NotSent
from smsagg.observe.log import configure_logging
from smsagg.smpp import status as s
from smsagg.smpp.pdu import (
    Bind,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)

Clock = trio.testing.MockClock


def pauses(instants: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(instants)]


def in_doubt(outcomes: list[Any]) -> list[Message]:
    """The messages of outcomes that must all be InDoubt by loss of the link."""
    assert all(isinstance(outcome, InDoubt) and outcome.link_lost for outcome in outcomes), outcomes
    return [outcome.message for outcome in outcomes]


# Binding


@pytest.mark.parametrize("command_status", [s.ESME_RALYBND, s.ESME_RBINDFAIL, s.ESME_RINVPASWD, s.ESME_RSYSERR, 0x0400])
async def test_refused_binds_back_off(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, command_status: int
) -> None:
    """For an hour: pauses that double to their most, with jitter, and one connection at a time."""
    async with smpp_carrier(monkeypatch, reconnect_first=1.0, reconnect_max=60.0) as bench:
        network = bench.network
        while trio.current_time() < 3_600:
            smsc = await network.connection()
            await smsc.take_bind(command_status)
            assert await smsc.receive_all() == []
            await smsc.close()
            assert not bench.link.is_bound
        taken = pauses(network.attempts_at)
        assert len(taken) < 130
        for number, pause in enumerate(taken):
            highest = min(2.0**number, 60.0)
            assert highest / 2 <= pause <= highest + 0.1
        assert len({round(pause, 3) for pause in taken[6:]}) > len(taken[6:]) / 2


@pytest.mark.parametrize("fails", ["refuse", "dns", "hang"])
async def test_failing_connections_back_off_and_recover(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """A port that refuses, a name that is not found, a host that is mute: tried again, and bound when it is back."""
    network = Network()
    network.fails = fails
    async with smpp_carrier(monkeypatch, network, connect_timeout=10.0, reconnect_max=30.0) as bench:
        await trio.sleep(600)
        assert 10 < len(network.attempts_at) < 50
        assert bench.link.capacity(trio.current_time()) == 0
        network.fails = ""
        await network.bound()
        assert bench.link.is_bound


async def test_a_silent_smsc_is_given_up(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and never answers the bind: closed at the timeout, and no second one beside it."""
    async with smpp_carrier(monkeypatch, connect_timeout=10.0) as bench:
        for _ in range(4):
            smsc = await bench.network.connection()
            began_at = trio.current_time()
            await smsc.receive(Bind)
            assert await smsc.receive_all() == []
            assert trio.current_time() - began_at == pytest.approx(10.0)
            assert bench.network.attempts_at[-1] == pytest.approx(began_at)
        assert not bench.link.is_bound


async def test_never_two_connections_of_one_link(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the SMSC does, the old connection is closed before the next is opened."""
    live: list[Smsc] = []

    class Watched(Network):
        async def open_tcp_stream(self, host: str, port: int) -> Any:
            for smsc in live:
                with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
                    await smsc.send(EnquireLink())
            return await super().open_tcp_stream(host, port)

    async with smpp_carrier(monkeypatch, Watched(), connect_timeout=5.0) as bench:
        for fault in ("silent", "refused", "garbage", "unbind", "closed", "garbage after bind"):
            smsc = await bench.network.connection()
            if fault == "silent":
                await trio.sleep(5)
            elif fault == "refused":
                await smsc.take_bind(s.ESME_RBINDFAIL)
            elif fault == "garbage":
                await smsc.send_raw(b"HTTP/1.1 400 Bad Request\r\n")
            elif fault == "unbind":
                await smsc.take_bind()
                await smsc.send(Unbind())
            elif fault == "closed":
                await smsc.take_bind()
                await smsc.stream.send_eof()
            else:
                await smsc.take_bind()
                await smsc.send_raw(b"\xff" * 100)
            live.append(smsc)


async def test_an_association_that_lasted_is_renewed_at_once(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After many failures and one good association the pause is short again; after a short one it is not."""
    async with smpp_carrier(monkeypatch, enquire_link_interval=1_000.0) as bench:
        for _ in range(6):
            await (await bench.network.connection()).take_bind(s.ESME_RSYSERR)
        smsc = await bench.network.bound()
        await trio.sleep(1)
        await smsc.close()
        lost_at = trio.current_time()
        smsc = await bench.network.bound()
        assert trio.current_time() - lost_at >= 30
        await trio.sleep(100)
        await smsc.close()
        lost_at = trio.current_time()
        await bench.network.bound()
        assert trio.current_time() - lost_at <= 1.0


# Losing the association


async def test_a_lost_connection_leaves_in_doubt_what_was_written(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full window is in doubt, each message once, and nothing else; no capacity until the link is back."""
    async with smpp_carrier(monkeypatch, window=10) as bench:
        smsc = await bench.network.bound()
        messages = bench.send(10)
        submits = await smsc.receive_many(SubmitSm, 10)
        await smsc.accept(submits[3], "id-4")
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 1)
        await smsc.close()
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 10)
        assert bench.events.outcomes[0] == Accepted(messages[3], "id-4")
        assert in_doubt(bench.events.outcomes[1:]) == messages[:3] + messages[4:]
        assert bench.link.capacity(trio.current_time()) == 0
        (refused,) = bench.send(1, first=11)
        assert bench.events.outcomes[-1] == NotSent(refused)
        again = await bench.network.bound()
        assert bench.link.capacity(trio.current_time()) == 10
        assert await again.waiting(SubmitSm) == []


async def test_what_was_never_written_is_not_in_doubt(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a write that the carrier did not take, later attempts never left: another carrier may have them."""
    network = Network()
    network.stream_pair = trio.testing.lockstep_stream_pair
    async with smpp_carrier(monkeypatch, network, window=10) as bench:
        smsc = await network.bound()
        written = bench.send(3)
        await trio.testing.wait_all_tasks_blocked()
        queued = bench.send(4, first=4)
        await smsc.close()
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 7)
        not_sent = [outcome for outcome in bench.events.outcomes if isinstance(outcome, NotSent)]
        assert not_sent == [NotSent(message) for message in queued]
        assert in_doubt([o for o in bench.events.outcomes if not isinstance(o, NotSent)]) == written


async def test_a_link_that_is_closing_takes_nothing(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the SMSC's end of stream on, although the last octets of ours are still on their way."""
    network = Network()
    network.stream_pair = trio.testing.lockstep_stream_pair
    async with smpp_carrier(monkeypatch, network, window=10) as bench:
        smsc = await network.bound()
        bench.send(3)
        await trio.testing.wait_all_tasks_blocked()
        await smsc.stream.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        assert bench.events.outcomes == []
        assert (bench.link.is_bound, bench.link.capacity(trio.current_time())) == (False, 0)
        (refused,) = bench.send(1, first=4)
        assert bench.events.outcomes == [NotSent(refused)]


async def test_a_black_hole_is_found(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SMSC that answers nothing any more is lost after enquire_link and its response timeout."""
    async with smpp_carrier(monkeypatch, enquire_link_interval=20.0, response_timeout=15.0) as bench:
        smsc = await bench.network.bound()
        smsc.answers_enquire_link = False
        began_at = trio.current_time()
        await trio.sleep(19)
        messages = bench.send(3)
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 3)
        assert {outcome.message.seq for outcome in bench.events.outcomes} == {message.seq for message in messages}
        assert all(isinstance(outcome, InDoubt) for outcome in bench.events.outcomes)
        await bench.network.connection()
        assert trio.current_time() - began_at <= 20 + 15 + 2 + 1


async def test_the_carriers_unbind_is_answered(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """unbind_resp, what was outstanding is in doubt, capacity is gone at once, and we bind again after a pause."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        messages = bench.send(3)
        await smsc.receive_many(SubmitSm, 3)
        unbind = Unbind()
        await smsc.send(unbind)
        assert (await smsc.receive(UnbindResp)).sequence_number == unbind.sequence_number
        assert bench.link.capacity(trio.current_time()) == 0
        assert await smsc.receive_all() == []
        await smsc.close()
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 3)
        assert in_doubt(bench.events.outcomes) == messages
        lost_at = trio.current_time()
        await bench.network.bound()
        assert trio.current_time() - lost_at >= 0.4


async def test_receipts_under_way_are_answered_before_the_unbind(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A carrier that unbinds behind its receipts need not send them again."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        held: list[Any] = []
        monkeypatch.setattr(bench.events, "on_receipts", lambda _, receipts, respond: held.append((receipts, respond)))
        await smsc.send(receipt_pdu("a"), Unbind())
        await trio.testing.wait_all_tasks_blocked()
        ((receipts, respond),) = held
        respond([(receipts[0], s.ESME_ROK)])
        assert [type(pdu) for pdu in await smsc.receive_all()] == [DeliverSmResp, UnbindResp]


@pytest.mark.parametrize(
    "octets", [b"\0\0\0\4", b"\xff\xff\xff\xff", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"\0\1\x11\x71" * 4]
)
async def test_garbage_ends_the_association(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, octets: bytes
) -> None:
    """generic_nack ESME_RINVCMDLEN, then a new connection; what was outstanding is in doubt."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        messages = bench.send(2)
        await smsc.receive_many(SubmitSm, 2)
        await smsc.send_raw(octets)
        (nack,) = await smsc.receive_all()
        assert isinstance(nack, GenericNack)
        assert nack.command_status == s.ESME_RINVCMDLEN
        await smsc.close()
        await bench.events.wait_until(lambda: len(bench.events.outcomes) == 2)
        assert in_doubt(bench.events.outcomes) == messages
        await bench.network.bound()


async def test_a_malformed_deliver_sm_is_refused_and_the_association_lives(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that cannot be read gets its error; the next one is read."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        body = b"\0\0\0" + b"4" * 30
        await smsc.send_raw((16 + len(body)).to_bytes(4, "big") + b"\0\0\0\5\0\0\0\0\0\0\0\x2a" + body)
        response = await smsc.receive(DeliverSmResp)
        assert (response.sequence_number, response.command_status) == (42, s.ESME_RINVSRCADR)
        await smsc.send(receipt_pdu("good"))
        assert (await smsc.receive(DeliverSmResp)).command_status == s.ESME_ROK


async def test_receipts_with_broken_tlvs_are_taken(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Carriers send known TLVs of wrong lengths; what can be read counts."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        await smsc.send(receipt_pdu("id-1", tlvs=((0x0427, b"\2\2\2"), (0x0423, b"\3"), (0x020A, b""))))
        assert (await smsc.receive(DeliverSmResp)).command_status == s.ESME_ROK
        assert [receipt.carrier_message_id for receipt in bench.events.receipts] == ["id-1"]


async def test_a_bug_ends_its_association_only(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link binds again, the carrier's other links and the process go on."""
    async with smpp_carrier(monkeypatch, links=2) as bench:
        first, second = await bench.network.bound(), await bench.network.bound()
        monkeypatch.setattr(bench.events, "on_receipts", lambda *_: 1 / 0)
        await first.send(receipt_pdu("id-1"))
        assert await first.receive_all() == []
        await bench.network.bound()
        assert [link.is_bound for link in bench.carrier.links] == [True, True]
        await second.send(EnquireLink())


# Stopping


async def test_cancellation_leaves_nothing_open_and_tells_everything(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is closed, every message has its outcome, and nobody binds again."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        messages = bench.send(3)
        await smsc.receive_many(SubmitSm, 3)
        bench.scope.cancel()
        assert await smsc.receive_all() == []
        await trio.testing.wait_all_tasks_blocked()
        assert in_doubt(bench.events.outcomes) == messages
        await trio.sleep(600)
        assert len(bench.network.attempts_at) == 1


async def test_drain_waits_for_answers_and_says_good_bye(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No capacity at once; an unbind after the last answer; it returns when that is answered, and nobody rebinds."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        bench.send(2)
        submits = await smsc.receive_many(SubmitSm, 2)
        drained = trio.Event()

        async def drain() -> None:
            await bench.carrier.drain()
            drained.set()

        bench.nursery.start_soon(drain)
        await trio.testing.wait_all_tasks_blocked()
        assert bench.link.capacity(trio.current_time()) == 0
        assert await smsc.waiting(Unbind) == []
        await smsc.send(*[SubmitSmResp("x", sequence_number=submit.sequence_number) for submit in submits])
        unbind = await smsc.receive(Unbind)
        assert [type(outcome) for outcome in bench.events.outcomes] == [Accepted, Accepted]
        assert not drained.is_set()
        await smsc.send(UnbindResp(sequence_number=unbind.sequence_number))
        assert await smsc.receive_all() == []
        await smsc.close()
        await trio.testing.wait_all_tasks_blocked()
        assert drained.is_set()
        await trio.sleep(600)
        assert len(bench.network.attempts_at) == 1


async def test_drain_while_the_carrier_unbinds(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its unbind waits for the answers that it asked for: ours would come too late, so there is none."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        held: list[Any] = []
        monkeypatch.setattr(bench.events, "on_receipts", lambda _, receipts, respond: held.append((receipts, respond)))
        await smsc.send(receipt_pdu("a"), Unbind())
        await trio.testing.wait_all_tasks_blocked()
        bench.nursery.start_soon(bench.carrier.drain)
        await trio.testing.wait_all_tasks_blocked()
        ((receipts, respond),) = held
        respond([(receipts[0], s.ESME_ROK)])
        assert [type(pdu) for pdu in await smsc.receive_all()] == [DeliverSmResp, UnbindResp]


async def test_drain_does_not_wait_for_ever(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for responses nor for the unbind_resp: each has its response timeout."""
    async with smpp_carrier(monkeypatch, response_timeout=20.0) as bench:
        smsc = await bench.network.bound()
        (message,) = bench.send(1)
        bench.nursery.start_soon(smsc.receive_all)
        with trio.fail_after(20.0 + 20.0 + 3.0):
            await bench.carrier.drain()
        assert bench.events.outcomes == [InDoubt(message, link_lost=False)]
        assert not bench.link.is_bound


@pytest.mark.parametrize("fails", ["refuse", "hang"])
async def test_drain_of_a_carrier_that_is_away_returns(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """There is nothing to wait for."""
    network = Network()
    network.fails = fails
    async with smpp_carrier(monkeypatch, network) as bench:
        await trio.sleep(5)
        began_at = trio.current_time()
        await bench.carrier.drain()
        assert trio.current_time() == began_at


async def test_a_bind_that_comes_after_drain_is_given_back(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was on its way: unbound at once, never used."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.connection()
        await bench.carrier.drain()
        await smsc.take_bind()
        await smsc.receive(Unbind)
        assert bench.link.capacity(trio.current_time()) == 0


# What is told about it


def test_settings_do_not_show_the_password() -> None:
    """Neither in a log nor in a traceback."""
    assert "s3cret" not in repr(SmppSettings(address="h:1", system_id="a", password="s3cret"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"system_id": ""},
        {"system_id": "x" * 16},
        {"password": "pass\nword"},
        {"system_type": "x" * 13},
        {"bind": "both"},
        {"links": 0},
        {"window": 0},
        {"rate": 0.0},
        {"source_addr_ton": 256},
        {"source_addr_npi": -1},
        {"service_type": "TOOLONG"},
        {"response_timeout": 0.0},
        {"resp_id": "guess"},
        {"password_env": "NO_SUCH_VARIABLE_HERE"},
    ],
    ids=str,
)
def test_settings_that_no_pdu_could_carry_are_refused(wrong: dict[str, Any]) -> None:
    """At the start, and not with the first message."""
    values: dict[str, Any] = {"address": "h:1", "system_id": "a"}
    with pytest.raises(ValueError, match=r"\w"):
        SmppSettings(**(values | wrong))


def test_the_password_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the file need not hold it; what no bind can carry is refused."""
    values: dict[str, Any] = {"address": "h:1", "system_id": "a", "password_env": "ACME_PASSWORD"}
    monkeypatch.setenv("ACME_PASSWORD", "s3cret")
    assert SmppSettings(**values).secret == "s3cret"
    monkeypatch.setenv("ACME_PASSWORD", "s3cret\n")
    with pytest.raises(ValueError, match="printable"):
        SmppSettings(**values)


async def test_an_hour_of_trouble_is_few_lines_without_secrets(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused binds, unreadable receipts by the thousand, texts and numbers: counted, not quoted."""
    before = structlog.get_config()
    octets = io.BytesIO()
    stream = io.TextIOWrapper(octets, write_through=True)
    configure_logging("debug", "json", stream)
    try:
        async with smpp_carrier(monkeypatch, password="s3cret") as bench:
            for _ in range(20):
                await (await bench.network.connection()).take_bind(s.ESME_RINVPASWD)
            smsc = await bench.network.bound()
            unreadable = DeliverSm(esm_class=4, source_addr="447700900654", short_message=b"canary-4711")
            for _ in range(10):
                for _ in range(100):
                    unreadable.sequence_number = 0
                    await smsc.send(unreadable)
                await smsc.receive_many(DeliverSmResp, 100)
            bench.link.send([make_message(1, destination_addr="447700900987", body=b"canary-4711")])
            await smsc.close()
            await bench.events.wait_until(lambda: bool(bench.events.outcomes))
    finally:
        stream.detach()
        structlog.configure(**before)
    lines = octets.getvalue()
    assert b"association_failed" in lines
    assert b"receipt_unreadable" in lines
    assert lines.count(b"\n") < 20
    for private in (b"s3cret", b"canary", b"447700900654", b"447700900987"):
        assert private not in lines
