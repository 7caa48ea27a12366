"""``python -m tools.bench.overload``: three times what the system can take, and peers that do not do their part.

Each part first measures what it compares with. During a flood a quiet session probes the server with enquire_link, and
a small customer with an account of its own sends 50 messages a second and wants to be served as ever.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
from attrs import define, field
from rich.console import Console

from tools.bench import bed as beds
from tools.bench.bed import PASSWORD, Bed, Row, account, carrier, pool
from tools.bench.goals import Goal, at_least, at_most, conclude
from tools.bench.probe import Probe
from tools.bench.scale import FAST

SMALL_RATE = 50
ENQUIRE_LINK_MS_MAX = 1_000.0
SMALL_ACCEPT_MS_MAX = 500.0
GROWTH_MIB_MAX = 200
PAGE_CACHE_MIB = 64
"""SQLite's, which fills with the history of the first few hundred thousand messages and grows no more."""
RECOVERY_S_MAX = 10.0
PROGRESS_S = 5.0


@define
class Overload:
    """What the parts share."""

    console: Console
    quick: bool
    seconds: int
    rows: list[Row] = field(factory=list)
    goals: list[Goal] = field(factory=list)
    series: dict[str, list[dict[str, float]]] = field(factory=dict)
    """Second by second, by part."""
    part: str = ""

    def say(self, text: str) -> None:
        self.console.print(f"[bold]{self.part}[/]  {text}", style="dim", highlight=False)

    def add(self, row: Row) -> Row:
        self.rows.append({"part": self.part, **row})
        return row

    def at_least(self, figure: str, value: float, bound: float, unit: str = "") -> None:
        self.goals.append(at_least(self.part, figure, value, bound, unit))

    def at_most(self, figure: str, value: float, bound: float, unit: str = "") -> None:
        self.goals.append(at_most(self.part, figure, value, bound, unit))


@define
class Flood:
    """What a flood came to."""

    seconds: float
    finished: float
    probe: Probe
    small: Row
    cost: beds.Cost
    series: list[dict[str, float]]


def tables(port: int, *, demo: dict[str, Any] | None = None, link: dict[str, Any] | None = None,
           world: dict[str, Any] | None = None) -> list[str]:  # fmt: skip
    """A flooding customer, a small one, a probe; one carrier."""
    return [
        account("demo", **{"binds_max": 200, "window_max": 1_000, "queue_max": 50_000, **(demo or {})}),
        account("small"),
        account("probe"),
        pool("world", ["upstream"], **(world or {})),
        carrier("upstream", port, **{"links": 4, "window": 200, **(link or {})}),
    ]


# --- parts ---


def flood(run: Overload) -> None:
    """No rate limits: many binds with big windows send as fast as they can; the account's queue is what is bounded."""
    with beds.test_bed() as bed:
        _, port = bed.start_carrier(*FAST)
        bed.start_server(*tables(port))
        bed.warm_up()
        options = ("--messages", "100000", "--binds", "4", "--window", "100")
        before = run.add(bed.load("peak: 4 binds × 100, before", *options))
        found = _flood(run, bed, "--binds", "40", "--window", "1000")
        after = run.add(bed.load("peak: 4 binds × 100, after", *options))
        peak = (before["receipts_per_s"] + after["receipts_per_s"]) / 2
        run.at_least("messages finished a second, share of peak", found.finished / found.seconds / peak, 0.9)
        cost = found.cost.cpu_s / found.finished * 1e6
        run.say(f"server CPU a message finished: {cost:.0f} µs, at peak {before['server_cpu_us_per_message']:.0f}")
        run.at_least("peak after the flood, share of before", after["receipts_per_s"] / before["receipts_per_s"], 0.8)
        _judge(run, bed, found)


def limits(run: Overload) -> None:
    """The account has a rate of 4,000/s and is offered three times as much."""
    rate = 4_000
    with beds.test_bed() as bed:
        _, port = bed.start_carrier(*FAST)
        bed.start_server(*tables(port, demo={"rate": f"{rate}/s"}))
        bed.warm_up("--rate", "1000/s")
        found = _flood(run, bed, "--binds", "12", "--window", "500", "--rate", f"{rate * 3}/s")
        run.at_least("messages finished a second, share of the rate", found.finished / found.seconds / rate, 0.9)
        run.at_most("the same, above the rate", found.finished / found.seconds / rate, 1.1)
        _judge(run, bed, found)


