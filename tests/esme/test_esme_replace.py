"""replace_sm, and submits with replace_if_present_flag: exactly one text goes out (E12), one's own only (J07)."""

from typing import Any

import pytest
import trio.testing
from esme_bench import Client, front_door, submit_sm

from smsagg.errors import StoreFailed
from smsagg.model import MessageState
from smsagg.smpp import status as s
from smsagg.smpp.pdu import DeliverSm, QuerySm, QuerySmResp, ReplaceSm, ReplaceSmResp, SubmitSmResp, Unbind
from smsagg.smpp.tlv import Tag
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings

LATER = "000000020000000R"
NEXT_YEAR = "000020000000000R"
HOUR_MS = 3_600_000
DELETED, QUEUED = MessageState.DELETED, MessageState.QUEUED


async def replace(client: Client, message_id: str, **fields: Any) -> int:
    values: dict[str, Any] = {"source_addr": "ACME", "registered_delivery": 1, "short_message": b"new"}
    await client.send(ReplaceSm(message_id, **(values | fields)))
    return (await client.receive(ReplaceSmResp)).command_status


@pytest.mark.parametrize("schedule", [LATER, NEXT_YEAR])
async def test_the_new_text_goes_out_and_the_old_one_does_not(
    autojump_clock: trio.testing.MockClock, schedule: str
) -> None:
    """From memory or from the store alone; the id, and what was not named, stay."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=schedule, data_coding=4)
        (before,) = bench.stored
        not_before, expires_at = before.not_before, before.expires_at
        assert await replace(client, message_id, registered_delivery=0) == s.ESME_ROK
        (message,) = bench.stored
        assert (message.message_id, message.body, message.registered_delivery) == (message_id, b"new", 0)
        assert (message.data_coding, message.not_before, message.expires_at) == (4, not_before, expires_at)
        assert await replace(client, message_id, schedule_delivery_time="000000000100000R") == s.ESME_ROK
        await bench.gateway.until(lambda: bool(bench.carrier.sent))
        assert [sent.body for sent in bench.carrier.sent] == [b"new"]


async def test_a_replacement_is_confirmed_after_its_commit(autojump_clock: trio.testing.MockClock) -> None:
    """And the message, though its time has come, is not sent before it."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time="000000000100000R")
        bench.store.hold()
        await client.send(ReplaceSm(message_id, source_addr="ACME", short_message=b"new"))
        assert await client.waiting(ReplaceSmResp) == []
        await trio.sleep(5)
        assert bench.carrier.sent == []
        bench.store.release()
        assert (await client.receive(ReplaceSmResp)).command_status == s.ESME_ROK


async def test_times_are_replaced_when_they_are_named(autojump_clock: trio.testing.MockClock) -> None:
    """A new schedule and a new end, relative to the replacement."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        times = {"schedule_delivery_time": "000000030000000R", "validity_period": "000000040000000R"}
        assert await replace(client, message_id, **times) == s.ESME_ROK
        (message,) = bench.stored
        begin = message.accepted_at
        assert (message.not_before, message.next_attempt_at) == (begin + 3 * HOUR_MS, begin + 3 * HOUR_MS)
        assert message.expires_at == begin + 4 * HOUR_MS


async def test_a_payload_replaces_the_text_too(autojump_clock: trio.testing.MockClock) -> None:
    """message_payload supersedes short_message."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        tlvs = ((int(Tag.MESSAGE_PAYLOAD), b"payload"),)
        assert await replace(client, message_id, tlvs=tlvs) == s.ESME_ROK
        (message,) = bench.stored
        assert (message.body, message.in_payload) == (b"payload", True)


@pytest.mark.parametrize(
    ("fields", "command_status"),
    [
        ({"source_addr": "OTHER"}, s.ESME_RREPLACEFAIL),
        ({"schedule_delivery_time": "261301000000000+"}, s.ESME_RINVSCHED),
        ({"schedule_delivery_time": "200101000000000+"}, s.ESME_RINVSCHED),
        ({"validity_period": "200101000000000+"}, s.ESME_RINVEXPIRY),
        ({"validity_period": "000000010000000R"}, s.ESME_RINVEXPIRY),
        ({"registered_delivery": 0xE0}, s.ESME_RINVREGDLVFLG),
        ({"sm_default_msg_id": 1}, s.ESME_RINVDFTMSGID),
    ],
)
async def test_a_replacement_is_refused_by_the_rules_of_a_submit(
    autojump_clock: trio.testing.MockClock, fields: dict[str, Any], command_status: int
) -> None:
    """Nothing changes then."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        assert await replace(client, message_id, **fields) == command_status
        assert [message.body for message in bench.stored] == [b"hello"]


async def test_a_text_that_would_have_to_be_cut_replaces_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RINVMSGLEN where a carrier takes parts only; a message in parts is not replaced either."""
    parts = {"alpha": carrier_settings(FakeSettings(long_messages="udh"))}
    async with front_door(carriers=parts) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        tlvs = ((int(Tag.MESSAGE_PAYLOAD), b"x" * 400),)
        assert await replace(client, message_id, tlvs=tlvs) == s.ESME_RINVMSGLEN
        assert [message.body for message in bench.stored] == [b"hello"]
        long_id = await client.submit_ok(schedule_delivery_time=LATER, short_message=b"", tlvs=tlvs)
        assert await replace(client, long_id) == s.ESME_RREPLACEFAIL


