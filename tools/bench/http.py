"""``python -m tools.bench.http``: messages by HTTP, one by one and in batches, and SMPP beside a flood of them."""

import threading
from pathlib import Path
from typing import Any

import click
import orjson
from attrs import define, field
from rich.console import Console
from rich.table import Table

from smsagg.directory.secrets import digest_of
from tools.bench.bed import Bed, Row, account, carrier, pool, test_bed
from tools.bench.goals import Goal, at_least, at_most, conclude
from tools.bench.http_load import HttpRun, request_of, send_for

KEY = "sk_bench"
FAST = ("--latency", "1ms", "--receipt-delay", "2ms", "--deliver-window", "1000")
SINGLES_PER_S_MIN = 1_500
BATCHED_PER_S_MIN = 8_000
SMPP_ACCEPT_MS_MAX = 30.0
PROBE_RATE = "50/s"


@define
class Bench:
    """What the parts share."""

    console: Console
    bed: Bed
    seconds: float
    rows: list[Row] = field(factory=list)
    goals: list[Goal] = field(factory=list)

    def run(self, name: str, requests: list[bytes], connections: int, messages: int) -> HttpRun:
        """So many messages a request."""
        self.console.print(f"{name} …", style="dim")
        with self.bed.measured() as cost:
            run = send_for(self.seconds, self.bed.http, requests, connections)
        taken = len(run.latencies_s)
        self.rows.append(
            {
                "name": name,
                "messages_per_s": taken * messages / run.elapsed_s,
                "p50_ms": run.percentile_ms(50),
                "p99_ms": run.percentile_ms(99),
                "server_us_per_request": cost.cpu_s / max(taken, 1) * 1e6,
                "server_us_per_message": cost.cpu_s / max(taken * messages, 1) * 1e6,
                "generator_us_per_request": run.cpu_s / max(taken, 1) * 1e6,
                "statuses": {str(status): count for status, count in run.statuses.items()},
            }
        )
        return run


@click.command()
@click.option("--seconds", default=8.0, show_default=True, help="Of each part.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=Path("var/bench-http.json"))
def main(seconds: float, json_path: Path) -> None:
    """Measure on this machine; the server, the carrier and the generator are processes of their own."""
    console = Console(width=140)
    with test_bed() as bed:
        _, port = bed.start_carrier(*FAST)
        keys = {"api_keys": {"bench": {"hash": digest_of(KEY)}}}
        customer = (
            account("web", queue_max=200_000).rstrip()
            + f'\napi_keys = {{ bench = {{ hash = "{keys["api_keys"]["bench"]["hash"]}" }} }}\n'
        )
        bed.start_server(
            customer, account("demo"), pool("world", ["upstream"]), carrier("upstream", port, links=4, window=200)
        )
        bench = Bench(console, bed, seconds)
        single = [request_of("/v1/messages", KEY, orjson.dumps(_message(place))) for place in range(1_000)]
        batch = {"messages": [_message(place) for place in range(100)]}
        batches = [request_of("/v1/messages/batch", KEY, orjson.dumps(batch))]
        send_for(1.0, bed.http, single, 8)  # warm up
        singles = bench.run("singles, 32 connections", single, 32, 1)
        bench.run("singles, 1 connection", single, 1, 1)
        found = bench.run("batches of 100, 4 connections", batches, 4, 100)
        bench.goals.append(
            at_least("singles", "messages/s", len(singles.latencies_s) / singles.elapsed_s, SINGLES_PER_S_MIN)
        )
        bench.goals.append(
            at_least("batches", "messages/s", len(found.latencies_s) * 100 / found.elapsed_s, BATCHED_PER_S_MIN)
        )
        whole = [
            request_of(
                "/v1/messages/batch", KEY, orjson.dumps({"messages": [_message(place) for place in range(1_000)]})
            )
        ]
        for name, requests, connections, messages in (
            ("singles beside SMPP, 100 connections", single, 100, 1),
            ("batches of 1,000 beside SMPP, 2 connections", whole, 2, 1_000),
        ):
            _beside_smpp(bench, name, requests, connections, messages)
    console.print(_table(bench.rows))
    conclude(console, "", [], bench.goals, json_path, http=bench.rows)


def _message(place: int) -> dict[str, Any]:
    return {"to": f"+4477009{place:05d}", "from": "ACME", "text": f"Your order {place} is on its way."}


def _beside_smpp(bench: Bench, name: str, requests: list[bytes], connections: int, messages: int) -> None:
    """A small SMPP customer while HTTP floods."""
    load = bench.bed.begin_load("--rate", PROBE_RATE, "--duration", f"{bench.seconds:.0f}s")
    flood = threading.Thread(target=bench.run, args=(name, requests, connections, messages))
    flood.start()
    smpp = load.wait()
    flood.join()
    accept = smpp["accept_ms"]
    bench.rows[-1]["smpp_accept_p99_ms"] = accept["p99"]
    bench.goals.append(at_most(name, "accept p99 of SMPP, ms", accept["p99"], SMPP_ACCEPT_MS_MAX))


def _table(rows: list[Row]) -> Table:
    table = Table(title="By HTTP: answered after the commit")
    for heading in (
        "run",
        "messages/s",
        "p50 / p99 ms",
        "server µs a request",
        "a message",
        "generator µs",
        "refused",
        "SMPP accept p99",
    ):
        table.add_column(heading, justify="left" if heading == "run" else "right")
    for row in rows:
        refused = sum(count for status, count in row["statuses"].items() if status != "202")
        smpp = row.get("smpp_accept_p99_ms")
        table.add_row(
            row["name"], f"{row['messages_per_s']:,.0f}", f"{row['p50_ms']:.1f} / {row['p99_ms']:.1f}",
            f"{row['server_us_per_request']:.0f}", f"{row['server_us_per_message']:.0f}",
            f"{row['generator_us_per_request']:.0f}", f"{refused:,}" if refused else "",
            "" if smpp is None else f"{smpp:.1f} ms",
        )  # fmt: skip
    return table


if __name__ == "__main__":
    main()
