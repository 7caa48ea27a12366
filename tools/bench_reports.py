"""Measures reports over a long past: ``make bench-reports``.

Fills a store's file with messages that are over (``--messages``, a million by default), asks for a report by country,
carrier and hour, exports them all as CSV and as Parquet, and says how many a second went through and by how much the
memory grew.
"""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import click

from smsagg.history import open_history
from smsagg.history.cdr import Selection, chosen
from smsagg.history.cdr_files import FORMATS
from smsagg.history.export import Wanted, export_span
from smsagg.history.traffic import traffic_of
from smsagg.reports.report import Report
from smsagg.store.sqlite.connection import Seams, close, connect
from smsagg.store.sqlite.rows import MESSAGE_COLUMNS
from smsagg.store.sqlite.schema import load_migrations, migrate

BY = ("country", "carrier", "hour")
BEGAN_AT = 1_700_000_000_000
VALUES = {
    "seq": "n",
    "message_id": "printf('%08x0badcafe', n)",
    "account": "'account' || (n % 7)",
    "message_class": "'default'",
    "source_addr": "'sender' || (n % 50)",
    "destination_addr": "printf('4477%08d', n * 7919 % 100000000)",
    "body": "cast('Your code is ' || (n * 104729 % 1000000) || '. Do not share it with anybody.' AS BLOB)",
    "tlvs": "x''",
    "country": "substr('GBVNUZHKUS', 1 + n % 5 * 2, 2)",
    "network": "'23415'",
    "pool": "'pool' || (n % 5)",
    "route": "'route' || (n % 20)",
    "accepted_at": f"{BEGAN_AT} + n * 80",
    "not_before": f"{BEGAN_AT} + n * 80",
    "expires_at": f"{BEGAN_AT} + n * 80 + 86400000",
    "state": "CASE WHEN n % 20 THEN 2 ELSE 5 END",
    "cause": "CASE WHEN n % 20 THEN 0 ELSE 1 + n % 13 END",
    "attempts": "1 + (n % 50 = 0)",
    "carrier": "'carrier' || (n % 12)",
    "carrier_message_id": "printf('%016x', n * 2654435761)",
    "done_at": f"{BEGAN_AT} + n * 80 + 500 + n * 7907 % 9000",
    "price": "40000",
    "revenue": "40000",
    "charge_on": "1",
    "charged": "40000",
    "cost": "20000 + n % 1000",
    "trail": "'12|carrier' || (n % 12) || '/1|cheapest of 3|accepted'",
}
TEXT = {"service_type", "tag"}


def fill(path: Path, messages: int) -> None:
    """A store in whose history are so many messages, 80 ms apart."""
    connection = connect(str(path), Seams(synchronous="OFF"))
    migrate(connection, load_migrations())
    values = ", ".join(VALUES.get(name, "''" if name in TEXT else "0") for name in MESSAGE_COLUMNS)
    with connection:
        connection.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)"
            f" INSERT INTO history ({', '.join(MESSAGE_COLUMNS)}) SELECT {values} FROM numbers",
            (messages,),
        )
        connection.execute("UPDATE counters SET last_seq = ?", (messages,))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    close(connection)


def peak_octets() -> int:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def count_all(path: Path) -> None:
    """The report."""
    with open_history(path) as history:
        report = Report(BY)
        for records in traffic_of(history, history.span(0, BEGAN_AT * 2)):
            report.add(records)
    assert report.total.accepted


def export_all(path: Path, format: str) -> None:
    """The export."""
    with open_history(path) as history:
        wanted = Wanted(Selection(chosen([], bodies=True)), format)
        export_span(history, history.span(0, BEGAN_AT * 2), wanted, path.with_suffix(f".{format}"))


def measured(what: str, messages: int, work: Callable[..., None], *arguments: object) -> None:
    """Do it in a process of its own, and say what it took."""

    def run(sender: Connection) -> None:
        before, began = peak_octets(), time.perf_counter()
        work(*arguments)
        sender.send((time.perf_counter() - began, peak_octets() - before))

    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=run, args=(sender,))
    process.start()
    sender.close()
    seconds, grown = receiver.recv()
    process.join()
    rate = messages / seconds
    click.echo(f"{what:<16} {seconds:6.1f} s  {rate:>9,.0f} messages/s  memory grew by {grown / 2**20:.0f} MiB")


@click.command()
@click.option("--messages", default=1_000_000, show_default=True, type=click.IntRange(1))
def main(messages: int) -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "smsagg.db")
        filling = multiprocessing.get_context("fork").Process(target=fill, args=(path, messages))
        filling.start()
        filling.join()
        click.echo(f"{messages:,} messages, {path.stat().st_size / 2**20:.0f} MiB")
        measured("report", messages, count_all, path)
        for format in FORMATS:
            measured(f"export {format}", messages, export_all, path, format)


if __name__ == "__main__":
    main()
