"""``smsagg load``: drive messages through an SMPP server and tell how it did."""

import gc
import secrets
import signal
import sys
from pathlib import Path
from random import Random

import click
import orjson
import trio
from rich.console import Console
from rich.live import Live

from smsagg.config.units import parse_duration, parse_rate
from smsagg.errors import PeerError
from smsagg.loadgen.journal import LoadJournal
from smsagg.loadgen.report import LiveView, final_table, is_clean, summary
from smsagg.loadgen.run import LoadRun, LoadSettings
from smsagg.loadgen.templates import DESTINATIONS, MessageShape, Templates

REFRESH_S = 0.5
GC_THRESHOLDS = (50_000, 20, 50)
"""Objects live for milliseconds and by the ten thousand: look for cycles rarely."""
FILE_COLUMNS = 120
"""Width of the summary where there is no terminal to ask."""
REGISTERED_DELIVERY = {"none": 0, "final": 1, "failure": 2, "success": 3}


class Duration(click.ParamType[float]):
    """A duration with its unit, in seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return value if isinstance(value, float) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Rate(click.ParamType[float]):
    """A rate with its unit, in events per second; a bare number is per second."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            text = f"{value}/s" if isinstance(value, str) and value.isdecimal() else value
            return text if isinstance(text, float) else parse_rate(text)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("load")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="SMSAGG_HOST")
@click.option("--port", default=2775, show_default=True, type=click.IntRange(1, 65_535), envvar="SMSAGG_PORT")
@click.option("--system-id", default="demo", show_default=True, envvar="SMSAGG_SYSTEM_ID")
@click.option("--password", default="demo-pw", show_default=True, envvar="SMSAGG_PASSWORD")
@click.option("--binds", default=4, show_default=True, type=click.IntRange(1, 1_000))
@click.option("--window", default=100, show_default=True, type=click.IntRange(1, 100_000), help="Outstanding a bind.")
@click.option("--rate", type=Rate(), help='Messages per second over all binds, e.g. "2000/s"; default: unpaced.')
@click.option("--messages", type=click.IntRange(1, 999_999_999), help="How many; default 10000 without --duration.")
@click.option("--duration", type=Duration(), help='How long to send, e.g. "30s".')
@click.option("--to", "destinations", multiple=True, help='Destination, "?" is a random digit; repeatable.')
@click.option("--from", "source_addr", default="smsagg", show_default=True)
@click.option("--text", default="Load", show_default=True, help="A number of its own is added to each message.")
@click.option("--receipts", type=click.Choice(list(REGISTERED_DELIVERY)), default="final", show_default=True)
@click.option(
    "--patience", type=Duration(), default="30s", show_default=True, help="Wait so long for the next receipt."
)
@click.option("--reconnect", is_flag=True, help="Bind again when a connection is lost.")
@click.option("--quiet", is_flag=True, help="No live display (nor is there one without a terminal).")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help='Write the summary there; "-" is stdout.')
@click.option("--journal", "journal_path", type=click.Path(path_type=Path), help="Write what became of each message.")
@click.option("--check", is_flag=True, help="Exit 1 unless all was accepted and receipted exactly once.")
@click.option("--seed", type=int, help="Make the destinations repeatable.")
def load(
    host: str, port: int, system_id: str, password: str, binds: int, window: int, rate: float | None,
    messages: int | None, duration: float | None, destinations: tuple[str, ...], source_addr: str, text: str,
    receipts: str, patience: float, reconnect: bool, quiet: bool, json_path: Path | None, journal_path: Path | None,
    check: bool, seed: int | None,
) -> None:  # fmt: skip
    """Drive load over SMPP, and report rates, latencies, errors and receipts.

    Ctrl-C ends the run early and still reports.
    """
    shape = MessageShape(source_addr, destinations or DESTINATIONS, text, REGISTERED_DELIVERY[receipts])
    if messages is None and duration is None:
        messages = 10_000
    settings = LoadSettings(
        host=host, port=port, system_id=system_id, password=password, binds=binds, window=window, rate_per_s=rate,
        messages=messages, duration_s=duration, patience_s=patience, reconnect=reconnect, shape=shape,
    )  # fmt: skip
    journal = LoadJournal(journal_path) if journal_path else None
    run = LoadRun(settings, Templates(shape, secrets.token_hex(3), Random(seed)), journal)
    console = Console(stderr=True)
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        trio.run(_run, run, console, console.is_terminal and not quiet)
    finally:
        if journal is not None:
            journal.close()
    _report(run, json_path)
    if check and not is_clean(run):
        sys.exit(1)


async def _run(run: LoadRun, console: Console, is_live: bool) -> None:
    """The run, the end on a signal, and the display."""
    error: PeerError | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_on_signal, run)
        if is_live:
            nursery.start_soon(_show, run, console)
        try:
            await run.run()
        except PeerError as peer_error:
            error = peer_error  # raised out here it would come in an exception group
        nursery.cancel_scope.cancel()
    if error is not None:
        raise error


async def _end_on_signal(run: LoadRun) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            run.end()


async def _show(run: LoadRun, console: Console) -> None:
    view = LiveView(run)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            await trio.sleep(REFRESH_S)
            live.update(view.table(trio.current_time()), refresh=True)


def _report(run: LoadRun, json_path: Path | None) -> None:
    if json_path is None or str(json_path) != "-":
        Console(width=None if sys.stdout.isatty() else FILE_COLUMNS).print(final_table(run))
    if json_path is not None:
        octets = orjson.dumps(summary(run), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        if str(json_path) == "-":
            sys.stdout.write(octets.decode())
        else:
            json_path.write_bytes(octets)
