"""Carriers and drills as tables on a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from smsagg.config.units import format_duration

_COLOURS = {"ok": "green", "restricted": "yellow", "drained": "cyan", "draining": "cyan"}


def overview_of(records: Sequence[dict[str, Any]]) -> RenderableType:
    """A line for each carrier, and what holds them back below."""
    table = Table("carrier", "state", "bound", box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for column in ("in flight", "rate/s", "taken", "errors", "delivered"):
        table.add_column(column, justify="right", no_wrap=True)
    for record in records:
        links = record["links"]
        errors, delivered, _, _ = _fares(record)
        table.add_row(
            escape(record["carrier"]),
            _state(record["state"]),
            f"{sum(link['bound'] for link in links)}/{len(links)}",
            f"{record['in_flight']}/{sum(link['window'] for link in links)}",
            _rate(links),
            str(record["taken"]),
            errors,
            delivered,
        )
    lines = [f"[bold]{escape(record['carrier'])}[/]: {line}" for record in records for line in _restrictions(record)]
    return Group(table, *lines)


def detail_of(record: dict[str, Any]) -> RenderableType:
    """All about one carrier."""
    links = Table("link", "bound", box=SIMPLE_HEAD)
    for column in ("in flight", "window", "contracted/s", "paced/s"):
        links.add_column(column, justify="right")
    links.add_column("circuit")
    for link in record["links"]:
        silent = " (nothing is answered)" if link["silent"] else ""
        links.add_row(
            escape(link["name"]),
            "yes" if link["bound"] else "[red]no[/]",
            str(link["in_flight"]),
            str(link["window"]),
            _number(link["rate_contracted"]),
            _number(link["rate_paced"]),
            _circuit(link["circuit"]) + silent,
        )
    errors, delivered, receipt, response = _fares(record)
    over = format_duration(round(record["over_s"]))
    return Group(
        f"[bold]{escape(record['carrier'])}[/] {_state(record['state'])}",
        links,
        f"last {over}: taken {record['taken']}, errors {errors}, delivered {delivered} "
        f"of {record['receipts']} receipts, median receipt {receipt}, median response {response}",
        *_restrictions(record),
    )


def drill_of(record: dict[str, Any]) -> RenderableType:
    """A drill that goes on, or its report."""
    where = f"{escape(record['carrier'])}{' in ' + record['country'] if record['country'] else ''}"
    lasted = format_duration(round(record["lasted_s"]))
    ends = f"ended by {record['ended_by']}" if record["ended_by"] else f"ends in {record['ends_in_s']:.0f} s"
    head = f"[bold]drill {where}[/]: {record['kind']}, {lasted} so far, {ends}"
    if record["ended_by"]:
        head = f"[bold]drill {where}[/]: {record['kind']}, lasted {lasted}, {ends}"
    if record["refused"]:
        head += f", {record['refused']} hand-overs refused by us"
    table = Table("country", box=SIMPLE_HEAD)
    for column in ("messages", "moved"):
        table.add_column(column, justify="right")
    table.add_column("to")
    for column in ("wait before", "wait during", "delay added"):
        table.add_column(column, justify="right")
    for moved in record["countries"]:
        before, during = moved["wait_before_s"], moved["wait_during_s"]
        added = None if before is None or during is None else during - before
        table.add_row(
            moved["country"] or "unknown",
            str(moved["total"]),
            str(moved["moved"]),
            ", ".join(f"{escape(name)} {count}" for name, count in moved["to"].items()),
            _seconds(before),
            _seconds(during),
            _seconds(added),
        )
    return Group(head, table) if record["countries"] else Group(head, "no traffic that it would have had")


def _restrictions(record: dict[str, Any]) -> list[str]:
    ends = {action["reason"]: action["ends_in_s"] for action in record["actions"] if action["source"] != "drill"}
    drill = next((action for action in record["actions"] if action["source"] == "drill"), None)

    def line(where: str, reason: str) -> str:
        if reason.startswith("drill"):
            left = drill["ends_in_s"] if drill else None
        else:
            left = next((s for text, s in ends.items() if reason.endswith(text)), None)
        return f"{where}{escape(reason)}" + (f", for another {left:.0f} s" if left is not None else "")

    lines = [line("", reason) for reason in record["held"]]
    if record["drained_since"] is not None:
        since = datetime.fromtimestamp(record["drained_since"] / 1000, UTC)
        lines.append(f"drained since {since:%Y-%m-%d %H:%M:%S} UTC")
    for way in record["countries"]:
        where = f"{way['country'] or 'unknown countries'}: "
        if way["circuit"] != "closed":
            by = ", judged by receipts" if way["judged_by_receipts"] else ""
            lines.append(f"{where}circuit {way['circuit']}{by}")
        lines += [line(where, reason) for reason in way["held"]]
    if drill is not None and drill["action"] in ("throttle", "reject"):
        where = f"{drill['country']}: " if drill["country"] else ""
        lines.append(f"{where}drill: {drill['action']}, for another {drill['ends_in_s']:.0f} s")
    return lines


def _state(state: str) -> str:
    colour = _COLOURS.get(state, "red")
    return f"[{colour}]{state}[/]"


def _circuit(circuit: str) -> str:
    return circuit if circuit == "closed" else f"[red]{circuit}[/]"


def _fares(record: dict[str, Any]) -> tuple[str, str, str, str]:
    response = record["response_ms"]
    return (
        _share(record["errors"]),
        _share(record["delivery"]),
        _seconds(record["receipt_s"]),
        "-" if response is None else f"{response:.0f} ms",
    )


def _rate(links: Sequence[dict[str, Any]]) -> str:
    rates = [link["rate_contracted"] if link["rate_paced"] is None else link["rate_paced"] for link in links]
    return "-" if any(rate is None for rate in rates) else _number(sum(rates))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
