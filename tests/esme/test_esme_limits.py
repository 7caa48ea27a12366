"""Limits of accounts and of the store: what is refused says why, is not stored, and costs nobody else anything."""

from collections import Counter

import pytest
import trio
import trio.testing
from esme_bench import Bench, Client, account, front_door, submit_sm

from smsagg.config.schema import Rate, SessionSettings
from smsagg.errors import StoreFailed, StoreFull
from smsagg.smpp import status as s
from smsagg.smpp.pdu import EnquireLink, EnquireLinkResp, SubmitSmResp
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings, pool_settings


async def submit_many(client: Client, count: int) -> Counter[int]:
    """How often each status was the answer to submits in one segment."""
    await client.send(*[submit_sm() for _ in range(count)])
    return Counter(response.command_status for response in await client.receive_many(SubmitSmResp, count))


def nothing_waits(bench: Bench) -> bool:
    return bench.gateway.engine.accounts["acme"].queued == 0


async def test_submits_beyond_the_window_are_throttled(autojump_clock: trio.testing.MockClock) -> None:
    """Who has as many submits unanswered as the window allows hears ESME_RTHROTTLED at once; the others are taken."""
    accounts = {"acme": account("acme", window_max=5), "other": account("other", window_max=50)}
    async with front_door(accounts=accounts) as bench:
        client, other = await bench.bound(), await bench.bound(system_id="other")
        bench.store.hold()
        pdus = [submit_sm() for _ in range(8)]
        await client.send(*pdus)
        refused = await client.waiting(SubmitSmResp)
        assert [response.sequence_number for response in refused] == [pdu.sequence_number for pdu in pdus[5:]]
        assert {response.command_status for response in refused} == {s.ESME_RTHROTTLED}
        await client.send(submit_sm())
        assert [response.command_status for response in await client.waiting(SubmitSmResp)] == [s.ESME_RTHROTTLED]
        await other.send(*[submit_sm() for _ in range(50)])
        bench.store.release()
        assert {r.command_status for r in await client.receive_many(SubmitSmResp, 5)} == {s.ESME_ROK}
        assert {r.command_status for r in await other.receive_many(SubmitSmResp, 50)} == {s.ESME_ROK}
        assert len(bench.stored) == 55
        assert await submit_many(client, 5) == {s.ESME_ROK: 5}


async def test_each_session_has_a_window_of_its_own(autojump_clock: trio.testing.MockClock) -> None:
    """Two binds of an account may have twice the window unanswered."""
    async with front_door(accounts={"acme": account("acme", window_max=5)}) as bench:
        clients = [await bench.bound(), await bench.bound()]
        bench.store.hold()
        for client in clients:
            await client.send(*[submit_sm() for _ in range(5)])
            assert await client.waiting(SubmitSmResp) == []


async def test_a_rate_lets_a_burst_through_and_then_its_rate(autojump_clock: trio.testing.MockClock) -> None:
    """Burst and rate count over all binds of the account; the excess hears ESME_RTHROTTLED and is not stored."""
    accounts = {"acme": account("acme", rate=Rate(10.0), burst=5), "other": account("other")}
    async with front_door(accounts=accounts) as bench:
        first, second = await bench.bound(), await bench.bound()
        assert await submit_many(first, 3) == {s.ESME_ROK: 3}
        assert await submit_many(second, 4) == {s.ESME_ROK: 2, s.ESME_RTHROTTLED: 2}
        assert await submit_many(first, 1) == {s.ESME_RTHROTTLED: 1}
        await trio.sleep(0.3)
        assert await submit_many(first, 9) == {s.ESME_ROK: 3, s.ESME_RTHROTTLED: 6}
        await trio.sleep(20)
        assert await submit_many(second, 20) == {s.ESME_ROK: 5, s.ESME_RTHROTTLED: 15}
        assert len(bench.stored) == 13
        assert await submit_many(await bench.bound(system_id="other"), 100) == {s.ESME_ROK: 100}


async def test_a_burst_is_a_seconds_worth_by_default(autojump_clock: trio.testing.MockClock) -> None:
    """Clients that send their second's traffic in one go are not punished for it."""
    async with front_door(accounts={"acme": account("acme", rate=Rate(20.0))}) as bench:
        client = await bench.bound()
        assert await submit_many(client, 30) == {s.ESME_ROK: 20, s.ESME_RTHROTTLED: 10}


