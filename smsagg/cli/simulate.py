"""``smsagg simulate``: a stand-alone SMSC that behaves as well or as badly as it is told."""

import gc
import signal
import socket
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import click
import orjson
import trio

from smsagg.clock import SystemClock
from smsagg.errors import ConfigError, SmsaggError
from smsagg.simulator.journal import Journal
from smsagg.simulator.server import Simulator, listen
from smsagg.simulator.settings import SimulatorSettings, load_settings

GC_THRESHOLDS = (50_000, 20, 50)
"""Objects live for milliseconds and by the ten thousand: look for cycles rarely."""


@click.command("simulate")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=2776, show_default=True, type=click.IntRange(0, 65_535), help="0: any free port.")
@click.option("--config", type=click.Path(path_type=Path), help="TOML file of behaviour; options below override it.")
@click.option("--account", "accounts", multiple=True, metavar="ID:PASSWORD", help="Who may bind; default: anyone.")
@click.option("--latency", metavar="TIME[..TIME]", help='Response delay, "20ms" or "5ms..50ms".')
@click.option("--receipt-delay", metavar="TIME[..TIME]", help="From response to receipt.")
@click.option("--error", "errors", multiple=True, metavar="STATUS=SHARE", help='E.g. "ESME_RSYSERR=0.01".')
@click.option("--state", "states", multiple=True, metavar="WORD=WEIGHT", help='Final states, e.g. "UNDELIV=0.1".')
@click.option("--throttle-above", metavar="RATE", help='ESME_RTHROTTLED above it, e.g. "500/s".')
@click.option("--response-lost", type=click.FloatRange(0, 1), metavar="SHARE", help="Taken, and never answered.")
@click.option("--receipt-missing", type=click.FloatRange(0, 1), metavar="SHARE", help="Never sent.")
@click.option("--receipt-early", type=click.FloatRange(0, 1), metavar="SHARE", help="Sent before the response.")
@click.option("--receipt-duplicate", type=click.FloatRange(0, 1), metavar="SHARE", help="Sent twice.")
@click.option("--id-form", metavar="FORM", help="decimal, zero_padded, hex, hex_upper or uuid.")
@click.option("--receipt-id-form", metavar="FORM", help="When receipts write ids another way.")
@click.option("--mo-rate", metavar="RATE", help='Messages from handsets, e.g. "2/s".')
@click.option("--deliver-window", type=click.IntRange(min=1), help="deliver_sm outstanding in a session; default 100.")
@click.option("--tick", metavar="TIME", help="Coarseness of all delays; default 2ms.")
@click.option("--seed", type=int, help="Make the run repeatable.")
@click.option("--log", "log_path", type=click.Path(path_type=Path), help="Journal of every message, JSON lines.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the final statistics there too.")
def simulate(host: str, port: int, config: Path | None, seed: int | None, log_path: Path | None,
             json_path: Path | None, **options: Any) -> None:  # fmt: skip
    """Run a stand-alone SMSC simulator.

    Prints "listening on HOST:PORT" once it does, and its statistics at the end (Ctrl-C or SIGTERM).
    """
    settings = load_settings(config, _overrides(options))
    try:
        listener = listen(host, port)
    except OSError as error:
        raise SmsaggError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    gc.set_threshold(*GC_THRESHOLDS)
    trio.run(_run, settings, listener, Random(seed), log_path, json_path)


def _overrides(options: dict[str, Any]) -> dict[str, Any]:
    """The options as the TOML document that would say the same."""
    receipts = {
        "delay": _delay(options["receipt_delay"]),
        "states": _pairs(options["states"], "--state"),
        "missing": options["receipt_missing"],
        "early": options["receipt_early"],
        "duplicate": options["receipt_duplicate"],
    }
    overrides = {
        "accounts": dict(account.partition(":")[::2] for account in options["accounts"]),
        "latency": _delay(options["latency"]),
        "errors": _pairs(options["errors"], "--error"),
        "throttle_above": options["throttle_above"],
        "response_lost": options["response_lost"],
        "deliver_window": options["deliver_window"],
        "tick": options["tick"],
        "receipts": _without_empty(receipts),
        "ids": _without_empty({"form": options["id_form"], "receipt_form": options["receipt_id_form"]}),
        "mo": _without_empty({"rate": options["mo_rate"]}),
    }
    return _without_empty(overrides)


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value not in (None, {})}


def _delay(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    low, _, high = text.partition("..")
    return {"kind": "uniform", "min": low, "max": high} if high else {"kind": "constant", "value": low}


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, float]:
    pairs = {}
    for text in texts:
        name, _, share = text.partition("=")
        try:
            pairs[name] = float(share)
        except ValueError:
            raise ConfigError(f"{option} {text}: must be NAME=NUMBER") from None
    return pairs


async def _run(
    settings: SimulatorSettings, listener: socket.socket, rng: Random, log_path: Path | None, json_path: Path | None
) -> None:
    clock = SystemClock()
    journal = Journal(log_path, clock) if log_path else None
    simulator = Simulator(settings, clock, rng, journal)
    began_cpu_s = time.process_time()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            await nursery.start(simulator.serve, listener)
            click.echo(f"listening on {_host_port(*listener.getsockname()[:2])}")
            sys.stdout.flush()
            async for _ in signals:
                break
            await simulator.stop()
            nursery.cancel_scope.cancel()
    if journal is not None:
        journal.close()
    _report(simulator, time.process_time() - began_cpu_s, json_path)


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _report(simulator: Simulator, cpu_s: float, json_path: Path | None) -> None:
    statistics = simulator.statistics
    cpu_us = cpu_s / statistics.submits * 1e6 if statistics.submits else 0.0
    click.echo("\n".join([*statistics.lines(), f"cpu: {cpu_s:.1f} s, {cpu_us:.1f} µs a message"]))
    if json_path:
        json_path.write_bytes(orjson.dumps(statistics.as_dict() | {"cpu_s": cpu_s, "cpu_us_per_message": cpu_us}))
