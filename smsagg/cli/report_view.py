"""Reports as tables on a terminal: totals, right-aligned numbers, small pictures where people would rather look."""

from collections.abc import Callable, Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from smsagg.cli.past import plain_table
from smsagg.reports import words
from smsagg.reports.report import Report
from smsagg.reports.tally import BOUND_WORDS, ENDS, Tally

VOLUME_WIDTH = 8
FEW_MICROS = 10_000_000
"""Totals below this show more places, since single messages cost cents and less."""
CAUSES_SHOWN = 12
CAUSE_WIDTH = 24

TIMES = f"{BOUND_WORDS[0]}…{BOUND_WORDS[-2]}"
LEFT_OUT = ("", TIMES, "retries", "p99")
"""Columns that go on a narrow terminal, in this order."""

Column = tuple[str, Callable[[Tally], str]]


def fates_tables(report: Report, span: str, rows_max: int) -> Iterator[Table]:
    """What became of each group's messages, and how soon; at most ``rows_max`` groups, and the total.

    Ends that no message came to have no column. The first table has all columns, each further one is narrower.
    """
    columns = _fates(report)
    yield _table(f"Messages from {span}", report, report.total, columns, rows_max)
    for head in LEFT_OUT:
        columns = [column for column in columns if column[0] != head]
        yield _table(f"Messages from {span}", report, report.total, columns, rows_max)


def _fates(report: Report) -> list[Column]:
    total = report.total
    most = max((tally.accepted for _, tally in report.groups()), default=1)
    columns: list[Column] = [
        ("accepted", lambda tally: words.count(tally.accepted)),
        ("", lambda tally: words.bar(tally.accepted / most, VOLUME_WIDTH) if tally is not total else ""),
    ]
    if total.pending:
        columns.append(("pending", lambda tally: words.count(tally.pending)))
    columns += [_end_column(word) for word in ENDS if total.ended(word)]
    if total.opted_out:
        columns.append(("opted out", lambda tally: words.count(tally.opted_out)))
    columns += [
        ("rate", lambda tally: words.percentage(tally.delivery_rate)),
        ("median", lambda tally: _quantile(tally, 0.5)),
        ("p99", lambda tally: _quantile(tally, 0.99)),
        (TIMES, lambda tally: words.sparkline(tally.distribution())),
        ("retries", lambda tally: words.count(tally.retries)),
    ]
    return columns


def money_table(report: Report, currency: str, rows_max: int) -> Table:
    """What each group cost and brought, in the base currency."""
    places = 2 if max(report.total.cost, report.total.revenue) >= FEW_MICROS else 4
    columns: list[Column] = [
        ("delivered", lambda tally: words.count(tally.delivered)),
        ("cost", lambda tally: words.money(tally.cost, places)),
        ("price", lambda tally: words.money(tally.revenue, places)),
        ("margin", lambda tally: words.money(tally.margin, places)),
        ("margin %", lambda tally: words.percentage(tally.margin / tally.revenue if tally.revenue else None)),
        ("cost per delivered", lambda tally: words.money(tally.cost_per_delivered, 5)),
    ]
    return _table(f"Money, in {currency}", report, report.total, columns, rows_max)


def causes_table(tally: Tally) -> Table:
    """Why messages were not delivered, the most frequent causes first."""
    table = plain_table("Not delivered, by cause", ("cause",), ("messages", "share", ""))
    causes = tally.causes_by_name()
    everything = sum(causes.values())
    ranked = list(causes.items())
    rest = sum(number for _, number in ranked[CAUSES_SHOWN:])
    for name, number in ranked[:CAUSES_SHOWN] + ([(f"{len(ranked) - CAUSES_SHOWN} others", rest)] if rest else []):
        share = number / everything
        name = name.replace("_", " ")
        table.add_row(name, words.count(number), words.percentage(share), words.bar(share, CAUSE_WIDTH))
    return table


def _table(title: str, report: Report, total: Tally, columns: Sequence[Column], rows_max: int) -> Table:
    table = plain_table(title, report.by, [head for head, _ in columns])
    groups = report.groups()
    for key, tally in groups[:rows_max]:
        labels = [escape(words.value_of(name, value)) for name, value in zip(report.by, key, strict=True)]
        table.add_row(*labels, *(cell(tally) for _, cell in columns))
    if len(groups) > rows_max and report.by:
        table.add_row(f"… {len(groups) - rows_max:,} more", *([""] * (len(report.by) - 1)))
    if report.by:
        table.add_section()
        labels = ["total", *([""] * (len(report.by) - 1))]
        table.add_row(*labels, *(cell(total) for _, cell in columns), style="bold")
    return table


def _end_column(word: str) -> Column:
    return word, lambda tally: words.count(tally.ended(word))


def _quantile(tally: Tally, share: float) -> str:
    found = tally.durations.quantile(share)
    return words.duration(None if found is None else found / 1000)
