"""The rules of countries, from the TOML file that ``[compliance] file`` names."""

from collections.abc import Iterator
from datetime import date

from attrs import define, field

from smsagg.compliance import NO_RULES, ComplianceMap, CountryRules, Hours, RequiredText, Senders
from smsagg.config.check import COUNTRIES, DEFAULT_CLASS
from smsagg.config.csv_rows import FileProblems, read_text
from smsagg.config.problems import Problem, unknown_name
from smsagg.config.schema import Config
from smsagg.config.units import MessageLimit
from smsagg.config.validators import each, not_empty, one_of
from smsagg.routing.rules.week import parse_days, parse_window, week_of
from smsagg.routing.zones import MINUTES_A_WEEK
from smsagg.tables.toml_file import parse_toml

DEFAULT = "default"
"""The section for countries that have none."""
WELL_KNOWN = ("otp", "transactional", "marketing")
"""Classes that may be named whether or not the configuration has them."""
HOLIDAYS_MAX = 1_000
_EPOCH = date(1970, 1, 1).toordinal()


def _is_window(_instance: object, _attribute: object, value: str) -> None:
    parse_window(value)


def _is_days(_instance: object, _attribute: object, value: str) -> None:
    parse_days(value)


def _is_date(_instance: object, _attribute: object, value: str) -> None:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError(f'must be a day such as "2026-12-25", not "{value}"') from None


@define(frozen=True)
class HoursSettings:
    """``[[COUNTRY.hours]]``: when messages of some classes may be sent; several add up."""

    classes: tuple[str, ...] = field(validator=not_empty)
    open: tuple[str, ...] = field(default=(), validator=each(_is_window))
    """Windows of the day where the recipient is: ``"08:00-20:00"``; none: the whole day."""
    days: tuple[str, ...] = field(default=(), validator=each(_is_days))
    """``"mon-fri"``; none: every day."""
    outside: str = field(default="hold", validator=one_of("hold", "refuse"))
    """``hold``: what comes outside waits until it is open, if it lives so long; ``refuse``."""


@define(frozen=True)
class TextSettings:
    """``[[COUNTRY.texts]]``: what messages of some classes have to say."""

    classes: tuple[str, ...] = field(validator=not_empty)
    has: tuple[str, ...] = field(validator=not_empty)
    """One of these must be in the text."""
    add: str = ""
    """What is put behind a text that has none of them; empty: it is refused."""


@define(frozen=True)
class CapSettings:
    """``[[COUNTRY.caps]]``: how often an account may write to one number."""

    classes: tuple[str, ...] = field(validator=not_empty)
    limits: tuple[MessageLimit, ...] = field(validator=not_empty)
    """``"3/d"``; ``"1/4h"``: four hours of quiet after each message."""


@define(frozen=True)
class CountryRulesSettings:
    """``[COUNTRY]``: its rules, or with ``[default]`` those of all that have no section."""

    classes: tuple[str, ...] | None = None
    """That may be sent there; none: all."""
    senders: str = field(default=Senders.ANY.value, validator=one_of(*(one.value for one in Senders)))
    """``registered``: names must be; ``numbers``: no names."""
    opt_in: tuple[str, ...] = ()
    """Classes that need an opt-in."""
    templates: tuple[str, ...] = ()
    """Classes whose templates need approval."""
    holidays: tuple[str, ...] = field(default=(), validator=each(_is_date))
    """Days without any hours."""
    hours: tuple[HoursSettings, ...] = ()
    texts: tuple[TextSettings, ...] = ()
    caps: tuple[CapSettings, ...] = ()


def load_compliance(config: Config, problems: list[str]) -> ComplianceMap:
    """The rules that ``config`` names; what is wrong with them is added to ``problems``."""
    path = config.compliance.file
    if path is None:
        return NO_RULES
    found = FileProblems(path)
    text = read_text(path, found)
    file: dict[str, CountryRulesSettings] | None = None
    if text is not None:
        file = parse_toml(text, path, dict[str, CountryRulesSettings], found)
    if file is not None:
        found.lines += [problem.line(path) for problem in _check(file, config)]
    problems += found.lines
    if file is None or found.lines:
        return NO_RULES
    rules = {country: _rules(country, settings) for country, settings in file.items()}
    default = rules.pop(DEFAULT, None)
    return ComplianceMap(rules, default)


def _check(file: dict[str, CountryRulesSettings], config: Config) -> Iterator[Problem]:
    classes = {*config.message_classes, DEFAULT_CLASS, *WELL_KNOWN}
    for country, settings in file.items():
        if country != DEFAULT and country not in COUNTRIES:
            reason = "is no country code of ISO 3166 (two capital letters, such as GB), and not default"
            yield Problem((country,), reason)
        if len(settings.holidays) > HOLIDAYS_MAX:
            yield Problem((country, "holidays"), f"must be at most {HOLIDAYS_MAX}")
        named: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
            (("classes",), settings.classes or ()),
            (("opt_in",), settings.opt_in),
            (("templates",), settings.templates),
            *((("hours", f"[{i}]", "classes"), hours.classes) for i, hours in enumerate(settings.hours)),
            *((("texts", f"[{i}]", "classes"), text.classes) for i, text in enumerate(settings.texts)),
            *((("caps", f"[{i}]", "classes"), cap.classes) for i, cap in enumerate(settings.caps)),
        ]
        for path, names in named:
            for i, name in enumerate(names):
                yield from unknown_name((country, *path, f"[{i}]"), name, classes, "message class")


def _rules(country: str, settings: CountryRulesSettings) -> CountryRules:
    return CountryRules(
        "" if country == DEFAULT else country,
        None if settings.classes is None else frozenset(settings.classes),
        Senders(settings.senders),
        frozenset(settings.opt_in),
        frozenset(settings.templates),
        {name: _hours(name, settings) for one in settings.hours for name in one.classes},
        tuple(RequiredText(frozenset(one.classes), one.has, one.add) for one in settings.texts),
        {name: _caps(name, settings) for one in settings.caps for name in one.classes},
    )


def _caps(message_class: str, settings: CountryRulesSettings) -> tuple[MessageLimit, ...]:
    own = [one for one in settings.caps if message_class in one.classes]
    return tuple(dict.fromkeys(limit for one in own for limit in one.limits))


def _hours(message_class: str, settings: CountryRulesSettings) -> Hours:
    own = [one for one in settings.hours if message_class in one.classes]
    weeks = [week_of(one.open, one.days) or bytes([1]) * MINUTES_A_WEEK for one in own]
    return Hours(
        bytes(map(max, zip(*weeks, strict=True))),
        frozenset(date.fromisoformat(day).toordinal() - _EPOCH for day in settings.holidays),
        all(one.outside == "hold" for one in own),
        tuple(" ".join((*one.days, *one.open)) or "always" for one in own),
    )