async def test_strange_ids_are_not_replaced(autojump_clock: trio.testing.MockClock) -> None:
    """Another account's, an unknown one, one that a carrier has, one that is over: all answer alike."""
    async with front_door() as bench:
        client, other = await bench.bound(), await bench.bound(system_id="other")
        foreign = await other.submit_ok(schedule_delivery_time=LATER)
        sent = await client.submit_ok()
        await bench.settle()
        for message_id in (foreign, sent, "7fffffff00000000", "no id", ""):
            assert await replace(client, message_id) == s.ESME_RREPLACEFAIL
        bench.carrier.receipt(*bench.carrier.accept())
        await bench.settle()
        assert await replace(client, sent) == s.ESME_RREPLACEFAIL
        assert {message.body for message in bench.stored} == {b"hello"}


async def test_two_replacements_at_once_leave_one_text(autojump_clock: trio.testing.MockClock) -> None:
    """Both are confirmed, one after the other; one message waits."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time="000000000100000R")
        pdus = [ReplaceSm(message_id, source_addr="ACME", short_message=text) for text in (b"one", b"two")]
        await client.send(*pdus)
        assert [r.command_status for r in await client.receive_many(ReplaceSmResp, 2)] == [s.ESME_ROK] * 2
        await bench.gateway.until(lambda: bool(bench.carrier.sent))
        await bench.settle()
        (sent,) = bench.carrier.sent
        assert sent.body in (b"one", b"two")


async def submit_replacing(client: Client, **fields: Any) -> SubmitSmResp:
    return await client.submit(replace_if_present_flag=1, short_message=b"new", **fields)


@pytest.mark.parametrize("schedule", [LATER, NEXT_YEAR])
async def test_a_replacing_submit_ends_what_waits(autojump_clock: trio.testing.MockClock, schedule: str) -> None:
    """The old ones are DELETED with their receipts, the new one has an id of its own and goes out alone."""
    async with front_door() as bench:
        client = await bench.bound()
        old = [await client.submit_ok(schedule_delivery_time=schedule) for _ in range(2)]
        response = await submit_replacing(client)
        assert response.command_status == s.ESME_ROK
        assert response.message_id not in old
        await bench.settle()
        assert [message.state for message in bench.stored] == [DELETED, DELETED, MessageState.QUEUED]
        receipts = await client.receive_many(DeliverSm, 2)
        assert all(b"stat:DELETED" in receipt.short_message for receipt in receipts)
        assert [sent.body for sent in bench.carrier.sent] == [b"new"]
        await client.send(QuerySm(old[0]))
        assert (await client.receive(QuerySmResp)).message_state == DELETED


async def test_a_replacing_submit_with_nothing_to_replace_is_a_submit(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Other addresses, another service_type, another account's: none of them matches (J07)."""
    async with front_door() as bench:
        other = await bench.bound(system_id="other")
        await other.submit_ok(schedule_delivery_time=LATER)
        client = await bench.bound()
        for fields in ({"destination_addr": "447700900223"}, {"source_addr": "X"}, {"service_type": "CMT"}):
            await client.submit_ok(schedule_delivery_time=LATER, **fields)
        assert (await submit_replacing(client)).command_status == s.ESME_ROK
        await bench.settle()
        assert [message.state for message in bench.stored].count(QUEUED) == 5


async def test_a_replacing_submit_needs_the_store(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RSYSERR when it cannot be asked; the old message goes out in its time."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok(schedule_delivery_time="000000000100000R")
        bench.store.fail_next(StoreFailed("disk"))
        assert (await submit_replacing(client)).command_status == s.ESME_RSYSERR
        await bench.gateway.until(lambda: bool(bench.carrier.sent))
        assert [sent.body for sent in bench.carrier.sent] == [b"hello"]


async def test_a_replacing_submit_is_confirmed_after_its_commit(autojump_clock: trio.testing.MockClock) -> None:
    """One transaction holds the new message and the end of the old one."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok(schedule_delivery_time=LATER)
        bench.store.hold()
        await client.send(submit_sm(replace_if_present_flag=1, short_message=b"new"))
        assert await client.waiting(SubmitSmResp) == []
        bench.store.release()
        assert (await client.receive(SubmitSmResp)).command_status == s.ESME_ROK
        assert [message.state for message in bench.stored] == [DELETED, QUEUED]


@pytest.mark.parametrize("flag", [2, 255])
async def test_other_flags_are_reserved(autojump_clock: trio.testing.MockClock, flag: int) -> None:
    """ESME_RINVREPFLAG."""
    async with front_door() as bench:
        client = await bench.bound()
        assert (await client.submit(replace_if_present_flag=flag)).command_status == s.ESME_RINVREPFLAG


async def test_a_stop_waits_for_replacements(autojump_clock: trio.testing.MockClock) -> None:
    """Their answers come before the unbind; one whose session is gone holds up nothing."""
    async with front_door() as bench:
        client, gone = await bench.bound(), await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        bench.store.hold()
        await client.send(ReplaceSm(message_id, source_addr="ACME", short_message=b"new"))
        await gone.send(submit_sm(replace_if_present_flag=1, short_message=b"newer"))
        await trio.testing.wait_all_tasks_blocked()
        await gone.close()
        await gone.ended.wait()
        assert client.session is not None
        assert gone.session is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.session.stop)
            nursery.start_soon(gone.session.stop)
            assert await client.waiting(Unbind) == []
            bench.store.release()
            assert (await client.receive(ReplaceSmResp)).command_status == s.ESME_ROK
            await client.receive(Unbind)


async def test_messages_of_a_pool_that_is_gone_are_not_replaced(autojump_clock: trio.testing.MockClock) -> None:
    """They are about to move; the session lives."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=NEXT_YEAR)
        bench.store.tables.messages[1].pool = "gone"
        assert await replace(client, message_id) == s.ESME_RREPLACEFAIL
        assert await client.is_alive()
