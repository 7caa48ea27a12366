"""Tables of which no cell is cut, however narrow the terminal is."""

from rich.console import Console
from rich.table import Table

WIDTH_MAX = 10_000
"""Columns that no table needs."""


def print_whole(console: Console, table: Table, *narrower: Table) -> None:
    """Print the first of these tables that fits; when none does, the last one, whose lines the terminal wraps."""
    width, needed = console.width, 0
    for found in (table, *narrower):
        needed = console.measure(found, options=console.options.update(max_width=WIDTH_MAX)).maximum
        if needed <= width:
            break
    console.width = max(width, needed)
    try:
        console.print(found)
    finally:
        console.width = width
