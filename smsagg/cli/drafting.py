"""What ``smsagg savings`` and ``smsagg replay`` share: the draft of routes, cards and pools that they try out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import click

from smsagg.carriers.registry import settings_class
from smsagg.cli.past import Asked, progress
from smsagg.config.csv_rows import FileProblems, read_text
from smsagg.config.load import load_config
from smsagg.config.schema import Config
from smsagg.config.units import DataFile
from smsagg.errors import ConfigError
from smsagg.history.traffic import traffic_of
from smsagg.pricing import RateCard
from smsagg.pricing.card_file import read_card
from smsagg.reports.report import Report
from smsagg.reports.what_if import OWN_POLICY, Draft, Rates, WhatIf
from smsagg.routing.router import Router
from smsagg.tables import Tables, load_tables


class CardFile(click.ParamType[tuple[str, Path]]):
    """``CARRIER=FILE.csv``, or a folder of ``CARRIER.csv``: a carrier of ``""`` with the folder."""

    name = "cards"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        if isinstance(value, tuple):
            return value
        carrier, is_file, path = str(value).partition("=")
        if is_file:
            return carrier, Path(path)
        if not Path(carrier).is_dir():
            self.fail(f'"{value}" is neither CARRIER=FILE.csv nor a folder', param, ctx)
        return "", Path(carrier)


def what_if_of(
    asked: Asked,
    draft_config: Path | None = None,
    routes: Path | None = None,
    cards: Sequence[tuple[str, Path]] = (),
    policy: str = OWN_POLICY,
) -> WhatIf:
    """The judge of a draft: another configuration, or this one with other routes, other rate cards, another policy.

    Raises :class:`ConfigError` with every problem of every file.
    """
    config = asked.config
    draft = config if draft_config is None else load_config(draft_config, settings_class)
    if routes is not None:
        draft = attrs.evolve(draft, routing=attrs.evolve(draft.routing, routes=DataFile(str(routes))))
    files = _card_files(cards)
    tables, now = load_tables(draft), load_tables(config)
    drafted = {**tables.cards, **_read_cards(files, draft, tables)}
    return WhatIf(
        Draft(
            pools=draft.pools,
            router=Router(draft.pools, draft.routing),
            routes=tables.routes,
            cards=drafted,
            account_tags={name: frozenset(account.tags) for name, account in draft.accounts.items() if account.tags},
            policy=policy,
            changed_pools=frozenset(name for name, pool in draft.pools.items() if not _is_same(config, name, pool)),
            changed_cards=_changed(now.cards, drafted) | files.keys(),
            newcomers=tuple(name for name in files if name not in draft.carriers),
        ),
        _rates(asked),
    )


def _is_same(config: Config, name: str, pool: object) -> bool:
    return config.pools.get(name) == pool


def _changed(now: Mapping[str, RateCard], then: Mapping[str, RateCard]) -> frozenset[str]:
    names = now.keys() | then.keys()
    return frozenset(name for name in names if _rows(now.get(name)) != _rows(then.get(name)))


def _rows(card: RateCard | None) -> tuple[object, ...] | None:
    return None if card is None else card.rows


def _card_files(cards: Sequence[tuple[str, Path]]) -> dict[str, Path]:
    """By carrier."""
    files: dict[str, Path] = {}
    for carrier, path in cards:
        found = {carrier: path} if carrier else {file.stem: file for file in sorted(path.glob("*.csv"))}
        if not found:
            raise ConfigError(f"{path}: has no rate cards; they are called after their carriers, CARRIER.csv")
        files |= found
    return files


def _read_cards(files: Mapping[str, Path], config: Config, tables: Tables) -> dict[str, RateCard]:
    problems: list[str] = []
    cards: dict[str, RateCard] = {}
    for name, path in files.items():
        found = FileProblems(str(path))
        carrier = config.carriers.get(name)
        currency = (carrier.currency if carrier is not None else None) or config.money.currency
        text = read_text(str(path), found)
        card = None if text is None else read_card(text, currency, tables.currencies, found)
        problems += found.lines
        if card is not None:
            cards[name] = card
    if problems:
        raise ConfigError("\n".join(problems))
    return cards


def _rates(asked: Asked) -> Rates:
    """The delivery rates of the span, of all accounts."""
    report = Report(("carrier", "country"))
    with progress("Reading") as advance:
        for records in traffic_of(asked.history, asked.span, on_progress=advance):
            report.add(records)
    return Rates(report)
