"""``python -m tools.bench.scale``: the same system with many sessions, many carriers, a long past, a long queue,
distance and TLS.

Each part stands alone (``--only NAME``) and compares itself with a plain run of its own, since a shared machine is not
the same machine a minute later. The throughput compared is by the server's CPU time, which other users disturb least.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import click
from attrs import define, field
from rich.console import Console

from smsagg.store.sqlite.rows import MESSAGE_COLUMNS
from tools.bench import bed as beds
from tools.bench.bed import Bed, Row, account, carrier, pool
from tools.bench.curve import curve_of
from tools.bench.goals import Goal, at_least, at_most, conclude

FAST = ("--latency", "1ms", "--receipt-delay", "2ms", "--deliver-window", "1000")
PROGRESS_S = 5.0
SLOW_CARRIERS = 200
SLOW_RATE = 10
ONE_WAY_MS = (0, 1, 5, 25, 100)
WINDOWS = (10, 100, 1000)
RESTART_BOUND_S = 10.0
OUTAGE_MEMORY_OCTETS_MAX = 150 << 20
"""By how much the server may grow while messages pile up: its queues in memory are some ten thousand messages."""


@define
class Scale:
    """What the parts share: how large they are, and where their figures go."""

    console: Console
    quick: bool
    rows: list[Row] = field(factory=list)
    goals: list[Goal] = field(factory=list)
    part: str = ""

    def say(self, text: str) -> None:
        self.console.print(f"[bold]{self.part}[/]  {text}", style="dim", highlight=False)

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def add(self, row: Row) -> Row:
        self.rows.append({"part": self.part, **row})
        cpu = row.get("server_cpu_us_per_message")
        self.say(
            f"{row['name']}: {row['accepted_per_s']:,.0f} accepted/s, {row['receipts_per_s']:,.0f} receipts/s"
            + (f", {cpu:.0f} µs" if cpu else "")
        )
        return row

    def compare(self, plain: Callable[[], Row], scaled: Callable[[], Row], share_min: float = 0.9) -> tuple[Row, Row]:
        """Run both in turn, three times, and hold the throughput by CPU time of the second to a share of the first's.

        Shown are the cheapest runs: what others do on the machine only ever makes a run dearer.
        """
        found = [(plain(), scaled()) for _ in range(self.size(3, 2))]
        first, second = (min((pair[i] for pair in found), key=_cpu_us) for i in range(2))
        self.add(first)
        self.add(second)
        share = _cpu_us(first) / _cpu_us(second)
        self.goals.append(at_least(self.part, f"{second['name']}: throughput by CPU, share of plain", share, share_min))
        self.expect_clean(second)
        return first, second

    def expect_clean(self, row: Row) -> None:
        faults = row["receipts_missing"] + row["receipts_duplicated"] + row["receipts_unmatched"]
        faults += row["sent"] - row["accepted"]
        self.goals.append(at_most(self.part, f"{row['name']}: lost, duplicated or refused", faults, 0))


def _cpu_us(row: Row) -> float:
    return max(float(row["server_cpu_us_per_message"]), 1e-9)


def plain_tables(port: int) -> list[str]:
    """One account, one fast carrier with four links."""
    return [
        account("demo", binds_max=2_000, window_max=10_000, queue_max=10_000_000),
        pool("world", ["upstream"]),
        carrier("upstream", port, links=4, window=200),
    ]


@contextmanager
def plain_system(*more: str) -> Iterator[Bed]:
    with beds.test_bed() as bed:
        _, port = bed.start_carrier(*FAST)
        bed.start_server(*plain_tables(port), *more)
        bed.warm_up()
        yield bed


# --- parts ---


def sessions(scale: Scale) -> None:
    """1,000 bound sessions: idle beside traffic, then all of them busy."""
    count = scale.size(1_000, 200)
    messages = str(scale.size(100_000, 30_000))
    seconds = scale.size(15, 5)
    flood = ("--messages", messages, "--binds", "4", "--window", "100")
    with plain_system(account("idle", binds_max=5_000)) as bed, plain_system() as other:
        paced = scale.add(bed.load("4 sessions, 3,000/s", "--rate", "3000/s", "--duration", f"{seconds}s"))
        memory = beds.usage_of(bed.server_pid).resident_octets
        idle, line = bed.start_tool("bound ", "tools.bench.idle", "--port", str(bed.smpp), "--sessions", str(count))
        scale.say(f"idle sessions: {line}")
        with bed.measured() as cost:
            time.sleep(seconds)
        grown = beds.usage_of(bed.server_pid).resident_octets - memory
        scale.say(f"idle: {cost.cpu_s / seconds:.1%} of a core, {grown / count / 1024:.0f} KiB a session")
        scale.goals.append(at_most(scale.part, f"CPU share of {count:,} idle sessions", cost.cpu_s / seconds, 0.05))
        scale.goals.append(at_most(scale.part, "memory of an idle session, KiB", grown / count / 1024, 64))
        scale.compare(
            lambda: other.load("4 busy sessions", *flood), lambda: bed.load(f"4 busy beside {count:,} idle", *flood)
        )
        bed.end(idle)
        busy = ("--binds", str(count), "--window", "10", "--rate", "3000/s", "--duration", f"{seconds}s")
        spread = scale.add(bed.load(f"{count:,} sessions, 3,000/s in all", *busy))
        ratio = spread["server_cpu_us_per_message"] / paced["server_cpu_us_per_message"]
        scale.say(f"a message over {count:,} sessions costs {ratio:.2f} times one over 4")
        scale.expect_clean(spread)
        scale.goals.append(at_most(scale.part, "accept p99 over all sessions, ms", spread["accept_ms"]["p99"], 50))


def carriers(scale: Scale) -> None:
    """200 slow carriers of 10 messages/s: the cost of choosing among them, and whether they are kept busy."""
    count = scale.size(SLOW_CARRIERS, 50)
    seconds = scale.size(20, 8)
    total = count * SLOW_RATE
    names = [f"c{number:03}" for number in range(count)]
    with beds.test_bed() as bed:
        _, port = bed.start_carrier(*FAST)
        bed.start_server(*plain_tables(port))
        bed.warm_up()
        options = ("--rate", f"{total * 0.9}/s", "--duration", f"{seconds}s")
        plain = scale.add(bed.load("one fast carrier", *options))
    pools = {name: names[i::5] for i, name in enumerate(("gb", "vn", "uz", "hk", "us"))}
    shapes = {
        f"{count} slow in one pool": [pool("world", names)],
        f"{count} slow in 5 pools": [
            pool("world", names[:1]),
            *(pool(name, members, countries=[name.upper()]) for name, members in pools.items()),
        ],
    }
    slow = [carrier(name, port, rate=f"{SLOW_RATE}/s") for name in names]
    for shape, tables in shapes.items():
        with beds.test_bed() as bed:
            _, port = bed.start_carrier("--latency", "20ms..60ms", "--receipt-delay", "100ms")
            slow = [carrier(name, port, rate=f"{SLOW_RATE}/s") for name in names]
            demo = account("demo", binds_max=100, window_max=10_000, queue_max=10_000_000)
            bed.start_server(demo, *tables, *slow)
            _wait_for_links(bed, count)
            bed.warm_up("--messages", f"{total}", "--rate", f"{total / 2}/s")
            row = scale.add(bed.load(f"{shape}, 90 % of their rate", *options))
            scale.expect_clean(row)
            ratio = row["server_cpu_us_per_message"] / plain["server_cpu_us_per_message"]
            scale.goals.append(at_most(scale.part, f"{shape}: CPU a message, times plain", ratio, 1.5))
            with bed.measured() as cost:
                done = -bed.metric("smsagg_messages_finished_total")
                load = bed.begin_load("--binds", "4", "--window", "100", "--rate", f"{total * 3}/s",
                                      "--duration", f"{seconds}s", "--patience", "1s")  # fmt: skip
                time.sleep(seconds)
                done += bed.metric("smsagg_messages_finished_total")
            load.stop()
            scale.say(
                f"{shape}, offered 3 times: {done / seconds:,.0f} sent on/s, {cost.cpu_s / seconds:.0%} of a core"
            )
            scale.goals.append(
                at_least(scale.part, f"{shape}: share of the contracts used", done / seconds / total, 0.9)
            )


def history(scale: Scale) -> None:
    """Millions of messages that are over."""
    count = scale.size(10_000_000, 1_000_000)
    flood = ("--messages", str(scale.size(100_000, 40_000)), "--binds", "4", "--window", "100")
    with beds.test_bed() as bed, plain_system() as other:
        _, port = bed.start_carrier(*FAST)
        bed.start_server(*plain_tables(port))
        bed.end(bed.server_pid)
        began = time.monotonic()
        fill(bed.folder / "bench.db", "history", count, scale.say)
        scale.say(f"{count:,} rows written in {time.monotonic() - began:.0f} s")
        bed.start_server()
        scale.say(f"started in {bed.start_s:.1f} s")
        scale.goals.append(at_most(scale.part, "start", bed.start_s, RESTART_BOUND_S, " s"))
        bed.warm_up()
        scale.compare(
            lambda: other.load("empty history", *flood),
            lambda: bed.load(f"{count / 1e6:g} million in history", *flood),
        )


def outage(scale: Scale) -> None:
    """A million messages pile up while the carrier is away; then it comes back."""
    count = scale.size(1_000_000, 100_000)
    with beds.test_bed() as bed:
        pid, port = bed.start_carrier(*FAST)
        bed.start_server(*plain_tables(port))
        bed.warm_up()
        flood = ("--messages", str(scale.size(100_000, 40_000)), "--binds", "4", "--window", "100")
        plain = scale.add(bed.load("before the outage", *flood))
        bed.kill(pid)
        before = beds.usage_of(bed.server_pid)
        began = time.monotonic()
        load = bed.begin_load("--messages", str(count), "--binds", "4", "--window", "100", "--patience", "60s")
        with bed.measured() as cost:
            for queued in _watch(scale, bed, "smsagg_queue_account_messages", "queued", load):
                if queued >= count:
                    break
        seconds = time.monotonic() - began
        grown = max(cost.resident) - before.resident_octets
        scale.say(
            f"{count:,} queued in {seconds:.0f} s, {cost.cpu_s / count * 1e6:.0f} µs each; grew {grown / 2**20:.0f} MiB"
        )
        scale.goals.append(
            at_most(scale.part, "growth while queueing, MiB", grown / 2**20, OUTAGE_MEMORY_OCTETS_MAX >> 20)
        )
        done_before = bed.metric("smsagg_messages_finished_total")
        _, port = bed.start_carrier(*FAST, port=port)
        with bed.measured() as drain:
            began = time.monotonic()
            for done in _watch(scale, bed, "smsagg_messages_finished_total", "finished", load):
                if done <= done_before:
                    began = time.monotonic()  # the links are not bound yet
                if done - done_before >= count:
                    break
            seconds = time.monotonic() - began
        row = load.wait()
        row = scale.add({"name": "the million", **row, **drain.per_message(count), "receipts_per_s": count / seconds})
        scale.expect_clean(row)
        drained, normal = count / drain.cpu_s, 1e6 / plain["server_cpu_us_per_message"]
        scale.say(f"drained at {count / seconds:,.0f}/s, normal {plain['receipts_per_s']:,.0f}/s")
        scale.goals.append(
            at_least(scale.part, "drain rate, share of normal", count / seconds / plain["receipts_per_s"], 0.9)
        )
        scale.goals.append(at_least(scale.part, "drain rate by CPU, share of normal", drained / normal, 0.9))
        resident = max(drain.resident) - before.resident_octets
        scale.goals.append(
            at_most(scale.part, "growth while draining, MiB", resident / 2**20, OUTAGE_MEMORY_OCTETS_MAX >> 20)
        )


def restart(scale: Scale) -> None:
    """Start with a full queue, after an orderly end and after a kill."""
    count = scale.size(10_000_000, 1_000_000)
    with beds.test_bed() as bed:
        bed.start_server(*plain_tables(beds.free_port()))
        bed.load("warm-up", "--messages", "100", "--receipts", "none")
        bed.end(bed.server_pid)
        began = time.monotonic()
        fill(bed.folder / "bench.db", "messages", count, scale.say)
        scale.say(f"{count:,} rows written in {time.monotonic() - began:.0f} s")
        for name in ("after an orderly end", "after a kill"):
            bed.start_server()
            memory = beds.usage_of(bed.server_pid).resident_peak_octets / 2**20
            scale.say(f"{name}: accepting after {bed.start_s:.1f} s, {memory:.0f} MiB")
            scale.goals.append(
                at_most(scale.part, f"start {name}, {count / 1e6:g} million queued", bed.start_s, RESTART_BOUND_S, " s")
            )
            bed.load("accepts", "--messages", "1000", "--receipts", "none")
            bed.kill(bed.server_pid)


def distance(scale: Scale) -> None:
    """Throughput of one bind against window and round-trip time, with a delay on the wire.

    The window of receipts, the other way, is as large as the largest of submits: with less it would be the limit.
    """
    scale.console.print("expected: the smaller of window / round trip and what the server takes", style="dim")
    delays = ONE_WAY_MS[::2] if scale.quick else ONE_WAY_MS
    with plain_system("[session]\ndeliver_window = 1000") as bed:
        for one_way_ms in delays:
            pid, line = bed.start_tool(
                "listening on ", "tools.bench.delay", "--to", f"127.0.0.1:{bed.smpp}", "--one-way", f"{one_way_ms}ms"
            )
            port = int(line.rpartition(":")[2])
            for window in WINDOWS:
                round_trip_s = one_way_ms * 2e-3
                options = ("--binds", "1", "--window", str(window), "--duration", f"{scale.size(4, 2)}s")
                row = bed.load(f"round trip {2 * one_way_ms} ms, window {window}", *options, port=port)
                scale.add({**row, "round_trip_s": round_trip_s})
                if round_trip_s and window / round_trip_s < 4_000:
                    share = row["accepted_per_s"] * round_trip_s / window
                    scale.goals.append(
                        at_least(scale.part, f"{row['name']}: share of window / round trip", share, 0.75)
                    )
            bed.end(pid)


def tls(scale: Scale) -> None:
    """ESMEs over TLS; a proxy speaks it for the generator."""
    flood = ("--messages", str(scale.size(60_000, 20_000)), "--binds", "4", "--window", "100")
    with beds.test_bed() as bed:
        certificate, key = bed.folder / "tls.pem", bed.folder / "tls.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"],
            check=True, capture_output=True,
        )  # fmt: skip
        listen = f'[server.tls]\nsmpp_listen = "127.0.0.1:{bed.tls}"\n'
        files = f'certificate_file = "{certificate}"\nkey_file = "{key}"\n'
        _, port = bed.start_carrier(*FAST)
        bed.start_server(*plain_tables(port), listen + files)
        ports: list[int] = []
        for target, options in ((bed.smpp, ()), (bed.tls, ("--tls",))):
            _, line = bed.start_tool("listening on ", "tools.bench.delay", "--to", f"127.0.0.1:{target}", *options)
            ports.append(int(line.rpartition(":")[2]))
            bed.warm_up(port=ports[-1])
        scale.compare(
            lambda: bed.load("plain, through a proxy", *flood, port=ports[0]),
            lambda: bed.load("TLS, through a proxy", *flood, port=ports[1]),
            share_min=0.8,
        )


PARTS: dict[str, Callable[[Scale], None]] = {
    part.__name__: part for part in (sessions, carriers, history, outage, restart, distance, tls)
}


# --- their tools ---


def fill(path: Path, table: str, count: int, say: Callable[[str], None]) -> None:
    """Write ``count`` rows into ``messages`` (parked, due) or ``history`` of a store that nobody has open.

    The rows are copies of one message with numbers of their own, from 1,000,000,000 up.
    """
    first, chunk = 1_000_000_000, 500_000
    now_ms = int(time.time() * 1000)
    is_live = table == "messages"
    values = {
        "seq": "n",
        "message_id": "printf('%016x', n)",
        "account": "'demo'",
        "message_class": "'default'",
        "service_type": "''",
        "source_addr": "'smsagg'",
        "source_addr_ton": "5",
        "dest_addr_ton": "1",
        "dest_addr_npi": "1",
        "destination_addr": "'44770090' || (n % 10000)",
        "body": "CAST('A text as customers write them, number ' || n AS BLOB)",
        "tlvs": "x''",
        "country": "'GB'",
        "pool": "'world'",
        "accepted_at": f"{now_ms} - 1000",
        "not_before": f"{now_ms} - 1000",
        "next_attempt_at": f"{now_ms} - 1000",
        "expires_at": f"{now_ms} + 86400000 + n % 3600000",
        "state": "0" if is_live else "2",
        "parked": "1" if is_live else "0",
        "carrier": "''" if is_live else "'upstream'",
        "carrier_message_id": "''" if is_live else "'c' || n",
    }
    columns = ", ".join(MESSAGE_COLUMNS)
    chosen = ", ".join(values.get(column, "0") for column in MESSAGE_COLUMNS)
    connection = apsw.Connection(str(path))
    try:
        connection.execute("PRAGMA synchronous = OFF")
        for start in range(first, first + count, chunk):
            stop = min(start + chunk, first + count)
            numbers = f"SELECT value AS n FROM generate_series({start}, {stop - 1})"
            if not _has_series(connection):
                numbers = (
                    f"WITH RECURSIVE s(n) AS (SELECT {start} UNION ALL SELECT n + 1 FROM s WHERE n < {stop - 1})"
                    " SELECT n FROM s"
                )
            connection.execute(f"INSERT INTO {table} ({columns}) SELECT {chosen} FROM ({numbers})")
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            if (stop - first) % (4 * chunk) == 0:
                say(f"{stop - first:,} rows")
        connection.execute("UPDATE counters SET last_seq = ?", (first + count,))
    finally:
        connection.close()
    with path.open("rb") as database:  # or the first commit of the server would wait for all of it
        os.fsync(database.fileno())


def _has_series(connection: apsw.Connection) -> bool:
    found: int = connection.execute("SELECT count(*) FROM pragma_module_list WHERE name = 'generate_series'").get
    return bool(found)


def _wait_for_links(bed: Bed, count: int) -> None:
    while bed.metric("smsagg_carrier_link_bound") < count:
        time.sleep(0.2)


def _watch(scale: Scale, bed: Bed, metric: str, word: str, load: beds.RunningLoad) -> Iterator[float]:
    """The metric about five times a second, with a line now and then, until the load has ended."""
    told_at, told = time.monotonic(), bed.metric(metric)
    while True:
        value = bed.metric(metric)
        now = time.monotonic()
        if now - told_at > PROGRESS_S:
            memory = beds.usage_of(bed.server_pid).resident_octets / 2**20
            scale.say(f"{value:,.0f} {word}, {(value - told) / (now - told_at):,.0f}/s, {memory:.0f} MiB")
            told_at, told = now, value
        yield value
        if load.process.poll() is not None:
            return
        time.sleep(0.2)


@click.command()
@click.option("--only", "only", multiple=True, type=click.Choice(list(PARTS)), help="Run this part; repeatable.")
@click.option("--quick", is_flag=True, help="Smaller in every respect.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), default=Path("var/bench-scale.json"))
def main(only: tuple[str, ...], quick: bool, json_path: Path) -> None:
    """Measure at scale on this machine; exit 1 when a goal is not met."""
    scale = Scale(Console(width=140), quick)
    for name in only or PARTS:
        scale.part = name
        scale.say(" ".join((PARTS[name].__doc__ or "").split()))
        PARTS[name](scale)
    conclude(scale.console, "At scale", scale.rows, scale.goals, json_path)
    if any(row["part"] == "distance" for row in scale.rows):
        json_path.with_suffix(".svg").write_text(curve_of(json_path))
    sys.exit(not all(goal.met for goal in scale.goals))


if __name__ == "__main__":
    main()
