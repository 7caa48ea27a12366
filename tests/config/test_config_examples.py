"""The files under ``configs/``: they load, and the example shows every key with its meaning."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest

from smsagg.carriers.registry import carrier_types, settings_class
from smsagg.config.load import load_config
from smsagg.config.passwords import HASHER
from smsagg.config.schema import CarrierSettings, Config, LookupSettings

CONFIGS = Path(__file__).parents[2] / "configs"
EXAMPLE = CONFIGS / "example.toml"


@pytest.mark.parametrize("name", ["minimal.toml", "dev.toml", "example.toml"])
def test_a_shipped_file_loads(name: str) -> None:
    """What we hand out is sound, and its demo password is the one that it names."""
    config = load_config(CONFIGS / name, settings_class)
    for account in config.accounts.values():
        assert HASHER.verify(account.password_hash, "demo-pw")


def test_the_developers_file_serves_five_countries_and_the_rest() -> None:
    """Each has a pool (GB's also takes the islands of +44), some two carriers; the rest has the default pool."""
    config = load_config(CONFIGS / "dev.toml", settings_class)
    countries = {country for pool in config.pools.values() for country in pool.countries}
    assert countries == {"GB", "GG", "JE", "IM", "VN", "UZ", "HK", "US"}
    assert config.routing.default_pool in config.pools
    assert sum(len(pool.carriers) > 1 for pool in config.pools.values()) >= 2


def keys_of(type_: Any) -> Iterator[str]:
    """The names of all keys of an attrs class and of the classes in it."""
    for attribute in attrs.fields(attrs.resolve_types(type_)):
        if type_ not in (CarrierSettings, LookupSettings) or attribute.name != "settings":
            yield attribute.name
        for inner in (attribute.type, *get_args(attribute.type)):
            if attrs.has(inner):
                yield from keys_of(inner)


def keys_in(value: Any) -> Iterator[str]:
    """The names of all keys in a parsed document."""
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_in(inner)
    if isinstance(value, dict):
        yield from value


def test_the_example_has_every_key_of_the_schema() -> None:
    """A key that is added to the schema must be added to the example."""
    assert set(keys_of(Config)) - set(keys_in(tomllib.loads(EXAMPLE.read_text()))) == set()


@pytest.mark.parametrize("type_", carrier_types())
def test_the_example_has_every_key_of_each_type_of_carrier(type_: str) -> None:
    """The same for the keys that belong to a plug-in."""
    carriers = [c for c in tomllib.loads(EXAMPLE.read_text())["carriers"].values() if c["type"] == type_]
    assert set(keys_of(settings_class(type_))) - set(keys_in(carriers)) == set()


def test_every_key_of_the_example_is_explained() -> None:
    """A line that sets a key has a comment on it, or right above; a repeated key is explained the first time."""
    explained: set[str] = set()
    above = ""
    for line in EXAMPLE.read_text().splitlines():
        key = line.split("=")[0].strip()
        if "=" in line and not line.startswith(("#", "[", " ")):
            assert "#" in line or above.startswith("#") or key in explained, line
            explained.add(key)
        above = line
