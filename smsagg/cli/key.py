"""``smsagg key``: the keys that seal the store."""

import os
from collections import Counter
from pathlib import Path

import click
from attrs import define

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import config_option
from smsagg.config.load import load_config
from smsagg.config.schema import StoreSettings
from smsagg.errors import ControlError
from smsagg.history import open_history
from smsagg.protection.key import Key, new_key
from smsagg.store.key_files import key_sources, read_keys, write_keys
from smsagg.store.seal_file import SealFile
from smsagg.store.sqlite.keys import needed_keys, number_of
from smsagg.store.sqlite.opening import renew_database_key
from smsagg.store.sqlite.resealing import sealed_by


@click.group()
def key() -> None:
    """Make, list, add and remove the keys that seal the store. See docs/protection.md."""


@key.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, dir_okay=False))
def new(path: Path | None) -> None:
    """Make a key: into a new file at PATH, which its owner alone may read, or on standard output."""
    made = new_key(os.urandom)
    if path is None:
        click.echo(made.to_line())
        return
    if path.exists():
        raise ControlError(f"{path} is there already; a key is added to it with smsagg key rotate")
    write_keys(path, [made])
    click.echo(f"key {made.name} in {path}")


@key.command("list")
@config_option
def list_keys(config_path: Path) -> None:
    """Show each key by its id, where it is, and what is sealed with it."""
    store = load_config(config_path, settings_class).store
    uses = _uses(store)
    for place, (source, known) in enumerate(read_keys(store)):
        age = "seals" if place == 0 else "opens"
        click.echo(f"{known.name}  {age}  {source}  {uses.of(known, is_newest=place == 0)}")


@key.command()
@config_option
def rotate(config_path: Path) -> None:
    """Put a new key before the others in the first file of them; from the next start on it seals."""
    store = load_config(config_path, settings_class).store
    source = key_sources(store)[0]
    if source.kind != "file":
        raise ControlError(f"the first place is {source}: put the line of smsagg key new before those that it holds")
    made = new_key(os.urandom)
    write_keys(Path(source.place), [made, *(known for place, known in read_keys(store) if place == source)])
    click.echo(f"key {made.name} in {source.place}; restart the server, and it takes over")


@key.command()
@config_option
@click.argument("key_id")
def forget(config_path: Path, key_id: str) -> None:
    """Remove the key KEY_ID from its file, if nothing is sealed with it."""
    store = load_config(config_path, settings_class).store
    keys = read_keys(store)
    found = [(source, known) for source, known in keys if known.name == key_id]
    if not found:
        raise ControlError(f"there is no key {key_id}")
    source, gone = found[0]
    newest, uses = keys[0][1], _uses(store)
    if newest == gone:
        raise ControlError(f"key {key_id} is the newest: what comes next is sealed with it")
    if uses.is_needed(gone) or not uses.is_needed(newest):
        then = "restart the server with a newer one, when codes that were pending at its last start have ended"
        raise ControlError(f"key {key_id} is needed: {then}; see smsagg key list")
    if source.kind != "file":
        raise ControlError(f"take it out of {source} yourself")
    rest = [known for place, known in keys if place == source and known != gone]
    if not rest:
        raise ControlError(f"it is the only key in {source.place}: take that out of store.encryption.keys instead")
    write_keys(Path(source.place), rest)
    click.echo(f"key {key_id} is gone from {source.place}")


@key.command()
@config_option
def renew(config_path: Path) -> None:
    """Seal the stopped store with a new key of the database's own: for when somebody may have a key and the .seal."""
    renew_database_key(load_config(config_path, settings_class).store)
    click.echo("the database has another key; older backups are sealed with the one before")


@define(frozen=True)
class _Uses:
    """What keys are needed for."""

    of_database: set[bytes]
    """Those that seal the database's own key."""
    counted: Counter[bytes]
    """How many single values each seals."""
    noted: set[int]
    """Those without which the store does not open."""

    def is_needed(self, key: Key) -> bool:
        return key.key_id in self.of_database or self.counted[key.key_id] > 0 or number_of(key.key_id) in self.noted

    def of(self, key: Key, *, is_newest: bool) -> str:
        uses = ["the database"] if key.key_id in self.of_database else []
        count = self.counted[key.key_id]
        uses += [f"{count:,} single value{'s' * (count > 1)}"] if count else []
        if not uses and not is_newest and self.is_needed(key):
            return "nothing is sealed with it; needed until the next start"
        return " and ".join(uses) or "nothing is sealed with it"


def _uses(store: StoreSettings) -> _Uses:
    with open_history(store.path, store.encryption) as history, history.snapshot() as ask:
        return _Uses(SealFile(store.path).key_ids(), sealed_by(ask), needed_keys(ask))
