"""What a peer's interface_version changes: TLVs, the length of ids, congestion_state, statuses (A05, A14, B18)."""

import pytest
import trio.testing
from esme_bench import account, front_door

from smsagg.model import Refusal
from smsagg.smpp import status as s
from smsagg.smpp.command import CommandId
from smsagg.smpp.pdu import CancelSm, CancelSmResp, DeliverSm, GenericNack, QuerySm, QuerySmResp, SubmitSmResp
from smsagg.smpp.tlv import Tag

LATER = "000000020000000R"
OLD = [0x00, 0x01, 0x32, 0x33]


@pytest.mark.parametrize("version", OLD)
async def test_an_old_peer_gets_no_tlvs_and_ids_of_8_octets(
    autojump_clock: trio.testing.MockClock, version: int
) -> None:
    """Neither the bind response nor a receipt has TLVs; the receipt's text carries the same short id (A14)."""
    async with front_door() as bench:
        client = bench.connect()
        assert (await client.try_bind(interface_version=version)).tlvs == ()
        message_id = await client.submit_ok()
        assert len(message_id) == 8
        bench.carrier.receipt(*bench.carrier.accept())
        receipt = await client.receive(DeliverSm)
        assert receipt.tlvs == ()
        assert receipt.short_message.startswith(f"id:{message_id} ".encode())


async def test_a_short_id_is_good_for_query_and_cancel(autojump_clock: trio.testing.MockClock) -> None:
    """By any session of the account, of any version; the last letter changed it is unknown."""
    async with front_door() as bench:
        old = await bench.bound(interface_version=0x33)
        message_id = await old.submit_ok(schedule_delivery_time=LATER)
        client = await bench.bound()
        await client.send(QuerySm(message_id))
        assert (await client.receive(QuerySmResp)).command_status == s.ESME_ROK
        await client.send(QuerySm(message_id[:-1] + ("0" if message_id[-1] != "0" else "1")))
        assert (await client.receive(QuerySmResp)).command_status == s.ESME_RINVMSGID
        await old.send(CancelSm("", message_id, source_addr="ACME", destination_addr="447700900123"))
        assert (await old.receive(CancelSmResp)).command_status == s.ESME_ROK


@pytest.mark.parametrize(("version", "told"), [(0x34, 0x34), (0x4F, 0x4F), (0x50, 0x50), (0x99, 0x50), (0xFF, 0x50)])
async def test_the_bind_response_says_what_version_is_spoken(
    autojump_clock: trio.testing.MockClock, version: int, told: int
) -> None:
    """The peer's, at most our own (B18)."""
    async with front_door() as bench:
        response = await bench.connect().try_bind(interface_version=version)
        assert response.tlvs == ((int(Tag.SC_INTERFACE_VERSION), bytes((told,))),)


@pytest.mark.parametrize(("version", "is_told"), [(0x33, False), (0x34, False), (0x50, True), (0x99, True)])
async def test_congestion_state_goes_to_peers_of_smpp_5_only(
    autojump_clock: trio.testing.MockClock, version: int, is_told: bool
) -> None:
    """In the responses to submits and queries (B18)."""
    async with front_door() as bench:
        client = await bench.bound(interface_version=version)
        response = await client.submit()
        assert response.command_status == s.ESME_ROK
        await client.send(QuerySm(response.message_id))
        answer = await client.receive(QuerySmResp)
        expected = ((int(Tag.CONGESTION_STATE), b"\0"),) if is_told else ()
        assert response.tlvs == answer.tlvs == expected


async def test_congestion_state_measures_the_accounts_queue(autojump_clock: trio.testing.MockClock) -> None:
    """How full it is, in per cent; 100 at the limit."""
    async with front_door(accounts={"acme": account("acme", queue_max=4)}) as bench:
        client = await bench.bound(interface_version=0x50)
        states = [(await client.submit(schedule_delivery_time=LATER)).tlvs[0][1][0] for _ in range(4)]
        assert states == [25, 50, 75, 100]
        assert (await client.submit()).command_status == s.ESME_RMSGQFUL


async def test_congestion_state_measures_the_front_doors_load(autojump_clock: trio.testing.MockClock) -> None:
    """It rises as the share of the loop's time that is left to the front door falls."""
    async with front_door() as bench:
        client = await bench.bound(interface_version=0x50)
        seen = []
        for _ in range(6):
            seen.append((await client.submit()).tlvs[0][1][0])
            bench.door.pace.note_refused(1)
            bench.door.pace.adapt(0.02, 20_000)
        assert seen == sorted(seen)
        assert (seen[0], seen[-1]) == (0, 100)


@pytest.mark.parametrize("command", ["BROADCAST_SM", "QUERY_BROADCAST_SM", "CANCEL_BROADCAST_SM"])
async def test_broadcasts_are_refused_as_the_version_demands(
    autojump_clock: trio.testing.MockClock, command: str
) -> None:
    """ESME_RPROHIBITED in its own response to a 5.0 peer, an unknown command_id to others; both live on (A05)."""
    command_id = int(CommandId[command])
    request = b"".join(number.to_bytes(4, "big") for number in (16, command_id, 0, 77))
    async with front_door() as bench:
        older = await bench.bound()
        await older.send_raw(request)
        nack = await older.receive(GenericNack)
        assert (nack.command_status, nack.sequence_number) == (s.ESME_RINVCMDID, 77)
        assert await older.is_alive()
        newer = await bench.bound(interface_version=0x50)
        await newer.send_raw(request)
        octets = await newer.stream.receive_some(100)
        expected = (16, command_id | 0x80000000, s.ESME_RPROHIBITED, 77)
        assert octets == b"".join(number.to_bytes(4, "big") for number in expected)
        assert await newer.is_alive()


@pytest.mark.parametrize(("version", "heard"), [(0x34, s.ESME_RSUBMITFAIL), (0x50, s.ESME_RINVDCS)])
async def test_statuses_of_smpp_5_go_to_peers_of_smpp_5_only(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, version: int, heard: int
) -> None:
    """An older peer hears the nearest status that it knows (B18)."""
    async with front_door() as bench:
        client = await bench.bound(interface_version=version)
        monkeypatch.setattr(bench.door.submission, "message_of", lambda *_: Refusal(s.ESME_RINVDCS))
        await client.submit()
        await client.submit()
        response = await client.submit()
        assert isinstance(response, SubmitSmResp)
        assert response.command_status == heard


async def test_an_old_peer_gets_the_beginning_of_a_long_text(autojump_clock: trio.testing.MockClock) -> None:
    """Where others get all of it as message_payload."""
    async with front_door(accounts={"acme": account("acme", mo_numbers=("12345",))}) as bench:
        client = await bench.bound(interface_version=0x33)
        bench.carrier.mo(destination_addr="12345", body=b"x" * 300)
        text = await client.receive(DeliverSm)
        assert (text.short_message, text.tlvs) == (b"x" * 254, ())
