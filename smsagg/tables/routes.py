"""The routing rules of the routes file."""

from smsagg.config.csv_rows import FileProblems, read_text
from smsagg.config.schema import Config
from smsagg.routing.router import Router
from smsagg.routing.rules import RouteTable
from smsagg.routing.rules.read import Names, read_routes


def load_routes(config: Config, problems: list[str], warnings: list[str]) -> RouteTable | None:
    """The rules; ``None`` without any that could hold. What is wrong with the file is added to ``problems``, rules that
    nothing reaches to ``warnings``."""
    path = config.routing.routes
    if path is None:
        return None
    found, unreached = FileProblems(path), FileProblems(path)
    text = read_text(path, found)
    rules = [] if text is None else read_routes(text, Names.of(config), found, unreached)
    problems += found.lines
    warnings += unreached.lines
    table = RouteTable(rules, Router(config.pools, config.routing))
    return None if table.is_empty else table
