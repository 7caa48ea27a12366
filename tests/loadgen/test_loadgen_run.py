"""Whole load runs against the simulated SMSC on a loopback port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
import trio

from smsagg.clock import SystemClock
from smsagg.errors import PeerError
from smsagg.loadgen.report import LiveView, final_table, is_clean, summary
from smsagg.loadgen.run import LoadRun, LoadSettings
from smsagg.loadgen.templates import MessageShape, Templates
from smsagg.simulator.server import Simulator, listen
from smsagg.simulator.settings import merge, structure_settings

QUICK: dict[str, Any] = {
    "latency": {"kind": "constant", "value": "1ms"},
    "receipts": {"delay": {"kind": "constant", "value": "1ms"}},
}


@asynccontextmanager
async def simulator(**settings: Any) -> AsyncIterator[tuple[Simulator, int]]:
    """A running simulator and its port."""
    smsc = Simulator(structure_settings(merge(QUICK, settings), "test"), SystemClock(), Random(1))
    listener = listen("127.0.0.1", 0)
    async with trio.open_nursery() as nursery:
        await nursery.start(smsc.serve, listener)
        yield smsc, listener.getsockname()[1]
        nursery.cancel_scope.cancel()


def make_run(port: int, **settings: Any) -> LoadRun:
    shape = settings.pop("shape", MessageShape())
    values: dict[str, Any] = {"port": port, "binds": 2, "window": 10, "messages": 200, "patience_s": 1.0}
    return LoadRun(LoadSettings(**(values | settings), shape=shape), Templates(shape, "test", Random(1)))


async def test_every_message_is_accepted_and_receipted() -> None:
    """A run against a healthy SMSC is clean, and the SMSC saw each message once."""
    async with simulator() as (smsc, port):
        run = make_run(port)
        with trio.fail_after(20):
            await run.run()
        values = summary(run)
        assert is_clean(run)
        assert (values["sent"], values["accepted"], values["receipts"]) == (200, 200, 200)
        assert values["errors"] == {}
        assert values["accept_ms"]["p50"] > 0
        assert values["end_to_end_ms"]["p99"] >= values["accept_ms"]["p50"]
        assert values["generator_cpu_us_per_message"] > 0
        assert smsc.statistics.submits == 200
        assert smsc.statistics.receipts_acknowledged == 200
        assert run.connections_lost == 0
        assert final_table(run).row_count >= 8
        assert LiveView(run).table(trio.current_time()).row_count >= 6


async def test_the_window_is_kept() -> None:
    """A bind has no more outstanding than its window."""
    async with simulator(window_max=3) as (smsc, port):
        run = make_run(port, window=3)
        await run.run()
        assert run.ledger.errors == {}
        assert smsc.statistics.responses == {0: 200}


async def test_errors_are_counted_by_status() -> None:
    """Refusals show in the summary by name; nothing is awaited for them."""
    async with simulator(errors={"ESME_RSYSERR": 1.0}) as (_, port):
        run = make_run(port, messages=50)
        await run.run()
        assert summary(run)["errors"] == {"ESME_RSYSERR": 50}
        assert not is_clean(run)


async def test_missing_and_duplicated_receipts_are_told() -> None:
    """The run ends after its patience, and says how many receipts never came or came twice."""
    async with simulator(receipts={"missing": 0.5, "duplicate": 1.0}) as (smsc, port):
        run = make_run(port, patience_s=0.3)
        await run.run()
        ledger = run.ledger
        assert 50 < ledger.missing < 150
        assert ledger.receipts + ledger.missing == 200
        assert ledger.duplicated == smsc.statistics.receipts_sent - ledger.receipts
        assert not is_clean(run)


async def test_early_receipts_are_matched() -> None:
    """Receipts that beat their responses count as received."""
    async with simulator(receipts={"early": 1.0}, latency={"value": "20ms"}) as (_, port):
        run = make_run(port)
        await run.run()
        assert is_clean(run)


async def test_unanswered_messages_are_told() -> None:
    """What was never answered is counted when the run's patience is over."""
    async with simulator(response_lost=1.0, receipts={"missing": 1.0}) as (_, port):
        run = make_run(port, messages=5, patience_s=0.2)
        await run.run()
        assert run.ledger.unanswered == 5


async def test_a_rate_is_kept() -> None:
    """A paced run sends what is due and no more."""
    async with simulator() as (_, port):
        run = make_run(port, messages=100, rate_per_s=400.0)
        await run.run()
        assert run.ledger.accepted == 100
        assert run.sent_at - run.started_at >= 0.24


def test_pacing_is_no_latency() -> None:
    """A message is late when it leaves after it was due, and not by the pause before it."""
    run = make_run(0, rate_per_s=10)
    run.started_at = 100.0
    assert [run.allowed(now) for now in (100.05, 100.101)] == [0, 1]
    assert [*run.take(1, 100.101)] == [(0, 100.101)]
    assert run.allowed(100.35) == 2
    assert [*run.take(2, 100.35)] == [(1, pytest.approx(100.2)), (2, pytest.approx(100.3))]


async def test_a_duration_ends_the_run() -> None:
    """Without a number of messages the run sends until its time is over."""
    async with simulator() as (_, port):
        run = make_run(port, messages=None, duration_s=0.2)
        await run.run()
        assert run.ledger.sent > 0
        assert is_clean(run)


async def test_a_refused_bind_is_an_error() -> None:
    """The error says what the server answered."""
    async with simulator(accounts={"demo": "other"}) as (_, port):
        with pytest.raises(PeerError, match="ESME_RBINDFAIL"):
            await make_run(port).run()


async def test_nobody_listens() -> None:
    """The error names the address."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(PeerError, match=f"127.0.0.1:{port}"):
        await make_run(port).run()


async def test_a_lost_connection_ends_the_run() -> None:
    """When all binds are gone the run ends and tells."""
    outages = [{"every": "1h", "lasting": "1m", "kind": "drop", "first_after": "1s"}]
    async with simulator(outages=outages, latency={"value": "10s"}) as (_, port):
        run = make_run(port, patience_s=30.0)
        with trio.fail_after(10):
            await run.run()
        assert run.connections_lost == 2
        assert run.ledger.unanswered == 20


async def test_a_run_may_reconnect() -> None:
    """With reconnect the rest is sent after the connection is back, and only what was outstanding is unanswered."""
    outages = [{"every": "1h", "lasting": "100ms", "kind": "drop", "first_after": "1s"}]
    async with simulator(outages=outages) as (_, port):
        run = make_run(port, messages=1500, rate_per_s=1000.0, reconnect=True)
        with trio.fail_after(20):
            await run.run()
        ledger = run.ledger
        assert run.connections_lost == 2
        assert ledger.sent == 1500
        assert ledger.accepted + ledger.unanswered == 1500
        assert ledger.missing == 0


async def test_ending_early_still_reports() -> None:
    """end() stops the run at once."""
    async with simulator() as (_, port), trio.open_nursery() as nursery:
        run = make_run(port, messages=None, duration_s=3600.0)
        nursery.start_soon(run.run)
        with trio.fail_after(10):
            while run.ledger.receipts < 10:
                await trio.lowlevel.checkpoint()
            run.end()
    assert summary(run)["sent"] >= 10
