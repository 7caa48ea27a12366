"""``python -m tools.bench``: the whole life of messages, submit to acknowledged receipt, all committed by SQLite FULL.

Prints a table and writes the figures as JSON. The rate that the server's CPU time alone would allow stands beside the
rate reached, because generator and carrier share the machine's cores with it.
"""

import os
import platform
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from tools.bench.processes import System, running_system

CONFIG = """
[server]
smpp_listen = "127.0.0.1:0"
http_listen = "127.0.0.1:0"
[store]
path = "{folder}/bench.db"
[log]
level = "warning"
[routing]
default_pool = "world"
[accounts.demo]
system_id = "demo"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$noX+Iw763ShLhVZnnser4A$M1DcfYGpzs4iR6ubb7HmTvh5JgrsN11OGA5JJIcDMMI"
[pools.world]
carriers = ["upstream"]
[carriers.upstream]
type = "smpp"
address = "127.0.0.1:{carrier_port}"
system_id = "smsagg"
links = 4
window = 200
"""
CARRIER = ("--latency", "1ms", "--receipt-delay", "2ms", "--deliver-window", "1000")

Row = dict[str, Any]


@click.command()
@click.option("--messages", default=100_000, show_default=True, help="Messages of each unpaced run.")
@click.option("--runs", default=3, show_default=True, help="Unpaced runs of each shape; the median is shown.")
@click.option("--million", is_flag=True, help="Also send a million, and watch the server's memory.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=Path("var/bench.json"))
def main(messages: int, runs: int, million: bool, json_path: Path) -> None:
    """Measure on this machine; the server, the carrier and the generator are processes of their own."""
    console = Console(width=140)
    rows: list[Row] = []
    with running_system(CONFIG, CARRIER) as system:
        system.load("--messages", "5000")  # warm up: files grown, caches filled
        shapes = (("4 binds × window 100", 4, 100), ("1 bind × window 10", 1, 10))
        for name, binds, window in shapes:
            found = [
                _unpaced(console, system, name, binds, window, messages if binds > 1 else messages // 4)
                for _ in range(runs)
            ]
            rows.append(sorted(found, key=lambda row: row["receipts_per_s"])[len(found) // 2])
        rows.append(_paced(console, system, 2_000))
        rows.append(_paced(console, system, 3_000))
        if million:
            rows += _million(console, system)
    console.print(_table(rows))
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_bytes(orjson.dumps({"machine": machine, "rows": rows}, option=orjson.OPT_INDENT_2))
    console.print(f"{machine['cores']} cores, Python {machine['python']}; written to {json_path}")


def _unpaced(console: Console, system: System, name: str, binds: int, window: int, messages: int) -> Row:
    console.print(f"{name}, {messages:,} messages …", style="dim")
    options = ("--binds", str(binds), "--window", str(window), "--messages", str(messages), "--check")
    return {"name": name, **system.load(*options)}


def _paced(console: Console, system: System, rate: int) -> Row:
    name = f"paced {rate:,}/s"
    console.print(f"{name} for 15 s …", style="dim")
    return {"name": name, **system.load("--rate", f"{rate}/s", "--duration", "15s", "--check")}


def _million(console: Console, system: System) -> list[Row]:
    return [_unpaced(console, system, f"{part * 250:,}k of a million", 4, 100, 250_000) for part in range(1, 5)]


def _table(rows: list[Row]) -> Table:
    table = Table(title="Whole life: submit, commit, carrier, receipt acknowledged")
    for heading in ("run", "messages/s", "by server CPU alone", "server µs", "carrier µs", "generator µs"):
        table.add_column(heading, justify="left" if heading == "run" else "right")
    for heading in ("accept p50 / p99 ms", "end to end p50 / p99 ms", "memory MiB", "peak MiB"):
        table.add_column(heading, justify="right")
    for row in rows:
        accept, life = row["accept_ms"], row["end_to_end_ms"]
        table.add_row(
            row["name"],
            f"{row['sent'] / row['elapsed_s']:,.0f}",
            f"{1e6 / row['server_cpu_us_per_message']:,.0f}",
            f"{row['server_cpu_us_per_message']:.0f}",
            f"{row['carrier_cpu_us_per_message']:.0f}",
            f"{row['generator_cpu_us_per_message']:.0f}",
            f"{accept['p50']:.1f} / {accept['p99']:.1f}",
            f"{life['p50']:.1f} / {life['p99']:.1f}",
            f"{row['server_resident_octets'] / 2**20:.0f}",
            f"{row['server_resident_peak_octets'] / 2**20:.0f}",
        )
    return table


if __name__ == "__main__":
    main()
