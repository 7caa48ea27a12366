"""query_sm and cancel_sm: one's own messages, and nothing to be learnt about anybody else's."""

import pytest
import trio.testing
from esme_bench import Bench, Client, front_door

from smsagg.errors import StoreFailed
from smsagg.model import MessageState
from smsagg.smpp import status as s
from smsagg.smpp.codec import encode
from smsagg.smpp.pdu import CancelSm, CancelSmResp, DeliverSm, QuerySm, QuerySmResp

LATER = "000000020000000R"
"""In two hours."""
ENROUTE, DELIVERED, DELETED = 1, 2, 4


async def query(client: Client, message_id: str, **fields: str) -> QuerySmResp:
    await client.send(QuerySm(message_id, **({"source_addr": "ACME"} | fields)))  # type: ignore[arg-type]
    return await client.receive(QuerySmResp)


async def cancel(client: Client, message_id: str, **fields: str) -> CancelSmResp:
    addresses = {"source_addr": "ACME", "destination_addr": "447700900123"}
    await client.send(CancelSm("", message_id, **(addresses | fields)))  # type: ignore[arg-type]
    return await client.receive(CancelSmResp)


async def test_query_follows_a_message(autojump_clock: trio.testing.MockClock) -> None:
    """ENROUTE while it is on its way, then its final state with the date; also when it is long over."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(registered_delivery=0)
        response = await query(client, message_id)
        assert (response.command_status, response.message_id) == (s.ESME_ROK, message_id)
        assert (response.message_state, response.final_date) == (ENROUTE, "")
        bench.carrier.accept()
        assert (await query(client, message_id)).message_state == ENROUTE
        bench.carrier.receipt("alpha-1", error_code=0)
        await bench.settle()
        response = await query(client, message_id)
        assert (response.message_state, response.final_date) == (DELIVERED, "270115080000000+")


async def test_query_tells_why_a_message_failed(autojump_clock: trio.testing.MockClock) -> None:
    """error_code is the carrier's, as far as it fits an octet."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(registered_delivery=0)
        bench.carrier.accept()
        bench.carrier.receipt("alpha-1", state=MessageState.UNDELIVERABLE, error_code=32)
        await bench.settle()
        response = await query(client, message_id)
        assert (response.message_state, response.error_code) == (5, 32)


async def test_any_bind_of_the_account_may_ask(autojump_clock: trio.testing.MockClock) -> None:
    """A message belongs to the account, not to the session that submitted it."""
    async with front_door() as bench:
        message_id = await (await bench.bound()).submit_ok()
        assert (await query(await bench.bound(), message_id)).command_status == s.ESME_ROK


async def strange_ids(bench: Bench) -> dict[str, str]:
    foreign = await (await bench.bound(system_id="other")).submit_ok(schedule_delivery_time=LATER)
    wrong_suffix = foreign[:-1] + ("0" if foreign[-1] != "0" else "1")
    return {
        "another account's": foreign,
        "a guess beside it": wrong_suffix,
        "never given out": "7fffffff00000000",
        "no id of ours": "not-an-id",
        "empty": "",
        "64 octets": "9" * 64,
    }


async def test_queries_about_the_unknown_and_the_foreign_answer_alike(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RINVMSGID, octet for octet the same whether the message exists or not."""
    async with front_door() as bench:
        client = await bench.bound()
        answers = set()
        for message_id in (await strange_ids(bench)).values():
            response = await query(client, message_id)
            response.sequence_number = 0
            answers.add(encode(response))
        own = await client.submit_ok(source_addr="ACME")
        response = await query(client, own, source_addr="OTHER")
        response.sequence_number = 0
        answers.add(encode(response))
        assert len(answers) == 1
        assert response.command_status == s.ESME_RINVMSGID


async def test_a_scheduled_message_can_be_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    """It is never sent, its receipt says DELETED, and it cannot be cancelled twice."""
    async with front_door() as bench:
        bench.carrier.accept_all()
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        assert (await cancel(client, message_id)).command_status == s.ESME_ROK
        receipt = await client.receive(DeliverSm)
        assert f"id:{message_id}".encode() in receipt.short_message
        assert b"stat:DELETED" in receipt.short_message
        await client.acknowledge(receipt)
        assert (await query(client, message_id)).message_state == DELETED
        assert (await cancel(client, message_id)).command_status == s.ESME_RCANCELFAIL
        await bench.settle()
        assert bench.carrier.sent == []


async def test_the_empty_addresses_match_any(autojump_clock: trio.testing.MockClock) -> None:
    """Clients that name the message by its id alone are served."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        assert (await query(client, message_id, source_addr="")).command_status == s.ESME_ROK
        response = await cancel(client, message_id, source_addr="", destination_addr="")
        assert response.command_status == s.ESME_ROK


async def test_what_a_carrier_has_cannot_be_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    """Neither while its answer is awaited nor afterwards."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok()
        await bench.settle()
        assert (await cancel(client, message_id)).command_status == s.ESME_RCANCELFAIL
        bench.carrier.accept()
        assert (await cancel(client, message_id)).command_status == s.ESME_RCANCELFAIL


async def test_cancels_of_the_unknown_and_the_foreign_answer_alike(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RCANCELFAIL for all of them, and the other account's message goes out."""
    async with front_door() as bench:
        client = await bench.bound()
        ids = await strange_ids(bench)
        own = await client.submit_ok(schedule_delivery_time=LATER)
        answers = [await cancel(client, message_id) for message_id in ids.values() if message_id]
        answers.append(await cancel(client, own, source_addr="OTHER"))
        answers.append(await cancel(client, own, destination_addr="447700900124"))
        assert {answer.command_status for answer in answers} == {s.ESME_RCANCELFAIL}
        assert {message.state for message in bench.stored} == {MessageState.QUEUED}


async def test_a_cancel_is_confirmed_after_its_commit(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_ROK means that no crash brings the message back."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        bench.store.hold()
        await client.send(CancelSm("", message_id, 5, 0, "ACME", 1, 1, "447700900123"))
        assert await client.waiting(CancelSmResp) == []
        bench.store.release()
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK
        assert bench.store.tables.messages == {}


@pytest.mark.parametrize("what", ["query", "cancel"])
async def test_a_failing_store_is_a_system_error(autojump_clock: trio.testing.MockClock, what: str) -> None:
    """ESME_RSYSERR, and the session lives to ask again."""
    async with front_door() as bench:
        client = await bench.bound()
        bench.store.fail_next(StoreFailed("io"))
        response = await (query if what == "query" else cancel)(client, "0000000100000001")
        assert response.command_status == s.ESME_RSYSERR
        assert await client.is_alive()
