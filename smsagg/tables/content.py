"""Rules on what texts say, from the TOML file that ``[abuse] content_rules`` names."""

from collections.abc import Collection, Iterator

from attrs import define, field

from smsagg.abuse import NO_CONTENT_RULES, ContentRule, ContentRules
from smsagg.abuse.content import ACTIONS
from smsagg.config.check import COUNTRIES, DEFAULT_CLASS
from smsagg.config.csv_rows import FileProblems, read_text
from smsagg.config.problems import Problem, unknown_name
from smsagg.config.schema import Config, DataFile
from smsagg.config.units import seen
from smsagg.config.validators import each, one_of
from smsagg.tables.toml_file import parse_toml
from smsagg.text import folded
from smsagg.text.patterns import Pattern

RULES_MAX = 1_000
NAME_CHARACTERS_MAX = 60


def _is_pattern(_instance: object, _attribute: object, value: str) -> None:
    try:
        Pattern(value)
    except ValueError as error:
        raise ValueError(f"{error}, in {seen(value)}") from error


def _is_name(_instance: object, _attribute: object, value: str) -> None:
    if not value or not value.isprintable() or "|" in value or len(value) > NAME_CHARACTERS_MAX:
        raise ValueError(f'must be 1 to {NAME_CHARACTERS_MAX} printable characters, without "|", not {seen(value)}')


def _is_host(_instance: object, _attribute: object, value: str) -> None:
    if "." not in value.strip(".") or any(character in value for character in "/:*@ "):
        raise ValueError(f'must be a host such as "evil.example", which means all below it as well, not "{value}"')


@define(frozen=True)
class ContentRuleSettings:
    """``[[rules]]``: one rule; it matches a text that has any of its patterns or any of its hosts."""

    name: str = field(validator=_is_name)
    """For logs, alarms and the list of held messages."""
    action: str = field(validator=one_of(*ACTIONS))
    """``block``: the submit is refused (ESME_RSUBMITFAIL). ``hold``: it is taken, and waits for an operator.
    ``flag``: it is taken and sent, and raises an alarm."""
    patterns: tuple[str, ...] = field(default=(), validator=each(_is_pattern))
    """RE2: as in Perl, without back-references and look-around."""
    hosts: tuple[str, ...] = field(default=(), validator=each(_is_host))
    """Hosts of links, and all below them."""
    hosts_file: DataFile | None = None
    """A text file with more of them, one a line; relative to this file. Lines that begin with ``#`` are skipped."""
    accounts: tuple[str, ...] = ()
    """Whose messages it looks at; empty: all. Likewise the next two."""
    countries: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    fold: bool = True
    """Look at the text in one spelling: case, width, invisible characters and letters that look alike make no
    difference."""


@define(frozen=True)
class ContentFile:
    """The whole file."""

    rules: tuple[ContentRuleSettings, ...] = ()


def load_content(config: Config, problems: list[str]) -> ContentRules:
    """The rules that ``config`` names; what is wrong with them is added to ``problems``."""
    path = config.abuse.content_rules
    if path is None:
        return NO_CONTENT_RULES
    found = FileProblems(path)
    text = read_text(path, found)
    rules: list[ContentRule] = []
    if text is not None:
        rules = _parse(text, path, config, found)
    problems += found.lines
    if found.lines:
        return NO_CONTENT_RULES
    content = ContentRules(rules)
    for name in config.accounts:
        try:
            content.compile(name)
        except ValueError as error:
            problems.append(f"{path}: {error} (those that concern accounts.{name})")
            return NO_CONTENT_RULES
    return content


def _parse(text: str, path: str, config: Config, found: FileProblems) -> list[ContentRule]:
    file: ContentFile | None = parse_toml(text, path, ContentFile, found)
    if file is None:
        return []
    found.lines += [problem.line(path) for problem in _check(file, config)]
    return [_rule(settings, found) for settings in file.rules]


def _check(file: ContentFile, config: Config) -> Iterator[Problem]:
    if len(file.rules) > RULES_MAX:
        yield Problem(("rules",), f"must hold at most {RULES_MAX} rules, not {len(file.rules)}")
    names: set[str] = set()
    classes = {*config.message_classes, DEFAULT_CLASS}
    for i, rule in enumerate(file.rules):
        path = ("rules", f"[{i}]")
        if rule.name in names:
            yield Problem((*path, "name"), f'"{rule.name}" is the name of another rule already')
        names.add(rule.name)
        if not (rule.patterns or rule.hosts or rule.hosts_file):
            yield Problem(path, "must have patterns, hosts or a hosts_file")
        yield from _known((*path, "accounts"), rule.accounts, config.accounts, "account")
        for j, country in enumerate(rule.countries):
            if country not in COUNTRIES:
                reason = f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")'
                yield Problem((*path, "countries", f"[{j}]"), reason)
        yield from _known((*path, "classes"), rule.classes, classes, "message class")


def _known(path: tuple[str, ...], names: Collection[str], known: Collection[str], kind: str) -> Iterator[Problem]:
    for i, name in enumerate(names):
        yield from unknown_name((*path, f"[{i}]"), name, known, kind)


def _rule(settings: ContentRuleSettings, found: FileProblems) -> ContentRule:
    hosts = list(settings.hosts)
    if settings.hosts_file is not None:
        hosts += _read_hosts(settings.hosts_file, found)
    return ContentRule(
        settings.name,
        settings.action,
        settings.patterns,
        frozenset(folded(host).strip(".") for host in hosts),
        frozenset(settings.accounts),
        frozenset(settings.countries),
        frozenset(settings.classes),
        settings.fold,
    )


def _read_hosts(path: str, found: FileProblems) -> list[str]:
    own = FileProblems(path)
    text = read_text(path, own)
    hosts = []
    for number, line in enumerate((text or "").splitlines(), 1):
        host = line.strip()
        if not host or host.startswith("#"):
            continue
        try:
            _is_host(None, None, host)
        except ValueError as error:
            own.add(number, str(error))
        else:
            hosts.append(host)
    found.lines += own.lines
    return hosts
