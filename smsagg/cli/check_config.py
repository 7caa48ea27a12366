"""``smsagg check-config``: every problem of a configuration file, or tables of what is in it."""

from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from smsagg.carriers.registry import settings_class
from smsagg.config.load import load_config
from smsagg.config.schema import Config, PoolSettings
from smsagg.tables import load_tables


@click.command("check-config")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def check_config(file: Path) -> None:
    """Check a configuration file and show what is in it.

    Prints each problem as `file: key.path: reason` and exits with 1 when there is any.
    """
    config = load_config(file, settings_class)
    tables = load_tables(config)
    for warning in tables.warnings:
        click.echo(f"warning: {warning}", err=True)
    console = Console()
    console.print(
        f"{escape(str(file))}: good. SMPP on {config.server.smpp_listen}, HTTP on {config.server.http_listen}."
    )
    for table in (_accounts(config), _pools(config), _carriers(config)):
        console.print(table)


def _accounts(config: Config) -> Table:
    table = _table("Accounts", "account", "system_id", "binds", "window", "rate", "queue", "class", "networks")
    for name, account in config.accounts.items():
        rate = "unlimited" if account.rate is None else f"{account.rate:g}/s"
        table.add_row(
            name if account.enabled else f"{name} (disabled)",
            account.system_id,
            str(account.binds_max),
            str(account.window_max),
            rate,
            str(account.queue_max),
            account.message_class,
            ", ".join(account.networks) or "any",
        )
    return table


def _pools(config: Config) -> Table:
    table = _table("Pools", "pool", "policy", "carriers", "countries", "backup", "queue", "when full")
    for name, pool in config.pools.items():
        countries = list(pool.countries)
        if name == config.routing.default_pool:
            countries.append("all others")
        table.add_row(
            name,
            pool.policy,
            _members(pool),
            ", ".join(countries) or "none",
            pool.backup or "none",
            str(pool.queue_max),
            pool.when_full,
        )
    return table


def _members(pool: PoolSettings) -> str:
    """The members as the pool's policy looks at them."""
    if pool.policy == "weighted":
        return ", ".join(f"{member.carrier} ({member.weight})" for member in pool.carriers)
    ranked = sorted(pool.carriers, key=lambda member: member.rank)
    return ", ".join(f"{member.carrier} ({member.rank})" for member in ranked)


def _carriers(config: Config) -> Table:
    table = _table("Carriers", "carrier", "type", "pools", "receipts", "circuit")
    for name, carrier in config.carriers.items():
        pools = [pool for pool, settings in config.pools.items() if name in {m.carrier for m in settings.carriers}]
        circuit = f"{carrier.circuit_failures} failures" if carrier.circuit_failures else "never opens"
        table.add_row(name, carrier.type, ", ".join(pools) or "unused", carrier.ask_receipts, circuit)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
