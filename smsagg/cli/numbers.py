"""``smsagg numbers``: the number inventory, in a running server or in the store of a stopped one."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from smsagg.cli.asking import config_option
from smsagg.cli.numbers_call import ask_for, call
from smsagg.cli.numbers_view import ALLOCATIONS, CONVERSATIONS, NUMBERS, POOLS, conversations_of, show
from smsagg.control.numbers import row_of_record
from smsagg.errors import ControlError, SmsaggError
from smsagg.inventory.number import NumberType, Status
from smsagg.inventory.pool import ROTATIONS
from smsagg.inventory.table import COLUMNS

F = TypeVar("F", bound=Callable[..., Any])

_json = click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")
_numbers = click.argument("numbers", nargs=-1, required=True)
_types = [type.value for type in NumberType]


def _asked(function: F) -> F:
    """The options of every command."""
    return config_option(_json(function))


def _chosen(function: F) -> F:
    """Numbers by name, or so many of a pool."""
    function = click.option("--count", type=int, default=0, help="So many of the pool.")(function)
    function = click.option("--pool", default="", help="Take available numbers of this pool.")(function)
    return click.argument("numbers", nargs=-1)(function)


def _for(function: F) -> F:
    function = click.option("--until", default="", help='An instant, such as "2027-01-31".')(function)
    return click.option("--for", "lasts", default="", help='A duration, such as "30d".')(function)


@click.group()
def numbers() -> None:
    """Look at the number inventory and change it.

    Asks the running server, or opens the store when none runs; what a command changed is durable when it returns. A
    number is named by its digits, a short code or name also by its country (GB/60777). See docs/numbers.md.
    """


@numbers.command("list")
@_asked
@click.option("--country", default="", help="Of this country only.")
@click.option("--type", type=click.Choice(_types), default=None)
@click.option("--status", type=click.Choice([status.value for status in Status]), default=None)
@click.option("--pool", default="")
@click.option("--provider", default="")
@click.option("--account", default="", help="That this account has.")
@click.option("--tag", default="")
@click.option("--limit", type=int, default=1_000, show_default=True, help="At most so many; 0: all.")
def list_numbers(
    config_path: Path, as_json: bool, type: str | None, status: str | None, limit: int, **wanted: str
) -> None:
    """List numbers."""
    request = {
        "do": "list",
        "type": type or "",
        "status": status or "",
        **wanted,
        **({"limit": limit} if limit else {}),
    }
    found = ask_for(config_path, request)
    show(found, NUMBERS, as_json)
    if limit and len(found) == limit:
        click.echo("there may be more: --limit 0 shows all", err=True)


@numbers.command("show")
@_asked
@_numbers
def show_numbers(config_path: Path, as_json: bool, numbers: tuple[str, ...]) -> None:
    """Show all that is known of numbers."""
    for record in ask_for(config_path, {"do": "show", "numbers": list(numbers)}):
        if as_json:
            click.echo(json.dumps(record))
            continue
        for column, value in row_of_record(record).items():
            if value:
                click.echo(f"{column:17} {value}")
        click.echo()


@numbers.command()
@_asked
@click.argument("number")
@click.option("--type", type=click.Choice(_types), required=True)
@click.option("--country", default="", help="Needed for short codes and names.")
@click.option("--pool", default="")
@click.option("--provider", default="", help="The carrier that it comes from.")
@click.option("--capabilities", default="", help='Of mt, mo, voice, mms; default "mt mo", for names "mt".')
@click.option("--cost", "monthly_cost", default="", help='A month, such as "1.50".')
@click.option("--currency", default="")
@click.option("--tags", default="", help="Words.")
def add(config_path: Path, as_json: bool, **values: str) -> None:
    """Add one number."""
    show(ask_for(config_path, {"do": "add", **values}), NUMBERS, as_json)


@numbers.command("import")
@_asked
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def import_numbers(config_path: Path, as_json: bool, file: Path) -> None:
    """Take in a CSV file: all of it or, when anything is wrong with it, nothing.

    Columns: number and type, and any others of those that `smsagg numbers export` writes. A known number gets what the
    file says of it; importing a file again changes nothing.
    """
    problems: list[str] = []
    did: dict[str, Any] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("checking", total=None)

        def on_record(record: dict[str, Any]) -> None:
            if "progress" in record:
                progress.update(task, description="writing", completed=record["progress"], total=record["of"])
            elif "problem" in record:
                problems.append(record["problem"])
            else:
                did.update(record)

        try:
            call(config_path, {"do": "import", "file": str(file)}, on_record, file.read_bytes())
        except SmsaggError as error:
            raise ControlError("\n".join([*problems, str(error)])) from error
    if as_json:
        click.echo(json.dumps(did))
    else:
        click.echo(f"{did['new']:,} new, {did['changed']:,} changed, {did['unchanged']:,} as they were")


@numbers.command()
@config_option
@click.option("-o", "--output", type=click.File("w", encoding="utf-8"), default="-", help="Default: standard output.")
def export(config_path: Path, output: Any) -> None:
    """Write all numbers as CSV, as import reads it."""
    writer = csv.DictWriter(output, COLUMNS, lineterminator="\n")
    writer.writeheader()
    call(config_path, {"do": "list"}, lambda record: writer.writerow(row_of_record(record)))


def _change(config_path: Path, as_json: bool, **request: Any) -> None:
    show(ask_for(config_path, request), NUMBERS, as_json)


@numbers.command()
@_asked
@_chosen
@click.option("--account", required=True)
@click.option("--shared", is_flag=True, help="Beside other accounts that share them.")
def assign(
    config_path: Path, as_json: bool, numbers: tuple[str, ...], pool: str, count: int, account: str, shared: bool
) -> None:
    """Give numbers to an account for good."""
    chosen = {"numbers": list(numbers), "pool": pool, "count": count}
    _change(config_path, as_json, do="share" if shared else "assign", account=account, **chosen)


@numbers.command()
@_asked
@_numbers
@click.option("--account", default="", help="From this account only, of those that share them.")
def unassign(config_path: Path, as_json: bool, numbers: tuple[str, ...], account: str) -> None:
    """Take numbers back; they rest in quarantine."""
    _change(config_path, as_json, do="unassign", numbers=list(numbers), account=account)


@numbers.command()
@_asked
@_chosen
@click.option("--account", required=True)
@_for
def lease(
    config_path: Path,
    as_json: bool,
    numbers: tuple[str, ...],
    pool: str,
    count: int,
    account: str,
    lasts: str,
    until: str,
) -> None:
    """Give numbers to an account for a time."""
    chosen = {"numbers": list(numbers), "pool": pool, "count": count}
    _change(config_path, as_json, do="lease", account=account, until=until, **{"for": lasts}, **chosen)


@numbers.command()
@_asked
@_numbers
@_for
def renew(config_path: Path, as_json: bool, numbers: tuple[str, ...], lasts: str, until: str) -> None:
    """Let leases end later, or sooner."""
    _change(config_path, as_json, do="renew", numbers=list(numbers), until=until, **{"for": lasts})


@numbers.command()
@_asked
@_numbers
@click.option("--pool", required=True, help='"": none.')
def move(config_path: Path, as_json: bool, numbers: tuple[str, ...], pool: str) -> None:
    """Put numbers into another pool."""
    _change(config_path, as_json, do="move", numbers=list(numbers), pool=pool)


def _plain_command(name: str, meaning: str) -> None:
    @numbers.command(name, help=meaning)
    @_asked
    @_numbers
    def change(config_path: Path, as_json: bool, numbers: tuple[str, ...]) -> None:
        _change(config_path, as_json, do=name, numbers=list(numbers))


_plain_command("release", "End leases now; the numbers rest in quarantine.")
_plain_command("suspend", "Send nothing from numbers for now; who has them keeps them.")
_plain_command("resume", "Send from suspended numbers again.")
_plain_command("retire", "Strike numbers off: they are ours no more.")
_plain_command("restore", "Take retired numbers back in.")


@numbers.group()
def pool() -> None:
    """Number pools: what their numbers are for, and in what order they are used."""


@pool.command("list")
@_asked
@click.argument("name", default="")
def list_pools(config_path: Path, as_json: bool, name: str) -> None:
    """Show all pools, or one."""
    show(ask_for(config_path, {"do": "pool", "name": name}), POOLS, as_json)


@pool.command("set")
@_asked
@click.argument("name")
@click.option("--country", help="Of all its numbers.")
@click.option("--purpose", help="otp, marketing …")
@click.option("--type", "types", type=click.Choice(_types), multiple=True, help="May be repeated: in order of use.")
@click.option("--rotation", type=click.Choice(ROTATIONS))
@click.option("--limit", type=int, help="Messages from one number to one recipient in a period; 0: any.")
@click.option("--period", help='Of the limit; default "1d".')
@click.option("--quarantine", help="Default: as the configuration says.")
@click.option("--low-mark", type=int, help="Warn below so many available numbers.")
@click.option("--fallback", multiple=True, help='Pool that follows; may be repeated, in order. "": none.')
def set_pool(config_path: Path, as_json: bool, name: str, **rules: Any) -> None:
    """Make a pool, or change some of its rules."""
    said = {rule: value for rule, value in rules.items() if value not in (None, ())}
    for rule in ("types", "fallback"):
        if rule in said:
            said[rule] = [value for value in said[rule] if value]
    show(ask_for(config_path, {"do": "pool_set", "name": name, **said}), POOLS, as_json)


@pool.command("remove")
@config_option
@click.argument("name")
def remove_pool(config_path: Path, name: str) -> None:
    """Remove a pool that holds no numbers."""
    ask_for(config_path, {"do": "pool_remove", "name": name})
    click.echo(f"{name} is removed")


@numbers.group()
def allocate() -> None:
    """Shares of pools that are kept for an account between two instants."""


@allocate.command("add")
@_asked
@click.argument("name")
@click.option("--pool", required=True)
@click.option("--account", required=True)
@click.option("--numbers", type=int, required=True, help="How many.")
@click.option("--from", "begins", required=True, help='Such as "2026-12-01".')
@click.option("--until", required=True)
def allocate_add(config_path: Path, as_json: bool, begins: str, **said: Any) -> None:
    """Keep numbers for an account; from the first instant on they are leased to it."""
    show(ask_for(config_path, {"do": "allocate", "from": begins, **said}), ALLOCATIONS, as_json)


@allocate.command("list")
@_asked
def allocate_list(config_path: Path, as_json: bool) -> None:
    """Show all allocations that are not over."""
    show(ask_for(config_path, {"do": "allocations"}), ALLOCATIONS, as_json)


@allocate.command("cancel")
@_asked
@click.argument("name")
def allocate_cancel(config_path: Path, as_json: bool, name: str) -> None:
    """Give up an allocation; its numbers rest in quarantine."""
    _change(config_path, as_json, do="allocation_cancel", name=name)


@numbers.command()
@_asked
@click.argument("recipients", nargs=-1)
@click.option("--after", default="", help="Go on after this recipient.")
@click.option("--limit", type=int, default=100, show_default=True)
def conversations(config_path: Path, as_json: bool, recipients: tuple[str, ...], after: str, limit: int) -> None:
    """Show from which numbers recipients were written to, the latest first."""
    request = {"do": "conversations", "recipients": list(recipients), "after": after, "limit": limit}
    found = ask_for(config_path, request)
    show(found if as_json else conversations_of(found), CONVERSATIONS, as_json)
