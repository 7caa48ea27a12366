"""Accepting: nobody is told yes before the commit, nothing is sent before it, and a refusal leaves no trace."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from smsagg.errors import StoreFailed, StoreFull
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_RMSGQFUL, ESME_ROK, ESME_RSYSERR
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import account_settings, carrier_settings, make_config, pool_settings, run_gateway, seqs


async def test_nothing_is_told_or_sent_before_the_commit() -> None:
    """While the commit is under way neither the ESME nor a carrier hears anything."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        store.hold()
        submitted = gateway.submit(3)
        await wait_all_tasks_blocked()
        assert submitted.status is None
        assert gateway.sent == []
        store.release()
        await submitted.answered.wait()
        assert submitted.status == ESME_ROK
        await gateway.settle()
        assert gateway.sent == seqs(submitted.messages)


async def test_the_answer_comes_before_the_carrier() -> None:
    """When a carrier is handed a message its ESME has been told already."""
    async with run_gateway() as gateway:
        told: list[int | None] = []
        submitted = gateway.submit(1)
        gateway.carrier.observe_sent = lambda _: told.append(submitted.status)
        await gateway.settle()
        assert told == [ESME_ROK]


@pytest.mark.parametrize(("error", "status"), [(StoreFull("full"), ESME_RMSGQFUL), (StoreFailed("bad"), ESME_RSYSERR)])
async def test_a_refused_commit_leaves_no_trace(error: StoreFull, status: int) -> None:
    """A batch that the store refuses is answered with the reason, and holds no place afterwards."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        store.fail_next(error)
        submitted = gateway.submit(2)
        scheduled = gateway.submit(1, delay_s=60)
        await submitted.answered.wait()
        await scheduled.answered.wait()
        assert (submitted.status, scheduled.status) == (status, status)
        await gateway.settle()
        await trio.sleep(120)
        assert gateway.sent == []
        assert not store.tables.messages
        assert not store.tables.history
        gateway.assert_nothing_is_held()
        message = await gateway.accept_one()
        assert message.seq > submitted.messages[-1].seq


async def test_a_refused_commit_of_parked_messages_leaves_no_trace() -> None:
    """Also those that would have waited in the store give their places back."""
    store = MemoryStore()
    pools = {"gb": pool_settings("alpha", queue_max=2)}
    carriers = {"alpha": carrier_settings(FakeSettings(bound=False))}
    async with run_gateway(make_config(pools=pools, carriers=carriers), store) as gateway:
        await gateway.accept(2)
        store.fail_next(StoreFull("full"))
        parked = gateway.submit(3)
        await parked.answered.wait()
        assert all(message.parked for message in parked.messages)
        assert gateway.engine.accounts["acme"].queued == 2
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await gateway.settle()
        assert len(gateway.sent) == 2


async def test_a_commit_slower_than_the_deadline_is_unwound() -> None:
    """Its client has given up and will send it again: it hears an error, and the message is never sent nor told of."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        sink = gateway.attach()
        store.hold()
        submitted = gateway.submit(2)
        scheduled = gateway.submit(1, delay_s=30)
        await trio.sleep(gateway.config.server.accept_deadline + 0.1)
        store.release()
        await submitted.answered.wait()
        assert (submitted.status, scheduled.status) == (ESME_RSYSERR, ESME_RSYSERR)
        await trio.sleep(120)
        assert gateway.sent == []
        assert sink.received == []
        assert not store.tables.messages
        assert {message.state for message in store.tables.history.values()} == {MessageState.DELETED}
        gateway.assert_nothing_is_held()


async def test_an_unwound_message_that_was_parked_is_not_claimed() -> None:
    """A message that would have waited in the store is unwound there, even while the loader claims."""
    store = MemoryStore()
    pools = {"gb": pool_settings("alpha", queue_max=4)}
    carriers = {"alpha": carrier_settings(FakeSettings(bound=False))}
    async with run_gateway(make_config(pools=pools, carriers=carriers), store) as gateway:
        kept = await gateway.accept(5)
        store.hold()
        late = gateway.submit(3)
        await trio.sleep(gateway.config.server.accept_deadline + 0.1)
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await trio.sleep(1)  # there is room: the loader has asked for more
        store.release()
        await late.answered.wait()
        assert late.status == ESME_RSYSERR
        await trio.sleep(30)
        assert sorted(gateway.sent) == seqs(kept)
        assert gateway.engine.accounts["acme"].queued == 0
        assert gateway.engine.core.pools["gb"].depth == 0


