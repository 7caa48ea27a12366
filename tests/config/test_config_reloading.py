"""Which keys may change on a running server, and what is told of a difference."""

from collections.abc import Iterator
from typing import Any, get_args

import attrs
import pytest
from attrs import evolve

from smsagg.config.reloading import LIVE, RESTART, differences, in_force, summary_of
from smsagg.config.schema import (
    AccountSettings,
    Config,
    Duration,
    HostPort,
    LogSettings,
    PoolSettings,
    ReceiptSettings,
    ServerSettings,
    SessionSettings,
    TlsListenSettings,
)
from smsagg.testing.gateway import account_settings, carrier_settings, make_config, pool_settings


def tables_of(type_: Any) -> list[Any]:
    """Attrs classes that a value of this type is, or may be; not those in lists and mappings of them."""
    return [one for one in (type_, *get_args(type_)) if attrs.has(one)]


def paths_of(type_: Any, prefix: str = "") -> Iterator[str]:
    """Paths of all keys, down to values, lists and mappings."""
    for attribute in attrs.fields(attrs.resolve_types(type_)):
        inner = tables_of(attribute.type) if getattr(attribute.type, "__origin__", None) not in (dict, tuple) else []
        if inner:
            for table in inner:
                yield from paths_of(table, f"{prefix}{attribute.name}.")
        else:
            yield f"{prefix}{attribute.name}"


@pytest.mark.parametrize("path", sorted(set(paths_of(Config))))
def test_every_key_of_the_schema_is_in_one_class(path: str) -> None:
    """A new key is to be entered in smsagg.config.reloading: may it change on a running server?"""
    entries = [entry for entry in (*LIVE, *RESTART) if path == entry or path.startswith(f"{entry}.")]
    assert len(entries) == 1, f"{path} is in {entries or 'no class'}"


@pytest.mark.parametrize("entry", sorted(LIVE | RESTART))
def test_every_entry_names_something(entry: str) -> None:
    """No entry is left of a key that is gone."""
    assert any(path == entry or path.startswith(f"{entry}.") for path in paths_of(Config))


BEFORE = make_config()


def test_what_needs_a_restart_stays_as_it_is() -> None:
    """Ports, limits of sessions, the way logs are written: told by their paths, and not in force."""
    wanted = evolve(
        BEFORE,
        server=ServerSettings(
            smpp_listen=HostPort("127.0.0.1:9"), system_id="anew", tls=TlsListenSettings("cert.pem", "key.pem")
        ),
        session=SessionSettings(tlvs_max=7, response_timeout=Duration(3)),
        log=LogSettings("debug", "json"),
    )
    effective, waiting = in_force(BEFORE, wanted)
    assert sorted(waiting) == [
        "log.format",
        "server.smpp_listen",
        "server.tls",
        "session.response_timeout",
        "session.tlvs_max",
    ]
    assert effective == evolve(BEFORE, server=ServerSettings(system_id="anew"), log=LogSettings("debug"))


def test_a_change_of_tls_names_the_keys() -> None:
    """Within a table that needs a restart as a whole."""
    before = evolve(BEFORE, server=ServerSettings(tls=TlsListenSettings("cert.pem", "key.pem")))
    wanted = evolve(BEFORE, server=ServerSettings(tls=TlsListenSettings("other.pem", "key.pem")))
    assert in_force(before, wanted) == (before, ["server.tls.certificate_file"])


def test_differences_are_told_by_table_name_and_key() -> None:
    """What came, what changed and in which keys, what left."""
    after = make_config(
        accounts={
            "acme": AccountSettings("acme", "", binds_max=3, networks=("10.0.0.0/8",)),
            "new": account_settings("n"),
        },
        carriers={"alpha": carrier_settings(circuit_failures=1), "beta": carrier_settings()},
        pools={"gb": PoolSettings(pool_settings("alpha", "beta").carriers, countries=("GB",))},
        receipts=ReceiptSettings(ttl=Duration(60)),
    )
    changes = differences(BEFORE, after)
    assert [change.line() for change in changes] == [
        "+ accounts.new",
        "~ accounts.acme: binds_max, networks",
        "+ carriers.beta",
        "~ carriers.alpha: circuit_failures",
        "~ pools.gb: carriers",
        "~ receipts: ttl",
    ]
    assert [change.line() for change in differences(after, BEFORE)][:2] == [
        "~ accounts.acme: binds_max, networks",
        "- accounts.new",
    ]
    told = summary_of(changes, ["routes.toml"], ["server.smpp_listen"])
    assert told == (
        "accounts: +1 ~1; carriers: +1 ~1; pools: ~1; receipts: ttl; files: routes.toml; "
        "needs a restart: server.smpp_listen"
    )


def test_nothing_differs() -> None:
    """A file with another comment in it has no effect."""
    assert differences(BEFORE, make_config()) == []
    assert summary_of([], [], []) == "nothing that has an effect"
