"""Mobile networks by leading digits, from the networks file."""

from smsagg.config.check import COUNTRIES
from smsagg.config.csv_rows import FileProblems, parse_rows, read_text
from smsagg.config.schema import Config
from smsagg.routing.networks import COLUMNS, OPTIONAL_COLUMNS, NetworkRange, NetworkTable, range_of


def load_networks(config: Config, problems: list[str]) -> NetworkTable | None:
    """The table; ``None`` when there is no such file. What is wrong with it is added to ``problems``."""
    path = config.routing.networks
    if path is None:
        return None
    found = FileProblems(path)
    text = read_text(path, found)
    table = read_networks(text, found) if text is not None else None
    problems += found.lines
    return table


def read_networks(text: str, problems: FileProblems) -> NetworkTable:
    """The table that ``text`` says, without what is wrong with it."""
    ranges: dict[str, NetworkRange] = {}
    lines: dict[str, int] = {}
    for row in parse_rows(text, COLUMNS, OPTIONAL_COLUMNS, problems):
        one, wrong = range_of(row.values, COUNTRIES)
        if not wrong and one.prefix in lines:
            wrong = [f"prefix {one.prefix} is in line {lines[one.prefix]} already"]
        for reason in wrong:
            problems.add(row.line, reason)
        if not wrong:
            ranges[one.prefix] = one
            lines[one.prefix] = row.line
    return NetworkTable(ranges.values())