async def test_a_full_queue_of_the_account_refuses(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RMSGQFUL until a carrier takes some; other accounts go on."""
    async with front_door(
        accounts={"acme": account("acme", queue_max=3), "other": account("other")},
        carriers={"alpha": carrier_settings(FakeSettings(bound=False))},
    ) as bench:
        client = await bench.bound()
        assert await submit_many(client, 5) == {s.ESME_ROK: 3, s.ESME_RMSGQFUL: 2}
        assert await submit_many(await bench.bound(system_id="other"), 5) == {s.ESME_ROK: 5}
        assert len(bench.stored) == 8
        bench.carrier.accept_all()
        bench.carrier.bind()
        await bench.settle()
        assert nothing_waits(bench)
        assert await submit_many(client, 3) == {s.ESME_ROK: 3}


async def test_a_full_pool_refuses_or_spills_as_configured(autojump_clock: trio.testing.MockClock) -> None:
    """``refuse``: ESME_RMSGQFUL. ``spill``: the store takes it."""
    for when_full, answered in (("refuse", {s.ESME_ROK: 2, s.ESME_RMSGQFUL: 3}), ("spill", {s.ESME_ROK: 5})):
        pool = pool_settings("alpha", countries=("GB",), queue_max=2, when_full=when_full)
        unbound = {"alpha": carrier_settings(FakeSettings(bound=False))}
        async with front_door(pools={"gb": pool}, carriers=unbound) as bench:
            assert await submit_many(await bench.bound(), 5) == answered


@pytest.mark.parametrize(
    ("error", "command_status"), [(StoreFull("disk"), s.ESME_RMSGQFUL), (StoreFailed("io"), s.ESME_RSYSERR)]
)
async def test_what_the_store_refuses_is_refused(
    autojump_clock: trio.testing.MockClock, error: Exception, command_status: int
) -> None:
    """Never ESME_ROK without a commit; the session lives, nothing is kept, and the next submit is taken again."""
    async with front_door() as bench:
        client = await bench.bound()
        bench.store.fail_next(error)  # type: ignore[arg-type]
        assert await submit_many(client, 4) == {command_status: 4}
        assert bench.stored == []
        assert nothing_waits(bench)
        assert await submit_many(client, 4) == {s.ESME_ROK: 4}


async def test_a_commit_that_comes_too_late_is_unwound(autojump_clock: trio.testing.MockClock) -> None:
    """A client that has given up waiting sends again, so a late ESME_ROK would be a second message."""
    async with front_door() as bench:
        bench.carrier.accept_all()
        client = await bench.bound()
        bench.store.hold()
        await client.send(submit_sm())
        await trio.sleep(8.5)
        bench.store.release()
        response = await client.receive(SubmitSmResp)
        assert (response.command_status, response.message_id) == (s.ESME_RSYSERR, "")
        await bench.settle()
        assert bench.carrier.sent == []
        assert nothing_waits(bench)


async def test_the_carrier_has_nothing_before_the_commit(autojump_clock: trio.testing.MockClock) -> None:
    """First the commit, then ESME_ROK, then the carrier."""
    async with front_door() as bench:
        client = await bench.bound()
        bench.store.hold()
        await client.send(submit_sm())
        await trio.sleep(5)
        assert await client.waiting(SubmitSmResp) == []
        assert bench.carrier.sent == []
        bench.store.release()
        await client.receive(SubmitSmResp)
        await bench.settle()
        assert len(bench.carrier.sent) == 1


async def test_refusals_are_counted_by_reason(autojump_clock: trio.testing.MockClock) -> None:
    """The operator sees what was refused to whom, and why."""
    accounts = {"acme": account("acme", rate=Rate(1.0), burst=1)}
    async with front_door(accounts=accounts) as bench:
        client = await bench.bound()
        await submit_many(client, 3)
        await trio.sleep(2)
        await client.submit(destination_addr="nobody")
        bench.door.metrics.refresh()
        refused = {
            sample.labels["reason"]: sample.value
            for family in bench.door.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "smsagg_messages_refused_total"
        }
        assert refused == {"ESME_RTHROTTLED": 2, "ESME_RINVDSTADR": 1}


async def test_a_flood_of_requests_that_are_not_read_stays_bounded(autojump_clock: trio.testing.MockClock) -> None:
    """A peer that never reads is not read either once its outbox is full: what it can make us hold has a bound."""
    settings = SessionSettings(outbox_octets_max=4_096)  # type: ignore[arg-type]
    async with front_door(settings) as bench:
        client = bench.connect(stream_pair=trio.testing.lockstep_stream_pair)
        await client.bind()
        sent = 0

        async def flood() -> None:
            nonlocal sent
            for _ in range(1_000):
                await client.send(*[EnquireLink() for _ in range(100)])
                sent += 100

        bench.nursery.start_soon(flood)
        await trio.testing.wait_all_tasks_blocked()
        assert sent <= 2 * 4_096 // 16 + 200
        await client.receive_many(EnquireLinkResp, 10_000)
