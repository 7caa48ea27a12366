"""submit_multi: each destination a message of its own under one id, taken at once or named with its reason (A27)."""

from typing import Any

import pytest
import trio.testing
from esme_bench import Client, account, front_door

from smsagg.errors import StoreFailed
from smsagg.model import MessageState
from smsagg.smpp import status as s
from smsagg.smpp.pdu import (
    DeliverSm,
    DistributionList,
    QuerySm,
    QuerySmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    UnsuccessSme,
)


def numbers(count: int, first: int = 447700900000) -> tuple[SmeAddress, ...]:
    return tuple(SmeAddress(1, 1, str(first + place)) for place in range(count))


async def submit_multi(client: Client, *destinations: SmeAddress | DistributionList, **fields: Any) -> SubmitMultiResp:
    values: dict[str, Any] = {"source_addr": "ACME", "registered_delivery": 1, "short_message": b"hello"}
    await client.send(SubmitMulti(dest_addresses=destinations, **(values | fields)))
    return await client.receive(SubmitMultiResp)


async def test_every_destination_is_a_message_with_the_one_id(autojump_clock: trio.testing.MockClock) -> None:
    """Each is stored, sent and receipted; the receipts carry the response's id and name their destination."""
    async with front_door() as bench:
        client = await bench.bound()
        response = await submit_multi(client, *numbers(3), source_addr_ton=5)
        assert (response.command_status, response.unsuccess_smes) == (s.ESME_ROK, ())
        assert [message.message_id for message in bench.stored] == [response.message_id] * 3
        assert [message.seq for message in bench.stored] == [1, 2, 3]
        await bench.settle()
        bench.carrier.receipt(*bench.carrier.accept())
        receipts = await client.receive_many(DeliverSm, 3)
        assert {receipt.source_addr for receipt in receipts} == {"447700900000", "447700900001", "447700900002"}
        assert all(f"id:{response.message_id} ".encode() in receipt.short_message for receipt in receipts)


async def test_a_full_list_of_254_is_taken_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """One commit, one response."""
    async with front_door() as bench:
        client = await bench.bound()
        await bench.settle()
        commits = bench.store.statistics.commits
        response = await submit_multi(client, *numbers(254))
        assert (response.command_status, response.unsuccess_smes) == (s.ESME_ROK, ())
        assert len(bench.stored) == 254
        assert bench.store.statistics.commits == commits + 1


async def test_255_destinations_are_too_many(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RINVNUMDESTS, and nothing is stored."""
    async with front_door() as bench:
        response = await submit_multi(await bench.bound(), *numbers(255))
        assert response.command_status == s.ESME_RINVNUMDESTS
        assert bench.stored == []


async def test_destinations_that_are_not_taken_are_named_with_their_reason(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A bad number and a distribution list stand in unsuccess_sme; the others go."""
    async with front_door() as bench:
        client = await bench.bound()
        good = numbers(2)
        response = await submit_multi(client, good[0], SmeAddress(1, 1, "12"), DistributionList("friends"), good[1])
        assert response.command_status == s.ESME_ROK
        assert response.unsuccess_smes == (
            UnsuccessSme(1, 1, "12", s.ESME_RINVDSTADR),
            UnsuccessSme(0, 0, "friends", s.ESME_RINVDLNAME),
        )
        assert [message.destination_addr for message in bench.stored] == ["447700900000", "447700900001"]


async def test_when_none_is_taken_the_response_says_why(autojump_clock: trio.testing.MockClock) -> None:
    """The reason that all share; else ESME_RSUBMITFAIL and the list."""
    async with front_door() as bench:
        client = await bench.bound()
        assert (await submit_multi(client, *numbers(3), esm_class=0x3C)).command_status == s.ESME_RINVESMCLASS
        response = await submit_multi(client, SmeAddress(1, 1, "12"), DistributionList("friends"))
        assert (response.command_status, response.message_id) == (s.ESME_RSUBMITFAIL, "")
        assert len(response.unsuccess_smes) == 2
        assert bench.stored == []


@pytest.mark.parametrize(
    ("limits", "taken", "command_status"),
    [
        ({"rate": 4.0, "burst": 4}, 4, s.ESME_RTHROTTLED),
        ({"queue_max": 3}, 3, s.ESME_RMSGQFUL),
        ({"window_max": 5}, 5, s.ESME_RTHROTTLED),
    ],
)
async def test_each_destination_counts_against_the_limits(
    autojump_clock: trio.testing.MockClock, limits: dict[str, Any], taken: int, command_status: int
) -> None:
    """What exceeds rate, queue or window is listed with that reason, neither stored nor charged."""
    async with front_door(accounts={"acme": account("acme", **limits)}) as bench:
        response = await submit_multi(await bench.bound(), *numbers(8))
        assert response.command_status == s.ESME_ROK
        assert [sme.error_status_code for sme in response.unsuccess_smes] == [command_status] * (8 - taken)
        assert len(bench.stored) == taken


async def test_copies_being_committed_fill_the_window(autojump_clock: trio.testing.MockClock) -> None:
    """Until their commit they count like as many submits."""
    async with front_door(accounts={"acme": account("acme", window_max=5)}) as bench:
        client = await bench.bound()
        bench.store.hold()
        await client.send(SubmitMulti(dest_addresses=numbers(4), short_message=b"x"))
        assert await client.waiting(SubmitMultiResp) == []
        await client.send(SubmitMulti(dest_addresses=numbers(4), short_message=b"y"))
        assert await client.waiting(SubmitMultiResp) == []
        bench.store.release()
        first, second = await client.receive_many(SubmitMultiResp, 2)
        assert (len(first.unsuccess_smes), len(second.unsuccess_smes)) == (0, 3)


async def test_all_copies_are_committed_or_none(autojump_clock: trio.testing.MockClock) -> None:
    """A commit that fails leaves no trace of any, and gives back their places."""
    async with front_door() as bench:
        client = await bench.bound()
        await bench.settle()
        bench.store.fail_next(StoreFailed("disk"))
        assert (await submit_multi(client, *numbers(3))).command_status == s.ESME_RSYSERR
        assert bench.stored == []
        bench.gateway.assert_nothing_is_held()


async def query(client: Client, message_id: str) -> QuerySmResp:
    await client.send(QuerySm(message_id))
    return await client.receive(QuerySmResp)


async def test_a_query_tells_of_all_copies(autojump_clock: trio.testing.MockClock) -> None:
    """ENROUTE while one is, then the worst of their ends."""
    async with front_door() as bench:
        client = await bench.bound()
        response = await submit_multi(client, *numbers(2), registered_delivery=0)
        await bench.settle()
        first, second = bench.carrier.accept()
        bench.carrier.receipt(first, state=MessageState.UNDELIVERABLE, error_code=7)
        await bench.settle()
        assert (await query(client, response.message_id)).message_state == MessageState.ENROUTE
        bench.carrier.receipt(second)
        await bench.settle()
        told = await query(client, response.message_id)
        assert (told.message_state, told.error_code) == (MessageState.UNDELIVERABLE, 7)
        assert told.final_date
