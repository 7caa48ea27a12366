"""``smsagg backup``: a copy of the store, while the server runs or not."""

from pathlib import Path

import click

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import config_option
from smsagg.config.load import load_config
from smsagg.history.backup import back_up


@click.command()
@config_option
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
def backup(config_path: Path, target: Path) -> None:
    """Write a copy of the store as it is now to TARGET.

    A sealed store's copy is sealed alike, with the file of its key beside it; both need the store's key, which is not
    copied. See docs/protection.md."""
    store = load_config(config_path, settings_class).store
    back_up(store, target)
    click.echo(f"{target.stat().st_size:,} octets in {target}")
