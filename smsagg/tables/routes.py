"""The routing rules of the routes file."""

from smsagg.config.csv_rows import FileProblems, read_text
from smsagg.config.overlay import NO_OVERLAY, Overlay
from smsagg.config.schema import Config
from smsagg.routing.router import Router
from smsagg.routing.rules import RouteTable
from smsagg.routing.rules.read import Names, read_routes

NO_FILE = "routes"
"""What rules that stand in no file are told of by."""


def load_routes(
    config: Config, problems: list[str], warnings: list[str], overlay: Overlay = NO_OVERLAY
) -> RouteTable | None:
    """The rules; ``None`` without any that could hold. What is wrong with the file is added to ``problems``, rules that
    nothing reaches to ``warnings``."""
    path = config.routing.routes
    before, after = overlay.rules()
    if path is None and not before and not after:
        return None
    name = path or NO_FILE
    found, unreached = FileProblems(name), FileProblems(name)
    text = "" if path is None else read_text(path, found)
    rules = [] if text is None else read_routes(text, Names.of(config), found, unreached, before, after)
    problems += found.lines
    warnings += unreached.lines
    table = RouteTable(rules, Router(config.pools, config.routing))
    return None if table.is_empty else table