def refuse(run: Overload) -> None:
    """The carrier takes 3,000/s, the pool refuses when it is full, and is offered three times as much."""
    rate = 3_000
    with beds.test_bed() as bed:
        _, port = bed.start_carrier(*FAST)
        link = {"rate": f"{rate / 4:g}/s"}
        bed.start_server(*tables(port, link=link, world={"queue_max": 3_000, "when_full": "refuse"}))
        bed.warm_up("--rate", "1000/s")
        found = _flood(run, bed, "--binds", "12", "--window", "500", "--rate", f"{rate * 3}/s")
        run.at_least(
            "messages finished a second, share of the carrier's rate", found.finished / found.seconds / rate, 0.9
        )
        _judge(run, bed, found, small_is_served=False)


def deaf(run: Overload) -> None:
    """Two sessions of one customer send and never read; measured once the server takes nothing more from them."""
    with beds.test_bed() as bed:
        _, port = bed.start_carrier(*FAST)
        bed.start_server(*tables(port), account("deaf", queue_max=20_000))
        bed.warm_up()

        @contextmanager
        def disturbed() -> Iterator[None]:
            pid, line = bed.start_tool("blocked", "tools.bench.deaf", "--port", str(bed.smpp), "--sessions", "2")
            run.say(f"deaf sessions: {line} messages")
            try:
                yield
            finally:
                bed.end(pid)

        _compare(run, bed, "an ESME that never reads", disturbed)


def mute(run: Overload) -> None:
    """One of two carriers takes messages and never answers; its country's traffic goes on."""
    with beds.test_bed() as bed:
        _, port = bed.start_carrier(*FAST)
        _, mute_port = bed.start_carrier("--response-lost", "1", "--receipt-missing", "1")
        bed.start_server(
            *tables(port),
            account("other", queue_max=20_000),
            pool("de", ["mute"], countries=["DE"]),
            carrier("mute", mute_port, links=2, window=50, response_timeout="5s"),
        )
        bed.warm_up()

        @contextmanager
        def disturbed() -> Iterator[None]:
            load = bed.begin_load(
                "--system-id", "other", "--to", "4915112345???", "--rate", "500/s", "--duration", "600s"
            )
            time.sleep(2)
            try:
                yield
            finally:
                bed.end(load.process.pid)

        _compare(run, bed, "a carrier that never answers", disturbed)


PARTS: dict[str, Callable[[Overload], None]] = {part.__name__: part for part in (flood, limits, refuse, deaf, mute)}


# --- their tools ---


def _flood(run: Overload, bed: Bed, *options: str) -> Flood:
    """Flood the server for ``run.seconds`` beside a small customer and a probe."""
    small = bed.begin_load(
        "--system-id", "small", "--binds", "1", "--rate", f"{SMALL_RATE}/s", "--duration", f"{run.seconds + 2}s"
    )
    load = bed.begin_load(*options, "--duration", f"{run.seconds + 2}s", "--patience", "30s")
    time.sleep(2)
    series: list[dict[str, float]] = []
    with Probe(bed.smpp, "probe", PASSWORD) as probe:
        with bed.measured() as cost:
            began, finished = time.monotonic(), bed.metric("smsagg_messages_finished_total")
            _watch(run, bed, probe, series)
            seconds = time.monotonic() - began
            finished = bed.metric("smsagg_messages_finished_total") - finished
        ended = time.monotonic()
        _recover(run, bed, ended)
    row = load.wait()
    run.add({"name": "offered three times" if "--rate" in options else "flood", **row, **cost.per_message(row["sent"])})
    run.series[run.part] = series
    refused = ", ".join(f"{name} {count / row['sent']:.0%}" for name, count in row["errors"].items())
    run.say(f"{row['sent']:,} sent, {row['accepted']:,} accepted; refused: {refused or 'none'}")
    run.at_most("accepted and lost", row["receipts_missing"] + row["unanswered"], 0)
    return Flood(seconds, finished, probe, run.add({"name": "small customer", **small.wait()}), cost, series)


def _watch(run: Overload, bed: Bed, probe: Probe, series: list[dict[str, float]]) -> None:
    began = told = time.monotonic()
    before = _counts(bed)
    while (now := time.monotonic()) - began < run.seconds:
        time.sleep(max(1.0 - (time.monotonic() - now), 0.1))
        counts, seconds = _counts(bed), time.monotonic() - now
        rates = {name: (counts[name] - before[name]) / seconds for name in counts}
        before = counts
        memory = beds.usage_of(bed.server_pid).resident_octets / 2**20
        series.append({"at_s": time.monotonic() - began, **rates, "memory_mib": memory})
        if time.monotonic() - told >= PROGRESS_S:
            told = time.monotonic()
            run.say(
                ", ".join(f"{rate:,.0f} {name}/s" for name, rate in rates.items())
                + f"; enquire_link p99 {probe.percentile_ms(99):.0f} ms, {memory:.0f} MiB"
            )


