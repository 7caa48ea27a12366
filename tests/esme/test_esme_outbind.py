"""outbind: an ESME that waits for us is called when something is due for it, and only then (B17's manners)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import trio
import trio.testing
from esme_bench import PASSWORD, Bench, Client, account, front_door

from smsagg.config.schema import OutbindSettings
from smsagg.config.units import HostPort
from smsagg.esme.listener import Listener
from smsagg.esme.outbind import Outbinder
from smsagg.esme.peer import Peer
from smsagg.smpp import status as s
from smsagg.smpp.pdu import BindReceiver, BindResp, BindTransceiver, DeliverSm, EnquireLink, Outbind, Unbind, UnbindResp

SETTINGS = OutbindSettings(address=HostPort("192.0.2.1:2776"), password="called")
ACCOUNTS = {"acme": account("acme", outbind=SETTINGS), "other": account("other")}


class Waiting:
    """The ESME's end: a host that is called, or refuses to answer."""

    outbinder: Outbinder

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.calls: list[tuple[float, Client]] = []
        self.called = trio.Event()
        self.refuses = False
        self.listener = Listener(bench.door)

    async def dial(self, settings: OutbindSettings) -> Any:
        assert settings is SETTINGS
        await trio.lowlevel.checkpoint()
        ours, theirs = trio.testing.memory_stream_pair()
        self.calls.append((trio.current_time(), Client(theirs)))
        self.called.set()
        if self.refuses:
            raise OSError("refused")
        return ours, Peer("192.0.2.1")

    async def next_call(self) -> Client:
        await self.called.wait()
        self.called = trio.Event()
        return self.calls[-1][1]


@asynccontextmanager
async def waiting_esme(**sections: Any) -> AsyncIterator[tuple[Bench, Waiting]]:
    async with front_door(**({"accounts": ACCOUNTS} | sections)) as bench:
        waiting = Waiting(bench)
        outbinder = Outbinder(bench.door, waiting.listener, Random(1), waiting.dial)
        waiting.outbinder = outbinder
        bench.nursery.start_soon(outbinder.run)
        yield bench, waiting


async def owe_a_receipt(bench: Bench) -> str:
    """Submitted by a session that is gone before the receipt comes."""
    client = await bench.bound()
    message_id = await client.submit_ok()
    await client.send(Unbind())
    await client.receive(UnbindResp)
    await client.close()
    bench.carrier.receipt(*bench.carrier.accept())
    await bench.settle()
    return message_id


async def test_an_esme_is_called_and_given_what_is_due(autojump_clock: trio.testing.MockClock) -> None:
    """outbind with our name and the password that it knows, its bind_receiver, then the receipt."""
    async with waiting_esme() as (bench, waiting):
        message_id = await owe_a_receipt(bench)
        client = await waiting.next_call()
        outbind = await client.receive(Outbind)
        assert (outbind.system_id, outbind.password) == ("smsagg", "called")
        await client.bind(BindReceiver)
        receipt = await client.receive(DeliverSm)
        assert f"id:{message_id} ".encode() in receipt.short_message
        await client.acknowledge(receipt)
        await bench.settle()
        assert bench.store.tables.deliveries == {}
        await trio.sleep(20)
        assert len(waiting.calls) == 1
        assert bench.door.sessions.counts()["acme", "rx"] == 1


async def test_nobody_is_called_for_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """Nor while a session of the account receives."""
    async with waiting_esme() as (bench, waiting):
        await trio.sleep(20)
        client = await bench.bound()
        await client.submit_ok()
        bench.carrier.receipt(*bench.carrier.accept())
        await client.receive(DeliverSm)
        await trio.sleep(9)
        assert waiting.calls == []


async def test_an_esme_that_does_not_answer_is_called_ever_more_rarely(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The pause doubles up to its longest, never two calls at once; when it answers again it is served."""
    async with waiting_esme() as (bench, waiting):
        waiting.refuses = True
        await owe_a_receipt(bench)
        await trio.sleep(3_600)
        times = [at for at, _ in waiting.calls]
        pauses = [later - earlier for earlier, later in pairwise(times)]
        assert pauses[0] < 10
        assert max(pauses) <= 302
        assert 12 < len(times) < 40
        waiting.refuses = False
        waiting.called = trio.Event()
        client = await waiting.next_call()
        await client.receive(Outbind)
        await client.bind(BindReceiver)
        await client.receive(DeliverSm)


async def test_a_called_esme_that_does_not_bind_is_hung_up_on(autojump_clock: trio.testing.MockClock) -> None:
    """After session_init_timeout, and the next call comes only then."""
    async with waiting_esme() as (bench, waiting):
        await owe_a_receipt(bench)
        client = await waiting.next_call()
        began_at = trio.current_time()
        await client.receive_all()
        assert trio.current_time() - began_at == pytest.approx(5, abs=2.1)
        assert len(waiting.calls) == 1
        await client.close()
        await waiting.next_call()


async def test_a_called_esme_binds_as_its_own_account_only(autojump_clock: trio.testing.MockClock) -> None:
    """Another's good credentials are refused as wrong ones are."""
    async with waiting_esme() as (bench, waiting):
        await owe_a_receipt(bench)
        client = await waiting.next_call()
        await client.receive(Outbind)
        await client.send(BindReceiver("other", PASSWORD))
        assert (await client.receive(BindResp)).command_status == s.ESME_RBINDFAIL
        assert bench.door.sessions.counts().get(("other", "rx"), 0) == 0


async def test_a_called_esme_may_submit_as_well(autojump_clock: trio.testing.MockClock) -> None:
    """It binds as what it likes, and is a session like any."""
    async with waiting_esme() as (bench, waiting):
        await owe_a_receipt(bench)
        client = await waiting.next_call()
        await client.receive(Outbind)
        await client.bind(BindTransceiver)
        await client.acknowledge(await client.receive(DeliverSm))
        await client.submit_ok()
        await client.send(EnquireLink())


async def test_a_stop_unbinds_a_called_esme_and_calls_nobody(autojump_clock: trio.testing.MockClock) -> None:
    """The listener's stop is that of all sessions."""
    async with waiting_esme() as (bench, waiting):
        await owe_a_receipt(bench)
        client = await waiting.next_call()
        await client.receive(Outbind)
        await client.bind(BindReceiver)
        await client.receive(DeliverSm)
        bench.nursery.start_soon(waiting.listener.stop)
        unbind = await client.receive(Unbind)
        await client.send(UnbindResp(sequence_number=unbind.sequence_number))
        await client.receive_all()
        await client.close()
        await trio.sleep(60)
        assert bench.door.sessions.connections == 0


async def test_who_is_called_changes_with_the_configuration(autojump_clock: trio.testing.MockClock) -> None:
    """An account gets an address while the server runs, and loses it again."""
    accounts = {"acme": account("acme"), "other": account("other")}
    async with waiting_esme(accounts=accounts) as (bench, waiting):
        waiting.refuses = True
        await owe_a_receipt(bench)
        await trio.sleep(30)
        assert waiting.calls == []
        acme, outbinder = bench.gateway.engine.accounts["acme"], waiting.outbinder
        acme.settings = ACCOUNTS["acme"]
        outbinder.reconfigure()
        await trio.sleep(30)
        assert len(waiting.calls) > 1
        calls = len(waiting.calls)
        acme.settings = accounts["acme"]
        outbinder.reconfigure()
        await trio.sleep(600)
        assert len(waiting.calls) <= calls + 1
