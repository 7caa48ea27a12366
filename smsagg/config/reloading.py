"""Which keys of a running server may change, and what differs between two configurations.

:data:`LIVE` and :data:`RESTART` together name every key of the schema once, whole tables by their name. What needs a
restart stays as it is until then (:func:`in_force`), and is told.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import define

from smsagg.config.schema import CarrierSettings, Config

RESTART = frozenset(
    {
        "server.smpp_listen", "server.http_listen", "server.sessions_max", "server.control_socket", "server.tls",
        "server.https",
        "session",
        "store.path", "store.group_max", "store.free_octets_min", "store.encryption", "store.region",
        "log.format",
    }
)  # fmt: skip
"""Ports, files and the limits of sessions: taken up when the process starts."""

LIVE = frozenset(
    {
        "accounts", "carriers", "pools", "message_classes", "routing", "mo_routes", "mo", "receipts", "long_messages",
        "quality", "probes", "money", "http", "abuse", "shaping_rules", "countries", "numbers", "retention", "webhooks",
        "consent", "operators", "directory", "compliance",
        "verification",
        "server.system_id", "server.shutdown_deadline", "server.sessions_per_address_max", "server.accept_deadline",
        "server.proxy_protocol_networks", "server.bind_failures",
        "store.live_messages_in_memory_max", "store.scheduled_in_memory_max", "store.parked_receipts_max",
        "store.parked_receipt_ttl", "store.history_ttl",
        "log.level",
    }
)  # fmt: skip
"""In force from the moment of the reload, for whatever is decided then or later."""


@define(frozen=True)
class Change:
    """One difference."""

    table: str
    """``"accounts"``, ``"server"``; a table of tables without the name."""
    name: str
    """Of the table in it; ``""`` in tables that hold values."""
    kind: str
    """``"+"``: it came, ``"-"``: it left, ``"~"``: something in it changed."""
    keys: tuple[str, ...] = ()
    """What changed in it: paths of keys."""

    def line(self) -> str:
        """For people: ``~ accounts.acme: rate, networks``."""
        path = f"{self.table}.{self.name}" if self.name else self.table
        return f"{self.kind} {path}{': ' if self.keys else ''}{', '.join(self.keys)}"


def in_force(running: Config, wanted: Config) -> tuple[Config, list[str]]:
    """``wanted`` as far as it can be had without a restart, and the keys that need one."""
    waiting: list[str] = []
    return _merged(running, wanted, "", waiting), waiting


def differences(before: Config, after: Config) -> list[Change]:
    """All that differs, in the order of the schema."""
    found: list[Change] = []
    for attribute in attrs.fields(Config):
        table, old, new = attribute.name, getattr(before, attribute.name), getattr(after, attribute.name)
        if isinstance(new, Mapping) and isinstance(old, Mapping):
            found += [Change(table, name, "+") for name in new if name not in old]
            for name in new:
                if name in old and old[name] != new[name]:
                    found.append(Change(table, name, "~", tuple(_differing(old[name], new[name]))))
            found += [Change(table, name, "-") for name in old if name not in new]
        elif old != new:
            found.append(Change(table, "", "~", tuple(_differing(old, new)) if attrs.has(type(new)) else ()))
    return found


def summary_of(changes: list[Change], files: list[str], waiting: list[str]) -> str:
    """One line: ``accounts: +1 ~2; receipts: ttl; files: routes.toml; needs a restart: server.smpp_listen``.

    ``files`` are the data files that changed, ``waiting`` the keys that need a restart.
    """
    tables: dict[str, list[Change]] = {}
    for change in changes:
        tables.setdefault(change.table, []).append(change)
    parts = [f"{table}: {_counted(of_table)}" for table, of_table in tables.items()]
    if files:
        parts.append(f"files: {', '.join(files)}")
    if waiting:
        parts.append(f"needs a restart: {', '.join(waiting)}")
    return "; ".join(parts) or "nothing that has an effect"


def _counted(changes: list[Change]) -> str:
    if not changes[0].name:
        return ", ".join(changes[0].keys) or "changed"
    counts = {kind: sum(change.kind == kind for change in changes) for kind in "+~-"}
    return " ".join(f"{kind}{count}" for kind, count in counts.items() if count)


def _merged(running: Any, wanted: Any, path: str, waiting: list[str]) -> Any:
    stays: dict[str, Any] = {}
    for attribute in attrs.fields(type(wanted)):
        key = f"{path}{attribute.name}"
        old, new = getattr(running, attribute.name), getattr(wanted, attribute.name)
        if key in RESTART:
            if old != new:
                inner = _differing(old, new) if old is not None and attrs.has(type(old)) else ()
                waiting += [f"{key}.{below}" for below in inner] or [key]
            stays[attribute.name] = old
        elif any(other.startswith(f"{key}.") for other in RESTART):
            stays[attribute.name] = _merged(old, new, f"{key}.", waiting)
    return attrs.evolve(wanted, **stays)


def _differing(old: Any, new: Any) -> Iterator[str]:
    """Paths of the keys in which two tables differ; what is no table in both of them is one key."""
    if type(old) is not type(new) or not attrs.has(type(new)):
        return
    for attribute in attrs.fields(type(new)):
        was, is_now = getattr(old, attribute.name), getattr(new, attribute.name)
        if was == is_now:
            continue
        inner = list(_differing(was, is_now))
        if isinstance(new, CarrierSettings) and attribute.name == "settings":
            yield from inner
        else:
            yield from [f"{attribute.name}.{below}" for below in inner] or [attribute.name]
