"""Reports as rows for programs: flat for CSV, nested for JSON. Money is a decimal string, exact to the micro-unit."""

from collections.abc import Iterator
from typing import Any

from smsagg.config.amounts import format_micros
from smsagg.reports.report import Key, Report
from smsagg.reports.tally import BOUND_WORDS, MONEY_FIGURES, Tally, figures


def flat_rows(report: Report) -> Iterator[dict[str, Any]]:
    """A row for each group: the dimensions, the figures, how many were delivered within which time, and the causes in
    one value (``absent_subscriber=3 spam=1``)."""
    for key, tally in report.groups():
        causes = " ".join(f"{name}={count}" for name, count in tally.causes_by_name().items())
        times = dict(zip(_time_columns(), tally.distribution(), strict=True))
        yield {**dict(zip(report.by, key, strict=True)), **_figures(tally), **times, "causes": causes}


def document(report: Report, currency: str, since: str, until: str) -> dict[str, Any]:
    """The whole report."""
    return {
        "since": since,
        "until": until,
        "by": list(report.by),
        "currency": currency,
        "rows": [_nested(report, key, tally) for key, tally in report.groups()],
        "total": _nested(report, (), report.total),
    }


def _nested(report: Report, key: Key, tally: Tally) -> dict[str, Any]:
    return {
        **dict(zip(report.by, key, strict=False)),
        **_figures(tally),
        "times": dict(zip(BOUND_WORDS, tally.distribution(), strict=True)),
        "causes": tally.causes_by_name(),
    }


def _figures(tally: Tally) -> dict[str, Any]:
    found = figures(tally)
    for name in MONEY_FIGURES:
        if found[name] is not None:
            found[name] = format_micros(found[name])
    if found["delivery_rate"] is not None:
        found["delivery_rate"] = round(found["delivery_rate"], 6)
    return found


def _time_columns() -> Iterator[str]:
    for word in BOUND_WORDS[:-1]:
        yield f"within_{word}"
    yield f"beyond_{BOUND_WORDS[-2]}"
