"""Sessions of the front door from bind to end: states, limits of binds, unbinds, stops, silence."""

import pytest
import trio
import trio.testing
from esme_bench import PASSWORD, Bench, Client, account, front_door, submit_sm

from smsagg.config.schema import SessionSettings
from smsagg.smpp import status as s
from smsagg.smpp.pdu import (
    Bind,
    BindReceiver,
    BindResp,
    BindTransceiver,
    BindTransmitter,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    Pdu,
    QuerySm,
    QuerySmResp,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smsagg.smpp.tlv import Tag

BINDS = (BindTransmitter, BindReceiver, BindTransceiver)


@pytest.mark.parametrize("kind", BINDS)
async def test_each_bind_is_answered_by_its_own_response(
    autojump_clock: trio.testing.MockClock, kind: type[Bind]
) -> None:
    """The response carries our system_id, and the bind is counted under its type."""
    async with front_door() as bench:
        response = await bench.connect().try_bind(kind)
        assert type(response).__name__ == kind.__name__ + "Resp"
        assert (response.command_status, response.system_id) == (s.ESME_ROK, "smsagg")
        bind_type = {"BindTransmitter": "tx", "BindReceiver": "rx", "BindTransceiver": "trx"}[kind.__name__]
        assert bench.door.sessions.counts() == {("acme", bind_type): 1}


async def test_a_submit_before_the_bind_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RINVBNDSTS, nothing stored, and the connection may still bind."""
    async with front_door() as bench:
        client = bench.connect()
        response = await client.submit()
        assert (response.command_status, response.message_id) == (s.ESME_RINVBNDSTS, "")
        assert bench.stored == []
        await client.bind()


async def test_a_receiver_may_not_submit_or_ask(autojump_clock: trio.testing.MockClock) -> None:
    """submit_sm and query_sm belong to transmitters."""
    async with front_door() as bench:
        client = await bench.bound(BindReceiver)
        assert (await client.submit()).command_status == s.ESME_RINVBNDSTS
        await client.send(QuerySm("0000000100000001"))
        assert (await client.receive(QuerySmResp)).command_status == s.ESME_RINVBNDSTS
        assert bench.stored == []


async def test_a_transmitter_that_answers_deliver_sm_is_ignored(autojump_clock: trio.testing.MockClock) -> None:
    """It was asked nothing."""
    async with front_door() as bench:
        client = await bench.bound(BindTransmitter)
        await client.send(DeliverSmResp(sequence_number=1))
        assert await client.waiting(Pdu) == []
        assert await client.is_alive()


@pytest.mark.parametrize("kind", BINDS)
async def test_a_second_bind_is_refused_and_changes_nothing(
    autojump_clock: trio.testing.MockClock, kind: type[Bind]
) -> None:
    """ESME_RALYBND, also with another account's good credentials; the session stays what it was."""
    async with front_door() as bench:
        client = await bench.bound()
        response = await client.try_bind(kind, "other")
        assert response.command_status == s.ESME_RALYBND
        await client.submit_ok()
        assert [message.account for message in bench.stored] == ["acme"]
        assert bench.door.sessions.counts() == {("acme", "trx"): 1}


@pytest.mark.parametrize("credentials", [("acme", "wrong"), ("nobody", PASSWORD), ("", "")])
async def test_wrong_credentials_are_refused_alike(
    autojump_clock: trio.testing.MockClock, credentials: tuple[str, str]
) -> None:
    """ESME_RBINDFAIL whatever was wrong, then the end; nobody learns which system_ids there are."""
    async with front_door() as bench:
        client = bench.connect()
        system_id, password = credentials
        response = await client.try_bind(system_id=system_id, password=password)
        assert (response.command_status, response.system_id, response.tlvs) == (s.ESME_RBINDFAIL, "", ())
        assert await client.receive_all() == []
        assert bench.door.sessions.counts() == {}


@pytest.mark.parametrize(
    ("fields", "command_status"),
    [({"system_id": "a" * 16}, s.ESME_RINVSYSID), ({"password": "p" * 9}, s.ESME_RINVPASWD)],
)
async def test_credentials_too_long_for_their_fields_are_a_length_error(
    autojump_clock: trio.testing.MockClock, fields: dict[str, str], command_status: int
) -> None:
    """Nothing is cut off and compared."""
    async with front_door() as bench:
        response = await bench.connect().try_bind(**fields)  # type: ignore[arg-type]
        assert response.command_status == command_status


async def test_one_bind_too_many_is_refused_while_the_others_live(autojump_clock: trio.testing.MockClock) -> None:
    """The limit counts living binds; they are asked for a sign of life and stay."""
    async with front_door(accounts={"acme": account("acme", binds_max=2)}) as bench:
        first, second = await bench.bound(), await bench.bound(BindTransmitter)
        refused = await bench.connect().try_bind()
        assert refused.command_status == s.ESME_RBINDFAIL
        for client in (first, second):
            assert await client.is_alive()
        await trio.sleep(25)
        assert await first.is_alive()
        assert await second.is_alive()


async def test_a_dead_bind_makes_room_within_the_response_timer(autojump_clock: trio.testing.MockClock) -> None:
    """A refused bind has the account's others probed; who does not answer loses its place."""
    async with front_door(accounts={"acme": account("acme", binds_max=1)}) as bench:
        dead = await bench.bound()
        dead.answers_enquire_link = False
        began_at = trio.current_time()
        assert (await bench.connect().try_bind()).command_status == s.ESME_RBINDFAIL
        await dead.ended.wait()
        assert trio.current_time() - began_at == pytest.approx(10.0)
        await bench.bound()


async def test_hammering_binds_probe_but_once(autojump_clock: trio.testing.MockClock) -> None:
    """However often a bind is refused, one sign of life at a time is asked of each of the others."""
    async with front_door(accounts={"acme": account("acme", binds_max=1)}) as bench:
        quiet = await bench.bound()
        quiet.answers_enquire_link = False
        for _ in range(5):
            assert (await bench.connect().try_bind()).command_status == s.ESME_RBINDFAIL
        assert len(await quiet.waiting(EnquireLink)) == 1


async def test_an_unbound_session_makes_room_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """Unbind, a closed connection: either frees the bind before anything else is served."""
    async with front_door(accounts={"acme": account("acme", binds_max=1)}) as bench:
        first = await bench.bound()
        await first.send(Unbind())
        await first.receive(UnbindResp)
        await first.close()
        await first.ended.wait()
        second = await bench.bound()
        await second.close()
        await second.ended.wait()
        await bench.bound()


async def test_a_bind_and_submits_in_one_segment(autojump_clock: trio.testing.MockClock) -> None:
    """What follows the bind waits for its answer, and is then served in order."""
    async with front_door() as bench:
        client = bench.connect()
        await client.send(BindTransceiver("acme", PASSWORD), submit_sm(), submit_sm(), EnquireLink())
        pdus = [await client.receive(Pdu) for _ in range(4)]
        assert isinstance(pdus[0], BindResp)
        assert sorted(type(pdu).__name__ for pdu in pdus[1:]) == ["EnquireLinkResp", "SubmitSmResp", "SubmitSmResp"]
        assert len(bench.stored) == 2


async def test_a_refused_bind_and_submits_in_one_segment(autojump_clock: trio.testing.MockClock) -> None:
    """Nothing is stored for a stranger."""
    async with front_door() as bench:
        client = bench.connect()
        await client.send(BindTransceiver("acme", "wrong"), submit_sm(), submit_sm())
        pdus = await client.receive_all()
        assert isinstance(pdus[0], BindResp)
        await bench.settle()
        assert bench.stored == []


async def test_a_bind_and_an_unbind_in_one_segment(autojump_clock: trio.testing.MockClock) -> None:
    """Both are answered, the connection ends, and the bind is given back."""
    async with front_door() as bench:
        client = bench.connect()
        began_at = trio.current_time()
        await client.send(BindTransceiver("acme", PASSWORD), Unbind())
        assert [type(pdu).__name__ for pdu in await client.receive_all()] == ["BindTransceiverResp", "UnbindResp"]
        assert trio.current_time() == began_at
        await client.ended.wait()
        assert sum(bench.door.sessions.counts().values()) == 0


async def test_garbage_behind_a_bind(autojump_clock: trio.testing.MockClock) -> None:
    """The connection ends, and nobody is bound, whatever the bind was worth."""
    async with front_door() as bench:
        bench.authenticator.gate = trio.Event()
        client = bench.connect()
        await client.send_raw(client.encoded(BindTransceiver("acme", PASSWORD))[0] + b"GET / HTTP/1.1\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked()
        bench.authenticator.gate.set()
        await trio.testing.wait_all_tasks_blocked()
        assert not client.ended.is_set()
        assert sum(bench.door.sessions.counts().values()) == 0


@pytest.mark.parametrize("finish", ["close", "eof", "cancel"])
async def test_a_client_that_goes_while_its_password_is_checked(
    autojump_clock: trio.testing.MockClock, finish: str
) -> None:
    """The bind comes to nothing: no session is counted, nothing crashes."""
    async with front_door() as bench:
        bench.authenticator.gate = trio.Event()
        client = bench.connect()
        await client.send(BindTransceiver("acme", PASSWORD))
        await trio.testing.wait_all_tasks_blocked()
        if finish == "close":
            await client.close()
        elif finish == "eof":
            await client.stream.send_eof()
        bench.authenticator.gate.set()
        if finish == "cancel":
            bench.nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await client.ended.wait()
        assert sum(bench.door.sessions.counts().values()) == 0


async def test_unbind_waits_for_what_is_being_committed(autojump_clock: trio.testing.MockClock) -> None:
    """Submits in flight are stored and answered, then the unbind; nothing is delivered after it."""
    async with front_door() as bench:
        bench.carrier.accept_all()
        client = await bench.bound()
        bench.store.hold()
        await client.send(submit_sm(), submit_sm(), Unbind())
        assert await client.waiting(Pdu) == []
        bench.store.release()
        pdus = await client.receive_all()
        assert [type(pdu).__name__ for pdu in pdus] == ["SubmitSmResp", "SubmitSmResp", "UnbindResp"]
        await bench.settle()
        assert len(bench.stored) == 2
        bench.carrier.receipt("alpha-1", "alpha-2")
        await bench.settle()
        assert len(bench.store.tables.deliveries) == 2


async def test_unbind_does_not_wait_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    """A store that hangs delays the unbind_resp by a response timer at most."""
    async with front_door() as bench:
        client = await bench.bound()
        bench.store.hold()
        began_at = trio.current_time()
        await client.send(submit_sm(), Unbind())
        assert [type(pdu).__name__ for pdu in await client.receive_all()] == ["UnbindResp"]
        assert trio.current_time() - began_at <= 10.0


async def stop_in(bench: Bench, client: Client) -> None:
    assert client.session is not None
    bench.nursery.start_soon(client.session.stop)
    await trio.testing.wait_all_tasks_blocked()


async def test_a_stop_waits_for_the_commit_and_unbinds(autojump_clock: trio.testing.MockClock) -> None:
    """What is being committed is answered, then we unbind; what was answered ESME_ROK is stored."""
    async with front_door() as bench:
        client = await bench.bound()
        bench.store.hold()
        await client.send(*[submit_sm() for _ in range(5)])
        await trio.testing.wait_all_tasks_blocked()
        await stop_in(bench, client)
        assert await client.waiting(Pdu) == []
        bench.store.release()
        answered = await client.receive_many(SubmitSmResp, 5)
        assert {response.message_id for response in answered} == {message.message_id for message in bench.stored}
        unbind = await client.receive(Unbind)
        await client.send(UnbindResp(sequence_number=unbind.sequence_number))
        assert await client.receive_all() == []
        await client.close()
        await client.ended.wait()
        assert bench.reasons() == {"stopped": 1}


async def test_a_stop_does_not_wait_for_a_deaf_peer(autojump_clock: trio.testing.MockClock) -> None:
    """An unbind that is not answered ends the session at the response timer."""
    async with front_door() as bench:
        client = await bench.bound()
        began_at = trio.current_time()
        await stop_in(bench, client)
        await client.receive(Unbind)
        assert await client.receive_all() == []
        await client.close()
        await client.ended.wait()
        assert trio.current_time() - began_at <= 12.0
        assert bench.reasons() == {"stopped": 1}


async def test_a_stop_closes_who_is_not_bound(autojump_clock: trio.testing.MockClock) -> None:
    """There is nobody to say good-bye to."""
    async with front_door() as bench:
        client = bench.connect()
        await stop_in(bench, client)
        assert await client.receive_all() == []


async def test_a_stop_finds_a_session_that_ends_already(autojump_clock: trio.testing.MockClock) -> None:
    """A session that lingers after its unbind, or is gone, is nothing to stumble over."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.send(Unbind())
        await client.receive(UnbindResp)
        await stop_in(bench, client)
        await client.close()
        await client.ended.wait()
        await stop_in(bench, client)
        assert bench.reasons() == {"peer_unbound": 1}


async def test_an_idle_client_is_kept_while_it_enquires(autojump_clock: trio.testing.MockClock) -> None:
    """Its own enquire_link keeps a session for hours."""
    async with front_door() as bench:
        client = await bench.bound()
        for _ in range(300):
            await trio.sleep(25)
            await client.send(EnquireLink())
            await client.receive(EnquireLinkResp)
        assert await client.is_alive()


async def test_an_idle_client_is_unbound_at_inactivity(autojump_clock: trio.testing.MockClock) -> None:
    """Answering our enquire_link alone does not keep it."""
    async with front_door(SessionSettings(inactivity_timeout=100.0)) as bench:  # type: ignore[arg-type]
        client = await bench.bound()
        began_at = trio.current_time()
        await client.receive(Unbind)
        assert trio.current_time() - began_at == pytest.approx(100.0)
        await client.receive_all()
        await client.close()
        await client.ended.wait()
        assert bench.reasons() == {"inactivity": 1}


async def test_a_half_open_peer_is_found(autojump_clock: trio.testing.MockClock) -> None:
    """Without an answer to enquire_link the session ends, and its bind is free again."""
    async with front_door() as bench:
        client = await bench.bound()
        client.answers_enquire_link = False
        began_at = trio.current_time()
        await client.ended.wait()
        assert trio.current_time() - began_at <= 30.0 + 10.0 + 2.0
        assert bench.reasons() == {"peer_silent": 1}
        assert sum(bench.door.sessions.counts().values()) == 0


async def test_drop_by_drop_nobody_stays_unbound(autojump_clock: trio.testing.MockClock) -> None:
    """A bind that trickles in is no reason to wait beyond the session_init timer."""
    async with front_door() as bench:
        client = bench.connect()
        began_at = trio.current_time()
        for octet in client.encoded(BindTransceiver("acme", PASSWORD))[0]:
            await trio.sleep(0.9)
            if client.ended.is_set():
                break
            await client.send_raw(bytes((octet,)))
        assert trio.current_time() - began_at <= 5.0 + 2.0 + 0.9


async def test_drop_by_drop_no_pdu_takes_longer_than_its_deadline(autojump_clock: trio.testing.MockClock) -> None:
    """An octet every now and then, in the header or in the body, is no reason to wait for the rest."""
    for octets in (10, 40):
        async with front_door() as bench:
            client = await bench.bound()
            submit = client.encoded(submit_sm())[0]
            began_at = trio.current_time()
            await client.send_raw(submit[: octets - 9])
            for octet in submit[octets - 9 : octets + 9]:
                await trio.sleep(1.4)
                if client.ended.is_set():
                    break
                await client.send_raw(bytes((octet,)))
            assert trio.current_time() - began_at <= 10.0 + 2.0 + 1.4
            assert bench.reasons() == {"pdu_deadline": 1}


async def test_a_slow_reader_harms_itself_only(autojump_clock: trio.testing.MockClock) -> None:
    """Its responses fill its own outbox, it is cut at the write deadline; others are served all along."""
    async with front_door() as bench:
        slow = bench.connect(stream_pair=trio.testing.lockstep_stream_pair)
        await slow.bind()
        other = await bench.bound()

        async def never_read() -> None:
            while True:
                try:
                    await slow.send(*[submit_sm() for _ in range(20)])
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return
                await trio.sleep(1)

        began_at = trio.current_time()
        bench.nursery.start_soon(never_read)
        while not slow.ended.is_set():
            await trio.sleep(1)
            await other.submit_ok()
        assert trio.current_time() - began_at <= 33.0
        assert bench.reasons() == {"slow_reader": 1}


async def test_enquire_link_is_answered_while_the_store_hangs(autojump_clock: trio.testing.MockClock) -> None:
    """A full window and a stalled commit do not look like a dead gateway."""
    async with front_door(accounts={"acme": account("acme", window_max=5)}) as bench:
        client = await bench.bound()
        bench.store.hold()
        await client.send(*[submit_sm() for _ in range(10)])
        assert await client.is_alive()


async def test_a_crash_of_one_session_gives_everything_back(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug met by one peer ends its session as crashed; its receipts go to another, its bind is free."""
    async with front_door() as bench:
        bench.carrier.accept_all()
        client, other = await bench.bound(), await bench.bound(BindTransceiver)
        message_ids = {await client.submit_ok() for _ in range(4)}
        await bench.settle()
        bench.carrier.receipt("alpha-1", "alpha-2", "alpha-3", "alpha-4")
        assert len(await client.waiting(DeliverSm)) == 2
        received = {receipted_id(receipt) for receipt in await other.waiting(DeliverSm)}
        monkeypatch.setattr(bench.door.submission, "message_of", lambda *_: 1 / 0)
        await client.send(submit_sm())
        await client.ended.wait()
        assert isinstance(bench.crashed.pop(), ExceptionGroup)
        received |= {receipted_id(receipt) for receipt in await other.waiting(DeliverSm)}
        assert received == message_ids
        assert bench.door.sessions.counts()["acme", "trx"] == 1
        assert bench.reasons() == {"crashed": 1}


def receipted_id(receipt: DeliverSm) -> str:
    return dict(receipt.tlvs)[int(Tag.RECEIPTED_MESSAGE_ID)].rstrip(b"\0").decode()
