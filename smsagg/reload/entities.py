"""Accounts, pools, keywords, routes, rate cards and price lists by name: those of the files, which are only looked at,
and those that were put at run time.
"""

import secrets

import trio
from attrs import define

from smsagg.config.overlay import ACCOUNT, Entity, Value
from smsagg.config.passwords import PASSWORD_OCTETS_MAX, hash_of
from smsagg.directory.audit import Actor
from smsagg.engine.directory.register import Register, tag_of
from smsagg.errors import ConfigError, ProvidedByFile
from smsagg.reload.of_files import ELSEWHERE, without_secrets
from smsagg.reload.reloader import Reloader


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
        self._turn = trio.Lock()

    def all(self, kind: str) -> dict[str, Found]:
        """By name; of a name that was put and that the files have, too, that of the files."""
        names = {*self._register.all(kind), *self._reloader.of_files.get(kind, ())}
        return {name: found for name in sorted(names) if (found := self.find(kind, name)) is not None}

    def find(self, kind: str, name: str) -> Found | None:
        of_file = self._reloader.of_files.get(kind, {}).get(name)
        if of_file is not None:
            return Found(name, "file", of_file)
        put = self._register.get(kind, name)
        return None if put is None else Found(name, "api", without_secrets(put), self._problem(kind, name))

    def is_put(self, kind: str, name: str) -> bool:
        """Whether what is in force was put at run time."""
        return Entity(kind, name) in self._reloader.overlay.entities

    async def put(self, by: Actor, kind: str, name: str, value: Value, tag: str | None, action: str = "") -> bool:
        """Whether it is new. Raises as :meth:`Reloader.change`, and ProvidedByFile."""
        async with self._turn:  # so that no password that is changed comes back with what was read before
            self._check(kind, name)
            before = self._register.get(kind, name)
            tag = self._hidden_tag(kind, name, tag)
            if kind == ACCOUNT:
                value = await account_value(name, value, before)
            await self._reloader.change(by, Entity(kind, name), value, tag=tag, action=action)
        return before is None

    async def delete(self, by: Actor, kind: str, name: str, tag: str | None) -> bool:
        """False: there is none. Raises as :meth:`put`."""
        async with self._turn:
            if self._register.get(kind, name) is None:
                self._check(kind, name)
                return False
            await self._reloader.change(by, Entity(kind, name), None, tag=self._hidden_tag(kind, name, tag))
        return True

    def _check(self, kind: str, name: str) -> None:
        if name in self._reloader.of_files.get(kind, ()):
            raise ProvidedByFile(f"{Entity(kind, name)} is in the configuration's files: change it there")

    def _hidden_tag(self, kind: str, name: str, tag: str | None) -> str | None:
        """The register's tag of what a caller saw without its secrets under ``tag``."""
        value = self._register.get(kind, name)
        if tag is None or value is None or tag != tag_of(without_secrets(value)):
            return tag
        return tag_of(value)

    def _problem(self, kind: str, name: str) -> str:
        return self._reloader.left_out.get(Entity(kind, name), "")


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
