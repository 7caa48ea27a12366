"""Numbers as CSV: what a file says is read and checked as a whole, and what there is can be written the same way.

A row names a number and says what is so of it. Columns that the file has not leave known numbers as they are. What a
row says of accounts is done when the number is free, is nothing new when it is so already, and else is a problem of
the file; so a file can be imported again, and an export too, whose rows of retired numbers are passed over.
``status``, ``quarantine_until`` and ``allocation`` are written for people and not read.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from io import StringIO
from typing import NamedTuple, TypeVar

from attrs import evolve

from smsagg.config.csv_rows import CsvRow, FileProblems, rows_of
from smsagg.errors import InventoryError
from smsagg.inventory.inventory import Inventory
from smsagg.inventory.number import Number, NumberType, Status, assign, lease, share
from smsagg.inventory.reading import (
    CountryOf,
    read_address,
    read_capabilities,
    read_cost,
    read_country,
    read_currency,
    read_instant,
    read_tags,
    read_type,
)
from smsagg.inventory.taking import misfit

REQUIRED = ("number", "type")
OPTIONAL = (
    "country", "provider", "pool", "capabilities", "monthly_cost", "currency", "tags", "assignment", "accounts",
    "leased_until", "status", "quarantine_until", "allocation",
)  # fmt: skip
COLUMNS = (*REQUIRED, *OPTIONAL)
_KEPT_WITHOUT_COLUMN = ("provider", "pool", "capabilities", "monthly_cost", "currency", "tags")


class RefusedTable(InventoryError):
    """A file that was not taken in."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"{len(problems):,} problem{'s' * (len(problems) > 1)}; nothing was imported")
        self.problems = sorted(problems, key=_line_of)
        """A line each."""


class NumberRow(NamedTuple):
    """One row of a file that makes sense by itself."""

    line: int
    number: Number
    """What it says, nobody's."""
    accounts: tuple[str, ...]
    is_shared: bool
    leased_until: int
    is_retired: bool
    """It was ours when the file was written, and was no more."""


class NumberTable(NamedTuple):
    """All of them."""

    columns: frozenset[str]
    rows: list[NumberRow]


def read_table(text: str, country_of: CountryOf, problems: FileProblems) -> NumberTable:
    """The rows of a file, as far as they are sound by themselves. Pure and slow: 100,000 rows take seconds."""
    columns = frozenset(_header(text))
    rows: list[NumberRow] = []
    seen: dict[str, int] = {}
    for row in rows_of(StringIO(text), REQUIRED, OPTIONAL, problems):
        read = read_row(row, country_of, problems)
        if read is None:
            continue
        first = seen.setdefault(read.number.key, row.line)
        if first != row.line:
            problems.add(row.line, f"{read.number.name} stands in line {first} already")
        else:
            rows.append(read)
    return NumberTable(columns, rows)


