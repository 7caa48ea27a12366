"""Reads a routes file: ``[[routes]]`` tables in, rules out, with every problem by its line.

What a single value may be is said by :mod:`smsagg.routing.rules.settings`; that names lead somewhere, and that a rule
says one thing to do, is checked here. A rule that nothing can reach is no error, for routes are edited in steps: it is
told as a warning (:mod:`smsagg.routing.rules.reach`).
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any, NoReturn

from attrs import define
from cattrs import Converter

from smsagg.config.check import COUNTRIES
from smsagg.config.csv_rows import FileProblems
from smsagg.config.problems import Problem, Problems
from smsagg.config.sandbox import SANDBOX
from smsagg.config.schema import Config
from smsagg.config.structure import strict_converter
from smsagg.config.units import seen
from smsagg.errors import ConfigError
from smsagg.routing.rules.lines import Lines
from smsagg.routing.rules.reach import unreachable
from smsagg.routing.rules.rule import Rule, rule_of
from smsagg.routing.rules.settings import RoutesFile, RuleSettings

RULES_MAX = 10_000
"""Sets of rules are numbers of so many bits; see :mod:`smsagg.routing.rules.index`."""
_SETS = ("set_class", "set_tag", "set_priority")


@define(frozen=True)
class Names:
    """What rules may refer to."""

    accounts: Collection[str]
    classes: Collection[str]
    pools: Collection[str]

    @classmethod
    def of(cls, config: Config) -> "Names":
        pools = [name for name in config.pools if name != SANDBOX]
        return cls(list(config.accounts), list(config.message_classes), pools)


def read_routes(
    text: str,
    names: Names,
    problems: FileProblems,
    warnings: FileProblems,
    before: Sequence[Mapping[str, Any]] = (),
    after: Sequence[Mapping[str, Any]] = (),
) -> list[Rule]:
    """The rules in ``text``, in order; none when there are ``problems``, which are all of the file's.

    ``before`` and ``after`` are tables of rules that stand in no file, and are told of without a line.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.add(0, f"is not TOML: {error}")
        return []
    lines = _LinesAmong(text, len(before), document.get("routes", []))
    document = _with_tables(document, before, after)
    settings, found = _structured(document, names)
    found += [
        problem for index, rule in settings.items() for problem in _problems_of(("routes", f"[{index}]"), rule, names)
    ]
    found += _names_again(settings)
    if len(settings) > RULES_MAX:
        found.append(Problem(("routes", f"[{RULES_MAX}]"), f"there may be {RULES_MAX} rules at most"))
    told = {(lines.of(problem.path), _said(problem, settings)) for problem in found if lines.of(problem.path)}
    for line, reason in sorted(told):
        problems.add(line, reason)
    problems.lines += dict.fromkeys(_said_of_put(problem, document) for problem in found if not lines.of(problem.path))
    if found:
        return []
    rules = [rule_of(rule) for rule in settings.values()]
    for index, reason in unreachable(rules):
        warnings.add(lines.of(("routes", f"[{index}]")), f'route "{rules[index].name}" {reason}')
    return rules


class _LinesAmong:
    """Lines of the rules of a text that have so many others before them."""

    def __init__(self, text: str, before: int, own: Any) -> None:
        self._lines = Lines(text)
        self._before = before
        self._end = before + (len(own) if isinstance(own, list) else 0)

    def of(self, path: tuple[str, ...]) -> int:
        """0: it stands in no file."""
        index = path[1][1:-1] if len(path) > 1 and path[0] == "routes" else ""
        if not index.isdecimal():
            return self._lines.of(path)
        if not self._before <= int(index) < self._end:
            return 0
        return self._lines.of(("routes", f"[{int(index) - self._before}]", *path[2:]))