def _counts(bed: Bed) -> dict[str, float]:
    text = bed.metrics()
    return {
        "accepted": beds.total(text, "smsagg_messages_accepted_total"),
        "refused": beds.total(text, "smsagg_messages_refused_total"),
        "finished": beds.total(text, "smsagg_messages_finished_total"),
    }


def _recover(run: Overload, bed: Bed, ended: float) -> None:
    """Until what waited for a carrier is gone and an answer takes as long as ever."""
    while time.monotonic() - ended < 5 * RECOVERY_S_MAX:
        if bed.metric("smsagg_queue_account_messages", account="demo") == 0:
            break
        time.sleep(0.1)
    with Probe(bed.smpp, "probe", PASSWORD) as probe:
        while time.monotonic() - ended < 5 * RECOVERY_S_MAX:
            time.sleep(0.3)
            if probe.latencies_s and max(probe.latencies_s[-2:]) < 0.05:
                break
    run.at_most("recovery after the flood", time.monotonic() - ended, RECOVERY_S_MAX, " s")


def _judge(run: Overload, bed: Bed, found: Flood, *, small_is_served: bool = True) -> None:
    probe, small = found.probe, found.small
    if probe.error:
        run.say(f"probe: {probe.error}")
    run.at_most("the probe's session was lost", float(bool(probe.error)), 0)
    run.at_most("enquire_link answered, slowest", probe.percentile_ms(100), ENQUIRE_LINK_MS_MAX, " ms")
    run.at_most("small customer: accept p99", small["accept_ms"]["p99"], SMALL_ACCEPT_MS_MAX, " ms")
    if small_is_served:
        run.at_least("small customer: share accepted", small["accepted"] / max(small["sent"], 1), 1.0)
    # What is compared is the flat part: queues fill up to their bounds in the first seconds.
    half = [point["memory_mib"] for point in found.series[len(found.series) // 2 :]]
    grown = half[-1] - half[0] if half else 0.0
    run.at_most("memory: growth in the second half", grown, PAGE_CACHE_MIB, " MiB")
    grown = (max(found.cost.resident) - found.cost.before.resident_octets) / 2**20
    run.at_most("memory: growth in all", grown, GROWTH_MIB_MAX, " MiB")


def _compare(run: Overload, bed: Bed, name: str, disturbance: Callable[[], Any]) -> None:
    """Paced traffic of everybody else without and with a disturbance, in turn."""
    seconds = max(run.seconds // 4, 4)
    found: dict[str, list[Row]] = {"undisturbed": [], name: []}
    for _ in range(2):
        for label, around in (("undisturbed", nullcontext), (name, disturbance)):
            with around():
                row = bed.load(label, "--rate", "2000/s", "--duration", f"{seconds}s")
            run.say(f"{label}: accept p99 {row['accept_ms']['p99']:.1f}, life p99 {row['end_to_end_ms']['p99']:.1f} ms")
            found[label].append(row)
    plain, with_it = (min(rows, key=lambda row: float(row["end_to_end_ms"]["p99"])) for rows in found.values())
    run.add(plain)
    run.add(with_it)
    run.at_least(
        "others' receipts a second, share of undisturbed", with_it["receipts_per_s"] / plain["receipts_per_s"], 0.97
    )
    for figure in ("accept_ms", "end_to_end_ms"):
        bound = max(plain[figure]["p99"] * 1.5, plain[figure]["p99"] + 10)
        run.at_most(f"others' {figure.removesuffix('_ms').replace('_', ' ')} p99", with_it[figure]["p99"], bound, " ms")
    run.at_most("others' messages lost or refused", with_it["sent"] - with_it["receipts"], 0)


@click.command()
@click.option("--only", "only", multiple=True, type=click.Choice(list(PARTS)), help="Run this part; repeatable.")
@click.option("--quick", is_flag=True, help="Ten seconds a part instead of a minute.")
@click.option("--seconds", type=int, help="How long each flood lasts.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=Path("var/overload.json"))
def main(only: tuple[str, ...], quick: bool, seconds: int | None, json_path: Path) -> None:
    """Overload the system on this machine; exit 1 when a goal is not met."""
    run = Overload(Console(width=140), quick, seconds or (10 if quick else 60))
    for name in only or PARTS:
        run.part = name
        run.say(" ".join((PARTS[name].__doc__ or "").split()))
        PARTS[name](run)
    conclude(run.console, "Overload", run.rows, run.goals, json_path, series=run.series)
    sys.exit(not all(goal.met for goal in run.goals))


if __name__ == "__main__":
    main()
