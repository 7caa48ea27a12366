"""What is put into the configuration while the server runs, laid over what its files say.

An *entity* is a table of its own: an account, a pool, a keyword (MO route), a routing rule, a rate card, a price list,
a sender. What a file provides is the file's: an entity of the same name does not fit. Everything is checked as
a whole, as if it stood in the file, so an entity that is wrong is told of like a wrong key, by its own name.

Rules are an order, so each says its ``place``: those below 0 are asked before the rules of the file, the others after
them, in ascending order and then by name.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal, NamedTuple

from attrs import define, field

from smsagg.config.problems import Problem

ACCOUNT, POOL, KEYWORD, ROUTE = "account", "pool", "keyword", "route"
RATE_CARD, PRICE_LIST, SENDER = "rate_card", "price_list", "sender"
KINDS = (ACCOUNT, POOL, KEYWORD, ROUTE, RATE_CARD, PRICE_LIST, SENDER)
TABLES: Mapping[str, str] = {ACCOUNT: "accounts", POOL: "pools"}
"""Kinds that are named tables of the main file."""
APPROVED: Literal["approved"] = "approved"

Value = Mapping[str, Any]


class Entity(NamedTuple):
    """What is put: which kind, and its name (of a sender ``account/sender``)."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.key}"


def is_laid(entity: Entity, value: Value | None) -> bool:
    """Whether it has an effect: what is there, of senders those that are approved."""
    return value is not None and (entity.kind != SENDER or value.get("status") == APPROVED)


@define(frozen=True)
class Overlay:
    """Entities that are, or are to be, in force."""

    entities: Mapping[Entity, Value] = field(factory=dict)

    def of(self, kind: str) -> dict[str, Value]:
        """Those of a kind, by key."""
        return {entity.key: self.entities[entity] for entity in sorted(self.entities) if entity.kind == kind}

    def having(self, others: Mapping[Entity, Value]) -> "Overlay":
        """The same with ``others``, in the place of those of the same name."""
        return Overlay({**self.entities, **others})

    def without(self, entity: Entity) -> "Overlay":
        return Overlay({other: value for other, value in self.entities.items() if other != entity})

    def without_senders_of(self, account: str) -> "Overlay":
        kept = {
            entity: value
            for entity, value in self.entities.items()
            if entity.kind != SENDER or entity.key.partition("/")[0] != account
        }
        return Overlay(kept)

    def rules(self) -> tuple[list[Value], list[Value]]:
        """Tables of a routes file: those asked before the rules of the file, and those asked after them."""
        placed = sorted((value.get("place", 0), name, value) for name, value in self.of(ROUTE).items())
        tables = [(place, {"name": name} | _rule(value)) for place, name, value in placed]
        return [rule for place, rule in tables if place < 0], [rule for place, rule in tables if place >= 0]

    def texts(self, kind: str) -> dict[str, str]:
        """The CSV of rate cards or price lists, by key."""
        return {key: value["csv"] for key, value in self.of(kind).items()}


NO_OVERLAY = Overlay()


class Laid:
    """A document of the main file with an overlay over it."""

    def __init__(self, document: Mapping[str, Any], overlay: Overlay) -> None:
        """Does not change ``document``."""
        self.document = dict(document)
        self.problems: list[str] = []
        """Entities that the document has, too."""
        self._entity_at: dict[tuple[str, str], Entity] = {}
        for kind, table in TABLES.items():
            self._lay_tables(kind, table, overlay.of(kind))
        self._lay_keywords(overlay.of(KEYWORD))
        self._lay_senders(overlay.of(SENDER))

    def line(self, problem: Problem, file: str) -> str:
        """``problem`` as the operator reads it, by its file or its entity."""
        entity = self._entity_at.get((problem.path[0], problem.path[1])) if len(problem.path) > 1 else None
        if entity is None:
            return problem.line(file)
        return Problem(problem.path[2:], problem.reason).line(str(entity))

    def _lay_tables(self, kind: str, table: str, entities: Mapping[str, Value]) -> None:
        present = self.document.get(table, {})
        if entities and isinstance(present, dict):
            self.problems += [in_file(Entity(kind, key)) for key in entities if key in present]
            self.document[table] = {**present, **{key: entities[key] for key in entities if key not in present}}
            self._entity_at |= {(table, key): Entity(kind, key) for key in entities if key not in present}

    def _lay_keywords(self, entities: Mapping[str, Value]) -> None:
        present = self.document.get("mo_routes", [])
        if entities and isinstance(present, list):
            self.document["mo_routes"] = [*present, *entities.values()]
            for i, key in enumerate(entities, len(present)):
                self._entity_at["mo_routes", f"[{i}]"] = Entity(KEYWORD, key)

    def _lay_senders(self, entities: Mapping[str, Value]) -> None:
        """They are allowed, where an account may not send from anything anyway."""
        approved: dict[str, list[str]] = {}
        for key, value in entities.items():
            account, _, sender = key.partition("/")
            if is_laid(Entity(SENDER, key), value):
                approved.setdefault(account, []).append(sender)
        accounts = self.document.get("accounts")
        if not approved or not isinstance(accounts, dict):
            return
        self.document["accounts"] = {name: _allowing(table, approved.get(name, ())) for name, table in accounts.items()}


def in_file(entity: Entity) -> str:
    """What is wrong with an entity that the files provide."""
    return f"{entity}: was put at run time, and the files have it, too: one of the two has to go"


def _allowing(account: Any, senders: Iterable[str]) -> Any:
    rules = account.get("senders") if isinstance(account, dict) else None
    allowed = rules.get("allowed") if isinstance(rules, dict) else None
    if not isinstance(rules, dict) or not isinstance(allowed, list):
        return account
    return {**account, "senders": {**rules, "allowed": [*allowed, *senders]}}


def _rule(value: Value) -> dict[str, Any]:
    """As a routes file has it: instants are no strings there."""
    rule = {name: member for name, member in value.items() if name != "place"}
    for name in ("valid_from", "valid_until"):
        if isinstance(rule.get(name), str):
            with suppress(ValueError):  # who checks it says what it must be
                rule[name] = datetime.fromisoformat(rule[name])
    return rule


class Fitting(NamedTuple):
    """What of an overlay can be in force."""

    kept: Overlay
    left_out: Mapping[Entity, str]
    """Why, as the check says it."""


def fitting(base: Overlay, others: Mapping[Entity, Value], why_not: Callable[[Overlay], str]) -> Fitting:
    """``base`` with as many of ``others`` as fit together.

    ``why_not`` says what is wrong with an overlay, ``""`` nothing. It is asked once when all fit; else some twice the
    logarithm of their number for each that does not.
    """
    kept, left_out = base, dict[Entity, str]()

    def add(group: list[Entity]) -> None:
        nonlocal kept
        wanted = kept.having({entity: others[entity] for entity in group})
        reason = why_not(wanted)
        if not reason:
            kept = wanted
        elif len(group) == 1:
            left_out[group[0]] = reason
        else:
            add(group[: len(group) // 2])
            add(group[len(group) // 2 :])

    pending = sorted(others, key=lambda entity: (KINDS.index(entity.kind), entity.key))
    while pending:  # what needed one that came later fits the next time
        left_out = {}
        add(pending)
        if len(left_out) == len(pending):
            break
        pending = list(left_out)
    return Fitting(kept, left_out)
