"""The listener on a loopback port: supervision of sessions, limits of connections, and the stop."""

from typing import Any

import pytest
import trio
import trio.testing
from esme_bench import Client, submit_sm
from esme_port import listening, until

from smsagg.esme.sessions import Sessions
from smsagg.smpp import status as s
from smsagg.smpp.pdu import GenericNack, SubmitSmResp, Unbind, UnbindResp


async def is_refused(client: Client) -> bool:
    try:
        return await client.receive_all() == []
    except OSError:
        return True


async def test_sessions_over_tcp() -> None:
    """Bind, submit, unbind; the connection is counted while it lasts."""
    async with listening() as port:
        client = await port.bound()
        assert port.bench.door.sessions.connections == 1
        await client.submit_ok()
        await client.send(Unbind())
        await client.receive(UnbindResp)
        await client.receive_all()
        await client.close()
        await until(lambda: port.bench.door.sessions.connections == 0)


async def test_an_exception_in_one_session_ends_that_one_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are served, and new ones are accepted."""
    async with listening() as port:
        victim, other = await port.bound(), await port.bound()
        message_of = port.bench.door.submission.message_of

        def fail_once(*args: Any) -> Any:
            monkeypatch.setattr(port.bench.door.submission, "message_of", message_of)
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(port.bench.door.submission, "message_of", fail_once)
        await victim.send(submit_sm())
        assert await victim.receive_all() == []
        await other.submit_ok()
        await (await port.bound()).submit_ok()
        assert port.bench.reasons() == {"crashed": 1}


async def test_a_scanner_on_tcp_reads_its_answer() -> None:
    """The generic_nack is not lost to a reset, although more was sent than was read."""
    async with listening() as port:
        client = await port.connect()
        await client.send_raw(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000)
        assert isinstance(await client.receive(GenericNack), GenericNack)


async def test_connections_in_all_are_limited() -> None:
    """The one too many is closed without a word; one that ends makes room."""
    async with listening(sessions_max=2) as port:
        first, second = await port.bound(), await port.bound()
        assert await is_refused(await port.connect())
        await first.close()
        await until(lambda: port.bench.door.sessions.connections < 2)
        assert await (await port.bound()).is_alive()
        assert await second.is_alive()


async def test_connections_from_one_address_are_limited() -> None:
    """So that nobody takes all of them."""
    async with listening(sessions_per_address_max=1) as port:
        first = await port.bound()
        assert await is_refused(await port.connect())
        assert await first.is_alive()


async def test_one_address_with_hundreds_of_connections_harms_no_other() -> None:
    """It has its number and no more; who comes from elsewhere is served meanwhile, and it when it has let go."""
    async with listening(sessions_per_address_max=20) as port:
        victim = await Client(await port.open_socket("127.0.0.2")).bind()
        flood = [await port.open_socket() for _ in range(300)]
        await until(lambda: port.bench.door.sessions.connections == 21)
        other = await Client(await port.open_socket("127.0.0.3")).bind()
        await other.submit_ok()
        await victim.submit_ok()
        for stream in flood:
            await trio.aclose_forcefully(stream)
        await until(lambda: port.bench.door.sessions.connections == 2)
        await (await port.bound()).submit_ok()


def test_addresses_are_counted_apart() -> None:
    """One address at its limit leaves room for the next."""
    sessions = Sessions(3, 1)
    assert sessions.claim("192.0.2.1")
    assert not sessions.claim("192.0.2.1")
    assert sessions.claim("192.0.2.2")
    sessions.release("192.0.2.1")
    assert sessions.claim("192.0.2.1")
    assert [sessions.enter() for _ in range(4)] == [True, True, True, False]
    sessions.leave()
    assert sessions.enter()


async def test_stop_unbinds_everybody_and_takes_nobody() -> None:
    """Bound peers get an unbind after what they sent was answered; new connections are refused."""
    async with listening() as port:
        client, unbound = await port.bound(), await port.connect()
        port.bench.store.hold()
        await client.send(submit_sm())
        await until(lambda: port.bench.gateway.engine.accounts["acme"].queued == 1)
        port.bench.store.release()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(port.listener.stop)
            assert (await client.receive(SubmitSmResp)).command_status == s.ESME_ROK
            unbind = await client.receive(Unbind)
            assert await is_refused(unbound)
            with pytest.raises(ConnectionRefusedError):
                await port.connect()
            await client.send(UnbindResp(sequence_number=unbind.sequence_number))
            assert await client.receive_all() == []
            await client.close()
            await unbound.close()
        assert port.bench.door.sessions.connections == 0
        assert len(port.bench.stored) == 1


async def test_stop_with_nobody_there_returns() -> None:
    """Nothing to wait for."""
    async with listening() as port:
        with trio.fail_after(5):
            await port.listener.stop()
