"""Tables of which no cell is cut."""

from io import StringIO

from rich.console import Console
from rich.table import Table

from smsagg.cli.whole import print_whole


def table(*values: str) -> Table:
    found = Table(*(f"column {place}" for place in range(len(values))))
    found.add_row(*values)
    return found


def printed(width: int, *tables: Table) -> tuple[str, Console]:
    console = Console(width=width, file=StringIO())
    print_whole(console, *tables)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue(), console


def test_the_widest_table_that_fits_is_printed() -> None:
    """The first of those that are offered."""
    wide, narrow = table("447400000001", "a wide one"), table("447400000002")
    assert "447400000001" in printed(80, wide, narrow)[0]
    assert "447400000002" in printed(20, wide, narrow)[0]


def test_no_cell_is_cut_when_nothing_fits() -> None:
    """The terminal wraps the lines; what is printed next has its width again."""
    text, console = printed(10, table("447400000001", "one", "two"), table("447400000002", "three"))
    assert "447400000002" in text
    assert "three" in text
    assert console.width == 10