def _header(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield from (name.strip().strip('"') for name in line.split(","))
            return


def _line_of(problem: str) -> int:
    place = re.search(r":(\d+): ", problem)
    return int(place[1]) if place else 0


T = TypeVar("T")


class _Reader:
    """Reads the values of one row, and notes what is wrong with each."""

    def __init__(self, line: int, problems: FileProblems) -> None:
        self._line = line
        self._problems = problems
        self.is_sound = True

    def refuse(self, reason: str) -> None:
        self._problems.add(self._line, reason)
        self.is_sound = False

    def read(self, default: T, reader: Callable[..., T], *arguments: object) -> T:
        """What ``reader`` makes of ``arguments``; ``default`` when that is wrong."""
        try:
            return reader(*arguments)
        except ValueError as error:
            self.refuse(str(error))
            return default


def read_row(row: CsvRow, country_of: CountryOf, problems: FileProblems) -> NumberRow | None:
    """What one row says; ``None``, and every problem noted, when it is not sound."""
    values, reader = row.values, _Reader(row.line, problems)
    read = reader.read
    type = read(NumberType.LONG, read_type, values["type"])
    if not reader.is_sound:
        return None  # nothing else can be judged
    address = read("", read_address, values["number"], type)
    number = Number(
        address=address,
        country=read("", read_country, values["country"], type, address, country_of) if address else "",
        type=type,
        provider=values["provider"],
        pool=values["pool"],
        capabilities=read((), read_capabilities, values["capabilities"], type),
        monthly_cost=read(0, read_cost, values["monthly_cost"]),
        currency=read("", read_currency, values["currency"]),
        tags=read((), read_tags, values["tags"]),
    )
    leased_until = read(0, read_instant, values["leased_until"], "leased_until") if values["leased_until"] else 0
    accounts = tuple(dict.fromkeys(re.split(r"[\s;|]+", values["accounts"]))) if values["accounts"] else ()
    reason = _assignment_problem(values["assignment"], accounts, leased_until)
    if reason:
        reader.refuse(reason)
    if not reader.is_sound:
        return None
    is_shared, is_retired = values["assignment"] == "shared", values["status"] == Status.RETIRED
    return NumberRow(row.line, number, accounts, is_shared, leased_until, is_retired)


def _assignment_problem(assignment: str, accounts: Sequence[str], leased_until: int) -> str:
    if assignment not in ("", "dedicated", "shared"):
        return f'assignment: must be dedicated or shared, not "{assignment}"'
    if assignment and not accounts:
        return f"accounts: must name whose the number is, for it is {assignment}"
    if assignment != "shared" and len(accounts) > 1:
        return 'accounts: several accounts share a number: assignment must be "shared"'
    if leased_until and (assignment == "shared" or not accounts):
        return "leased_until: a lease has one account"
    return ""


def imported(
    inventory: Inventory,
    table: NumberTable,
    rows: Sequence[NumberRow],
    accounts: Collection[str],
    now: int,
    problems: FileProblems,
) -> list[Number]:
    """The new records that ``rows`` of ``table`` ask for, those that change nothing left out; problems are noted.

    ``accounts`` are those that there are.
    """
    changed: list[Number] = []
    for row in rows:
        known = inventory.numbers.get(row.number.key)
        if row.is_retired and (known is None or known.state is Status.RETIRED):
            continue
        try:
            number = _merged(inventory, table, row, known, now)
            _check(inventory, number, row, accounts)
            number = _given(row, number, now)
        except InventoryError as error:
            problems.add(row.line, str(error))
            continue
        if number != known:
            changed.append(number)
    return changed


def _merged(inventory: Inventory, table: NumberTable, row: NumberRow, known: Number | None, now: int) -> Number:
    """What is so of the number beside whose it is."""
    if known is None:
        return row.number
    known = inventory.as_of(known, now)
    if known.state is Status.RETIRED:
        raise InventoryError(f"{known.name} is retired: restore it first")
    if known.type.is_international != row.number.type.is_international:
        raise InventoryError(f"{known.name} is {known.type.value}, not {row.number.type.value}")
    said = {name: getattr(row.number, name) for name in _KEPT_WITHOUT_COLUMN if name in table.columns}
    return evolve(known, type=row.number.type, address=row.number.address, **said)


def _check(inventory: Inventory, number: Number, row: NumberRow, accounts: Collection[str]) -> None:
    if number.pool:
        pool = inventory.pools.get(number.pool)
        if pool is None:
            raise InventoryError(f"pool: there is no number pool {number.pool}")
        reason = misfit(number, pool)
        if reason:
            raise InventoryError(f"pool: {reason}")
    for account in row.accounts:
        if account not in accounts:
            raise InventoryError(f"accounts: there is no account {account}")


def _given(row: NumberRow, number: Number, now: int) -> Number:
    """To those accounts to whom the row gives it."""
    if row.leased_until:
        (account,) = row.accounts
        if number.state is Status.LEASED and number.owner == account:
            return number
        return lease(number, account, row.leased_until, now)
    if row.is_shared:
        for account in row.accounts:
            if not (number.is_shared and account in number.accounts):
                number = share(number, account)
    elif row.accounts and not (number.state is Status.ASSIGNED and number.owner == row.accounts[0]):
        number = assign(number, row.accounts[0])
    return number
