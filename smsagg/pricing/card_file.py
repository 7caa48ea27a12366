"""Rate cards and price lists as CSV.

========================  ==============================================================================================
Column                    Value
========================  ==============================================================================================
``prefix``                leading digits of the number (``44`` or ``+44``), or ``*`` for everywhere
``mccmnc``                network (``23415``, ``234-15``), or a country's code alone (``234``)
``country``               ISO 3166 code (``GB``)
``price``                 of one segment: ``0.0235``, at most six places
``currency``              ISO 4217; the carrier's or account's when empty
``effective_from``        date or date and time (``2026-01-01``, ``2026-01-01T12:00:00+01:00``), UTC without a zone;
                          always when empty
``effective_until``       the same; from this instant on it does not hold
``charge``                ``submit`` (the default): owed when a carrier took the message; ``delivery``: when it was
                          delivered
========================  ==============================================================================================

Each row has a value in exactly one of the first three columns. Two rows of one destination may not hold at the same
time. Nothing is used of a file in which anything is wrong.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from smsagg.config.amounts import Amount, format_micros, parse_price
from smsagg.config.check import COUNTRIES
from smsagg.config.csv_rows import CsvRow, FileProblems, parse_rows
from smsagg.config.units import seen
from smsagg.model import ChargeOn
from smsagg.pricing.currencies import Currencies
from smsagg.pricing.rate_card import ALWAYS, FOREVER, CardRow, DestinationKind, RateCard

DESTINATIONS = ("prefix", "mccmnc", "country")
OTHERS = ("currency", "effective_from", "effective_until", "charge")
COLUMNS = (*DESTINATIONS, "price", *OTHERS)

Value = TypeVar("Value")

_PREFIX = re.compile(r"\+?([1-9]\d{0,14})", re.ASCII)
_MCCMNC = re.compile(r"(\d{3})(?:[-/ ]?(\d{2,3}))?", re.ASCII)
_CHARGES = {"": ChargeOn.SUBMITTED, "submit": ChargeOn.SUBMITTED, "delivery": ChargeOn.DELIVERED}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_CHARGE_NAMES = {ChargeOn.SUBMITTED: "submit", ChargeOn.DELIVERED: "delivery"}


def read_card(
    text: str, currency: str, currencies: Currencies, problems: FileProblems, only: str = ""
) -> RateCard | None:
    """The card that ``text`` writes; ``None`` when anything is wrong, which ``problems`` then holds.

    ``currency`` is that of rows which name none; with ``only`` no row may name another than that.
    """
    before = len(problems.lines)
    rows: list[tuple[int, CardRow]] = []
    for row in parse_rows(text, ("price",), (*DESTINATIONS, *OTHERS), problems):
        card_row = _card_row(row, currency, currencies, problems, only)
        if card_row is not None:
            rows.append((row.line, card_row))
    _find_overlaps(rows, problems)
    if len(problems.lines) > before:
        return None
    return RateCard([row for _, row in rows], currencies)


def write_card(rows: Iterable[CardRow]) -> str:
    """The CSV that :func:`read_card` reads as these rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(_values_of(row))
    return text.getvalue()


