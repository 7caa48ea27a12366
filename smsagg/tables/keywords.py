"""The words by which people opt out and in, from the TOML file that ``[consent] keywords`` names, or from our own."""

from collections.abc import Iterator
from functools import cache
from importlib import resources

from attrs import define, field

import smsagg.consent
from smsagg.config.check import COUNTRIES
from smsagg.config.csv_rows import FileProblems, read_text
from smsagg.config.problems import Problem
from smsagg.config.schema import Config
from smsagg.config.validators import each, not_empty
from smsagg.consent.keywords import EVERYWHERE, TEXT_CHARACTERS_MAX, Keywords, Language, Wish, fold_text
from smsagg.tables.toml_file import parse_toml

OURS = "keywords.toml"


def _is_word(_instance: object, _attribute: object, value: str) -> None:
    if not fold_text(value) or len(value) > TEXT_CHARACTERS_MAX:
        raise ValueError(f'must be 1 to {TEXT_CHARACTERS_MAX} characters with a letter among them, not "{value}"')


@define(frozen=True)
class LanguageSettings:
    """``[LANGUAGE]``: its words, and what is answered in it."""

    countries: tuple[str, ...]
    """From whose numbers it is heard (ISO 3166); ``"*"``: from all."""
    stop: tuple[str, ...] = field(validator=each(_is_word))
    start: tuple[str, ...] = field(validator=each(_is_word))
    stopped: str = field(validator=not_empty)
    """What is answered to a stop; likewise the next to a start."""
    started: str = field(validator=not_empty)
    help: tuple[str, ...] = field(default=(), validator=each(_is_word))


def load_keywords(config: Config, problems: list[str]) -> Keywords:
    """The keywords under ``config``; what is wrong with them is added to ``problems``."""
    path = config.consent.keywords
    if path is None:
        return our_keywords()
    found = FileProblems(path)
    text = read_text(path, found)
    keywords = Keywords() if text is None else _parse(text, path, found)
    problems += found.lines
    return keywords


@cache
def our_keywords() -> Keywords:
    """Those that come with the server."""
    found = FileProblems(OURS)
    keywords = _parse(resources.files(smsagg.consent).joinpath(OURS).read_text(), OURS, found)
    assert not found.lines, found.lines
    return keywords


def _parse(text: str, path: str, found: FileProblems) -> Keywords:
    file: dict[str, LanguageSettings] | None = parse_toml(text, path, dict[str, LanguageSettings], found)
    if file is None:
        return Keywords()
    found.lines += [problem.line(path) for problem in _check(file)]
    languages = [_language(name, settings) for name, settings in file.items()]
    return Keywords(sorted(languages, key=lambda language: EVERYWHERE in language.countries))


def _check(file: dict[str, LanguageSettings]) -> Iterator[Problem]:
    for name, settings in file.items():
        for i, country in enumerate(settings.countries):
            if country != EVERYWHERE and country not in COUNTRIES:
                reason = f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")'
                yield Problem((name, "countries", f"[{i}]"), reason)
        words = [(word, fold_text(word)) for word in (*settings.stop, *settings.start, *settings.help)]
        kinds = [{fold_text(word) for word in own} for own in (settings.stop, settings.start, settings.help)]
        for word, folded in words:
            if sum(folded in kind for kind in kinds) > 1:
                yield Problem((name,), f'"{word}" cannot mean two things')


def _language(name: str, settings: LanguageSettings) -> Language:
    return Language(
        name,
        frozenset(settings.countries),
        {Wish.STOP: settings.stop, Wish.START: settings.start, Wish.HELP: settings.help},
        {Wish.STOP: settings.stopped, Wish.START: settings.started},
    )
