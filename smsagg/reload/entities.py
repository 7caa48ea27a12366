"""Accounts, pools, keywords, routes, rate cards and price lists by name: those of the files, which are only looked at,
and those that were put at run time.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trio
from attrs import define

from smsagg.config.documents import is_secret, name_of
from smsagg.config.overlay import ACCOUNT, KEYWORD, PRICE_LIST, RATE_CARD, ROUTE, SENDER, TABLES, Entity, Value
from smsagg.config.passwords import PASSWORD_OCTETS_MAX, hash_of
from smsagg.directory.audit import Actor
from smsagg.engine.directory.register import Register, tag_of
from smsagg.errors import ConfigError, ProvidedByFile
from smsagg.reload.reloader import Reloader

ELSEWHERE = {
    "password_hash": "say the password, and it is kept as a hash",
    "old_password_hash": "only in the configuration's file",
    "api_keys": "made under /v1/admin/keys",
    "webhooks": "made by the account under /v1/webhooks",
    "callbacks": "made by the account under /v1/callbacks",
    "outbind": "only in the configuration's file",
    "price_list": "put under /v1/admin/price-lists",
}
"""Keys of an account that hold secrets or name files of the server: they are not put with it."""
_CSV = {RATE_CARD: ("carriers", "rate_card"), PRICE_LIST: ("accounts", "price_list")}


@define(frozen=True)
class Found:
    """One of them."""

    name: str
    source: str
    """``file`` or ``api``."""
    value: Value
    """Without secrets."""
    problem: str = ""
    """Why it was put and is not in force; ``""``: it is."""

    @property
    def tag(self) -> str:
        """Of what is there, for who changes what it has seen."""
        return tag_of(self.value)


class Entities:
    """Over a reloader that has begun."""

    def __init__(self, reloader: Reloader, register: Register) -> None:
        self._reloader = reloader
        self._register = register

    def all(self, kind: str) -> dict[str, Found]:
        """By name; of a name that was put and that the files have, too, that of the files."""
        put = {name: without_secrets(value) for name, value in self._register.all(kind).items()}
        found = {name: Found(name, "api", value, self._problem(kind, name)) for name, value in put.items()}
        found |= {name: Found(name, "file", value) for name, value in self._of_files(kind).items()}
        return dict(sorted(found.items()))

    def find(self, kind: str, name: str) -> Found | None:
        return self.all(kind).get(name)

    def is_put(self, kind: str, name: str) -> bool:
        """Whether what is in force was put at run time."""
        return Entity(kind, name) in self._reloader.overlay.entities

    async def put(self, by: Actor, kind: str, name: str, value: Value, tag: str | None, action: str = "") -> bool:
        """Whether it is new. Raises as :meth:`Reloader.change`, and ProvidedByFile."""
        self._check(kind, name)
        is_new = self._register.get(kind, name) is None
        tag = self._hidden_tag(kind, name, tag)
        if kind == ACCOUNT:
            value = await account_value(name, value, self._register.get(kind, name))
        await self._reloader.change(by, Entity(kind, name), value, tag=tag, action=action)
        return is_new

    async def delete(self, by: Actor, kind: str, name: str, tag: str | None) -> bool:
        """False: there is none. Raises as :meth:`put`."""
        if self._register.get(kind, name) is None:
            self._check(kind, name)
            return False
        await self._reloader.change(by, Entity(kind, name), None, tag=self._hidden_tag(kind, name, tag))
        return True

    def _check(self, kind: str, name: str) -> None:
        if kind != SENDER and name in self._of_files(kind):
            raise ProvidedByFile(f"{Entity(kind, name)} is in the configuration's files: change it there")

    def _hidden_tag(self, kind: str, name: str, tag: str | None) -> str | None:
        """The register's tag of what a caller saw without its secrets under ``tag``."""
        value = self._register.get(kind, name)
        if tag is None or value is None or tag != tag_of(without_secrets(value)):
            return tag
        return tag_of(value)

    def _problem(self, kind: str, name: str) -> str:
        return self._reloader.left_out.get(Entity(kind, name), "")

    def _of_files(self, kind: str) -> Mapping[str, Value]:
        documents = self._reloader.documents
        document = tomllib.loads(documents.texts[documents.main])
        if kind in TABLES:
            return {
                name: without_secrets({key: table[key] for key in table if key not in ELSEWHERE})
                for name, table in document.get(TABLES[kind], {}).items()
            }
        if kind == KEYWORD:
            return {f"file:{n}": table for n, table in enumerate(document.get("mo_routes", []), 1)}
        if kind == ROUTE:
            text = self._text(document.get("routing", {}).get("routes"))
            rules = tomllib.loads(text).get("routes", [])
            return {rule["name"]: {key: rule[key] for key in rule if key != "name"} for rule in rules}
        section, key = _CSV[kind]
        owners = document.get(section, {})
        return {name: {"csv": self._text(table[key])} for name, table in owners.items() if key in table}

    def _text(self, file: str | None) -> str:
        """Of a data file that is in force, as the main file names it."""
        if file is None:
            return ""
        main = self._reloader.path
        name = name_of(main, os.path.join(main.parent, Path(file)))
        return self._reloader.documents.texts.get(name, "")


async def account_value(name: str, value: Value, before: Value | None) -> Value:
    """What is kept of an account: its ``password`` as a hash, without one the hash that it had, and for a new account
    one that no bind can meet. Raises ConfigError for keys that are set elsewhere."""
    refused = [f"{Entity(ACCOUNT, name)}: {key}: {ELSEWHERE[key]}" for key in value if key in ELSEWHERE]
    password = value.get("password")
    hashed = ""
    try:
        if not isinstance(password, str | None):
            raise ValueError("must be a string")
        if password is None and before is not None:
            hashed = before["password_hash"]
        else:
            hashed = await trio.to_thread.run_sync(hash_of, new_password() if password is None else password)
    except ValueError as error:
        refused.append(f"{Entity(ACCOUNT, name)}: password: {error}")
    if refused:
        raise ConfigError("\n".join(refused))
    return {**{key: value[key] for key in value if key != "password"}, "password_hash": hashed}


def new_password() -> str:
    """One that nobody knows."""
    return secrets.token_urlsafe(PASSWORD_OCTETS_MAX)[:PASSWORD_OCTETS_MAX]


def without_secrets(value: Any) -> Any:
    """The same without members that name a secret."""
    if isinstance(value, dict):
        return {key: without_secrets(member) for key, member in value.items() if not is_secret(key)}
    return [without_secrets(member) for member in value] if isinstance(value, list) else value