def parse_instant(text: str) -> int:
    """UTC milliseconds of a date or a date and time, which is UTC when it names no zone; raises ValueError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is not None and instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    if instant is None or instant < _EPOCH:
        raise ValueError(
            f'must be a date or an instant such as "2026-01-31" or "2026-01-31T12:00:00Z", not {seen(text)}'
        )
    return (instant - _EPOCH) // _MILLISECOND


def format_instant(instant_ms: int) -> str:
    """The shortest spelling of UTC milliseconds that :func:`parse_instant` reads."""
    instant = _EPOCH + instant_ms * _MILLISECOND
    if instant_ms % 86_400_000 == 0:
        return instant.strftime("%Y-%m-%d")
    return instant.isoformat(timespec="milliseconds" if instant_ms % 1000 else "seconds").replace("+00:00", "Z")


def _card_row(row: CsvRow, currency: str, currencies: Currencies, problems: FileProblems, only: str) -> CardRow | None:
    """What the row says, or ``None`` and every problem that it has."""
    values, before = row.values, len(problems.lines)

    def value_of(column: str, parse: Callable[[str], Value], absent: Value) -> Value:
        try:
            return parse(values[column]) if values[column] else absent
        except ValueError as error:
            problems.add(row.line, f"{column} {error.args[0]}")
            return absent

    destination = _destination(row, problems)
    unit = value_of("price", parse_price, Amount(-1))
    if not values["price"]:
        problems.add(row.line, "price is required")
    code = values["currency"] or currency
    if only and code != only:
        problems.add(row.line, f"currency must be {only}, the account's, not {seen(code)}")
    elif code not in currencies:
        problems.add(
            row.line, f"currency {seen(code)} has no rate in [money.rates]; known: {', '.join(currencies.names)}"
        )
    effective_from = value_of("effective_from", parse_instant, ALWAYS)
    effective_until = value_of("effective_until", parse_instant, FOREVER)
    if effective_from >= effective_until:
        problems.add(row.line, f"effective_until {seen(values['effective_until'])} must be after effective_from")
    if values["charge"] not in _CHARGES:
        problems.add(row.line, f'charge must be "submit" or "delivery", not {seen(values["charge"])}')
    if destination is None or len(problems.lines) > before:
        return None
    return CardRow(*destination, unit, code, _CHARGES[values["charge"]], effective_from, effective_until)


def _destination(row: CsvRow, problems: FileProblems) -> tuple[DestinationKind, str] | None:
    named = [column for column in DESTINATIONS if row.values[column]]
    if len(named) != 1:
        have = "no destination" if not named else " and ".join(named)
        problems.add(row.line, f"has {have}; exactly one of {', '.join(DESTINATIONS)} is needed")
        return None
    column, value = named[0], row.values[named[0]]
    if column == "country":
        if value in COUNTRIES:
            return DestinationKind.COUNTRY, value
        problems.add(
            row.line, f'country must be a code of ISO 3166, two capital letters such as "GB", not {seen(value)}'
        )
    elif column == "prefix":
        if value == "*":
            return DestinationKind.EVERYWHERE, value
        if match := _PREFIX.fullmatch(value):
            return DestinationKind.PREFIX, match[1]
        problems.add(row.line, f'prefix must be 1 to 15 digits that do not begin with 0, or "*", not {seen(value)}')
    else:
        if match := _MCCMNC.fullmatch(value):
            kind = DestinationKind.NETWORK if match[2] else DestinationKind.MCC
            return kind, match[1] + (match[2] or "")
        problems.add(row.line, f'mccmnc must be 5 or 6 digits such as "23415", or 3 of a country, not {seen(value)}')
    return None


def _find_overlaps(rows: list[tuple[int, CardRow]], problems: FileProblems) -> None:
    """A problem at the later line of any two rows of one destination that hold at the same time."""
    by_destination: dict[tuple[DestinationKind, str], list[tuple[int, CardRow]]] = {}
    for line, row in rows:
        by_destination.setdefault((row.kind, row.value), []).append((line, row))
    for (_, value), same in by_destination.items():
        same.sort(key=lambda pair: (pair[1].effective_from, pair[0]))
        longest = same[0]
        for pair in same[1:]:
            if pair[1].effective_from < longest[1].effective_until:
                first, second = sorted((longest[0], pair[0]))
                problems.add(second, f"{seen(value)} has a price at the same time in line {first}")
            longest = max(longest, pair, key=lambda pair: pair[1].effective_until)


def _values_of(row: CardRow) -> list[str]:
    column = {
        DestinationKind.NETWORK: "mccmnc",
        DestinationKind.MCC: "mccmnc",
        DestinationKind.COUNTRY: "country",
    }.get(row.kind, "prefix")
    return [
        *(row.value if column == name else "" for name in DESTINATIONS),
        format_micros(row.unit),
        row.currency,
        "" if row.effective_from == ALWAYS else format_instant(row.effective_from),
        "" if row.effective_until == FOREVER else format_instant(row.effective_until),
        _CHARGE_NAMES[row.charge_on],
    ]