@pytest.mark.parametrize("queue_max", [1, 100])
async def test_an_unwound_message_that_expired_meanwhile_is_not_reported(queue_max: int) -> None:
    """A message refused for slowness gets no EXPIRED receipt, however short its life was and wherever it waits."""
    store = MemoryStore()
    pools = {"gb": pool_settings("alpha", queue_max=queue_max)}
    async with run_gateway(make_config(pools=pools), store) as gateway:
        sink = gateway.attach()
        for _ in range(4):
            await trio.sleep(0.55)
            store.hold()  # between two sweeps: the next one asks, and is answered after this commit
            late = gateway.submit(3, ttl_s=0.1)
            await trio.sleep(gateway.config.server.accept_deadline + 0.1)
            store.release()
            await trio.sleep(5)
            assert late.status == ESME_RSYSERR
        assert sink.received == []
        gateway.assert_nothing_is_held()


async def test_a_message_that_expired_during_its_commit_is_reported() -> None:
    """A commit that took less than the deadline, but longer than the message lived: EXPIRED, not forgotten."""
    store = MemoryStore()
    pools = {"gb": pool_settings("alpha", queue_max=2)}
    carriers = {"alpha": carrier_settings(FakeSettings(bound=False))}
    async with run_gateway(make_config(pools=pools, carriers=carriers), store) as gateway:
        sink = gateway.attach()
        await gateway.accept(1)
        store.hold()
        late = gateway.submit(3, ttl_s=2)
        assert [message.parked for message in late.messages] == [False, True, True]
        await trio.sleep(6)
        store.release()
        await trio.sleep(5)
        assert late.status == ESME_ROK
        assert sorted(sink.message_ids) == sorted(message.message_id for message in late.messages)
        assert {receipt.message_state for receipt in sink.received} == {MessageState.EXPIRED}
        assert gateway.engine.accounts["acme"].queued == 1


async def test_an_account_has_its_own_limit() -> None:
    """``queue_max`` of an account counts what no carrier has yet; the rest is refused with ESME_RMSGQFUL."""
    accounts = {"acme": account_settings("acme", queue_max=3), "other": account_settings("other")}
    async with run_gateway(make_config(accounts=accounts)) as gateway:
        gateway.carrier.lose()
        submitted = gateway.submit(5)
        assert submitted.refused == [ESME_RMSGQFUL] * 2
        assert gateway.submit(1, account="other").refused == []
        await gateway.settle()
        gateway.carrier.bind()
        await gateway.settle()
        gateway.carrier.accept()
        await gateway.settle()
        assert gateway.submit(3).refused == []


async def test_scheduled_messages_count_for_the_limit_too() -> None:
    """What waits for its ``schedule_delivery_time`` is accepted and not with a carrier."""
    accounts = {"acme": account_settings("acme", queue_max=3)}
    async with run_gateway(make_config(accounts=accounts)) as gateway:
        assert gateway.submit(5, delay_s=3600).refused == [ESME_RMSGQFUL] * 2


async def test_a_full_pool_may_refuse() -> None:
    """``when_full = "refuse"``: ESME_RMSGQFUL beyond ``queue_max``, counting what is being committed."""
    pools = {"gb": pool_settings("alpha", queue_max=3, when_full="refuse")}
    carriers = {"alpha": carrier_settings(FakeSettings(bound=False))}
    async with run_gateway(make_config(pools=pools, carriers=carriers)) as gateway:
        assert gateway.submit(2).refused == []
        assert gateway.submit(2).refused == [ESME_RMSGQFUL]
        await gateway.settle()
        assert gateway.submit(1).refused == [ESME_RMSGQFUL]
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.submit(1).refused == []


async def test_a_stopped_intake_refuses() -> None:
    """While the server stops nothing new is taken."""
    async with run_gateway() as gateway:
        gateway.engine.intake.stopped = True
        assert gateway.submit(1).refused == [ESME_RSYSERR]
        gateway.assert_nothing_is_held()