def _with_tables(
    document: dict[str, Any], before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    own = document.get("routes", [])
    return document | {"routes": [*before, *own, *after]} if isinstance(own, list) else document


def _structured(document: dict[str, Any], names: Names) -> tuple[dict[int, RuleSettings], list[Problem]]:
    """The rules that are sound by themselves, by their place, and what is wrong with the others."""
    converter = strict_converter(_no_carriers)
    converter.register_structure_hook(datetime, lambda value, _: _instant(value))
    tables = document.get("routes", [])
    problems: list[Problem] = []
    settings: dict[int, RuleSettings] = {}
    try:
        converter.structure(document | {"routes": []}, RoutesFile)
    except Problems as error:
        problems += error.problems
    if not isinstance(tables, list):
        return {}, [*problems, Problem(("routes",), f"must be an array of tables ([[routes]]), not {seen(tables)}")]
    for index, table in enumerate(tables):
        path = ("routes", f"[{index}]")
        try:
            settings[index] = converter.structure(table, RuleSettings)
        except Problems as error:
            problems += [Problem((*path, *problem.path), problem.reason) for problem in error.problems]
            problems += _problems_of_the_rest(path, table, error.problems, converter, names)
        except ValueError as error:
            problems.append(Problem(path, str(error)))
    return settings, problems


def _problems_of_the_rest(
    path: tuple[str, ...], table: dict[str, Any], found: list[Problem], converter: Converter, names: Names
) -> list[Problem]:
    """Cross-check a rule without the keys that are wrong already, which are not to be missed then."""
    wrong = {problem.path[0] for problem in found if problem.path}
    rest = {key: value for key, value in table.items() if key not in wrong}
    try:
        rule = converter.structure({"name": "unnamed"} | rest, RuleSettings)
    except Problems:
        return []
    return [problem for problem in _problems_of(path, rule, names) if len(problem.path) > len(path)]


def _problems_of(path: tuple[str, ...], rule: RuleSettings, names: Names) -> Iterator[Problem]:
    """What is wrong between the values of a rule, or between them and the configuration."""
    for key, known, kind in (("accounts", names.accounts, "account"), ("classes", names.classes, "message class")):
        for place, name in enumerate(getattr(rule, key)):
            yield from _unknown((*path, key, f"[{place}]"), name, known, kind)
    for place, country in enumerate(rule.countries):
        if country not in COUNTRIES:
            reason = f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")'
            yield Problem((*path, "countries", f"[{place}]"), reason)
    for key, known, kind in (("pool", names.pools, "pool"), ("set_class", names.classes, "message class")):
        if getattr(rule, key):
            yield from _unknown((*path, key), getattr(rule, key), known, kind)
    yield from _actions(path, rule)
    if rule.valid_from is not None and rule.valid_until is not None and rule.valid_from >= rule.valid_until:
        yield Problem((*path, "valid_until"), "must be after valid_from")


def _actions(path: tuple[str, ...], rule: RuleSettings) -> Iterator[Problem]:
    """A rule does one thing."""
    said = [key for key, value in (("pool", rule.pool), ("block", rule.block), ("continue", rule.continue_)) if value]
    sets = [key for key in _SETS if getattr(rule, key) not in ("", None)]
    if not said:
        yield Problem(path, "must say what happens: pool, block (with a reason) or continue = true")
    for key in said[1:]:
        yield Problem((*path, key), f"is too much: {said[0]} says already what happens")
    if said == ["continue"] and not sets:
        yield Problem((*path, "continue"), f"does nothing without {', '.join(_SETS[:-1])} or {_SETS[-1]}")
    if rule.block:
        for key in sets:
            yield Problem((*path, key), "means nothing for a message that is refused")
    elif rule.command_status is not None:
        yield Problem((*path, "command_status"), "means nothing without block")


def _unknown(path: tuple[str, ...], name: str, known: Collection[str], kind: str) -> Iterator[Problem]:
    if name not in known:
        nearest = get_close_matches(name, known, n=1)
        hint = f'; did you mean "{nearest[0]}"?' if nearest else ""
        yield Problem(path, f'the configuration has no {kind} "{name}"{hint}')


def _names_again(settings: dict[int, RuleSettings]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, rule in settings.items():
        if first.setdefault(rule.name, index) != index:
            yield Problem(("routes", f"[{index}]", "name"), f'another route is called "{rule.name}"')


def _said(problem: Problem, settings: dict[int, RuleSettings]) -> str:
    """The reason with its key, and the name of its route when it is known."""
    index = problem.path[1][1:-1] if len(problem.path) > 1 else ""
    rule = settings.get(int(index)) if index.isdecimal() else None
    route = f'route "{rule.name}": ' if rule is not None else ""
    keys = "".join(part if part.startswith("[") else f".{part}" for part in problem.path[2:]).removeprefix(".")
    where = keys or ("" if index else ".".join(problem.path))
    return f"{route}{where}: {problem.reason}" if where else f"{route}{problem.reason}"


def _said_of_put(problem: Problem, document: Mapping[str, Any]) -> str:
    """Of a rule that stands in no file, as problems of all that was put at run time are told."""
    name = document["routes"][int(problem.path[1][1:-1])]["name"]
    return Problem(problem.path[2:], problem.reason).line(f"route {name}")


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError(f"must be a date and time with its offset, such as 2031-01-31T08:00:00Z, not {seen(value)}")
    return value


def _no_carriers(type_name: str) -> NoReturn:
    raise ConfigError(f'"{type_name}": a routes file has no carriers')
