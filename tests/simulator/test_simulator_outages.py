"""Outages of the simulated SMSC, as a client sees them."""

from typing import Any

import pytest
import trio
from simulator_client import quick, running, submit_sm

from smsagg.smpp import status
from smsagg.smpp.pdu import EnquireLink, EnquireLinkResp, SubmitSmResp, Unbind


def outage(kind: str, first_after: str = "500ms", lasting: str = "200ms") -> dict[str, Any]:
    return {"outages": [{"every": "1h", "lasting": lasting, "kind": kind, "first_after": first_after}]}


async def test_unbind_says_good_bye_and_refuses_binds_until_it_is_over() -> None:
    """The SMSC unbinds and closes; a bind is refused during the outage and taken after it."""
    async with running(quick(**outage("unbind"))) as (_, connect):
        client = await connect()
        await client.bind()
        await client.receive(Unbind)
        with pytest.raises(EOFError):
            await client.receive(Unbind)
        again = await connect()
        statuses = {(await again.bind()).command_status}
        with trio.fail_after(5):
            while 0 not in statuses:
                statuses.add((await again.bind()).command_status)
        assert statuses == {0, status.ESME_RSYSERR}


async def test_drop_resets_the_connection() -> None:
    """The connection ends without a word."""
    async with running(quick(**outage("drop"))) as (_, connect):
        client = await connect()
        await client.bind()
        with pytest.raises((trio.BrokenResourceError, EOFError)):
            await client.receive(Unbind)


async def test_silent_reads_and_answers_nothing() -> None:
    """Nothing is answered while it lasts, and what came meanwhile is never answered."""
    async with running(quick(**outage("silent", first_after="0s", lasting="300ms"))) as (_, connect):
        client = await connect()
        await client.send(EnquireLink(sequence_number=77))
        with trio.fail_after(5):
            answered = None
            while answered is None:
                await client.send(EnquireLink())
                with trio.move_on_after(0.05):
                    answered = await client.receive(EnquireLinkResp)
        assert answered.sequence_number != 77


async def test_refuse_answers_system_error() -> None:
    """A brown-out keeps the bind and refuses each message."""
    async with running(quick(**outage("refuse", first_after="0s", lasting="1m"))) as (_, connect):
        client = await connect()
        assert (await client.bind()).command_status == 0
        await client.send(submit_sm())
        assert (await client.receive(SubmitSmResp)).command_status == status.ESME_RSYSERR


async def test_stop_unbinds_and_ends() -> None:
    """A graceful stop unbinds every session and returns when they are gone."""
    async with running(quick()) as (simulator, connect):
        client = await connect()
        await client.bind()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(simulator.stop)
            await client.receive(Unbind)
            await client.stream.aclose()
        assert not simulator._sessions
