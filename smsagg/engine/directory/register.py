"""What is kept by name and changed at run time: senders, keys, templates … Each change and its audit record are one
transaction.

All of it is in memory, as it is committed: a change is seen by :meth:`Register.get` and told to followers after its
commit, and one that the store refuses changes nothing. Changes are made one after another. In the store an entry is an
entity of kind :data:`KIND` with the key ``kind/key``.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import Any

import orjson
import trio

from smsagg.clock import Clock
from smsagg.directory.audit import Actor, AuditEntry, entry_of
from smsagg.engine.directory.audit_log import log_record
from smsagg.errors import RegisterFull, SmsaggError, StaleValue, StoreError
from smsagg.store.base import Changes, EntityUpdate, Store

KIND = "register"
ENTRIES_MAX = 100_000
"""Of one kind."""
ABSENT = ""
"""The tag of what is not there."""

Value = Mapping[str, Any]
Told = Callable[[str, Value | None], None]
"""``(key, value)``; ``None``: it is no more. Must not raise."""


class Register:
    """One for the process."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: dict[str, dict[str, Value]] = {}
        self._followers: dict[str, list[Told]] = {}
        self._turn = trio.Lock()

    async def load(self) -> None:
        """Read what there is, and tell it to followers; once, before anything is changed. Raises StoreError."""
        for kind, key, value in await read_entries(self._store):
            self._take(kind, key, value)

    def get(self, kind: str, key: str) -> Value | None:
        """``None``: there is none."""
        return self._entries.get(kind, {}).get(key)

    def all(self, kind: str, prefix: str = "") -> Mapping[str, Value]:
        """All whose key begins so, by key."""
        entries = self._entries.get(kind, {})
        return {key: entries[key] for key in sorted(key for key in entries if key.startswith(prefix))}

    def follow(self, kind: str, told: Told) -> None:
        """Call ``told`` after the commit of each change, and once now for each entry that there is."""
        self._followers.setdefault(kind, []).append(told)
        for key, value in self.all(kind).items():
            told(key, value)

    async def put(
        self,
        by: Actor,
        kind: str,
        key: str,
        value: Value,
        *,
        tag: str | None = None,
        action: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep ``value`` under ``key``; returns after the commit. Raises StoreError, RegisterFull and, when ``tag`` is
        given and not that of the present value (:data:`ABSENT`: of none), StaleValue; nothing has changed then.

        ``value`` is JSON and holds no secret in plain. The audit record says ``action`` (default: ``kind.put``) and
        ``details`` (default: which members changed). A call that is cancelled before its turn does nothing, later it is
        finished first.
        """
        document = orjson.dumps(value)
        async with self._turn:
            present = self.check(kind, key, tag)
            if present is None and len(self._entries.get(kind, {})) >= ENTRIES_MAX:
                raise RegisterFull(f"there are {ENTRIES_MAX} {kind} entries already")
            if details is None:
                details = {"changed": changed_members(present or {}, value)}
            entry = entry_of(by, self._clock.now_ms(), action or f"{kind}.put", key, details)
            await self._commit(entry, EntityUpdate(KIND, f"{kind}/{key}", document))
            self._take(kind, key, orjson.loads(document))

    async def delete(
        self,
        by: Actor,
        kind: str,
        key: str,
        *,
        tag: str | None = None,
        action: str = "",
        details: Mapping[str, Any] | None = None,
        along: Collection[str] = (),
    ) -> bool:
        """Keep nothing under ``key`` any more; False: there was nothing. As :meth:`put`.

        What is kept of the kinds ``along`` under ``key``, or a key below it, leaves in the same transaction.
        """
        async with self._turn:
            if self.check(kind, key, tag) is None:
                return False
            leaving = [(other, one) for other in along for one in self._entries.get(other, ()) if is_below(one, key)]
            if leaving:
                details = {**(details or {}), "along": dict(Counter(other for other, _ in leaving))}
            leaving.append((kind, key))
            entry = entry_of(by, self._clock.now_ms(), action or f"{kind}.delete", key, details or {})
            await self._commit(entry, *(EntityUpdate(KIND, f"{other}/{one}", None) for other, one in leaving))
            for other, one in leaving:
                self._take(other, one, None)
        return True

    async def set(
        self,
        by: Actor,
        kind: str,
        key: str,
        value: Value | None,
        *,
        tag: str | None = None,
        action: str = "",
        along: Collection[str] = (),
    ) -> None:
        """:meth:`put`, or with ``None`` :meth:`delete`."""
        if value is None:
            await self.delete(by, kind, key, tag=tag, action=action, along=along)
        else:
            await self.put(by, kind, key, value, tag=tag, action=action)

    def tag(self, kind: str, key: str) -> str:
        """Of the present value, see :func:`tag_of`."""
        return tag_of(self.get(kind, key))

    def check(self, kind: str, key: str, tag: str | None) -> Value | None:
        """The present value; raises StaleValue when it is not the one that ``tag`` tells."""
        present = self.get(kind, key)
        if tag is not None and tag != tag_of(present):
            raise StaleValue(f"{kind} {key} has changed meanwhile")
        return present

    async def note(
        self, by: Actor, action: str, subject: str, details: Mapping[str, Any], account: str | None = None
    ) -> None:
        """Record what is about to be done, or was done, beside the register; returns after the commit. ``account``:
        whom it concerns, if ``subject`` does not begin with it. Raises StoreError: then it must not be done.
        """
        await self._commit(entry_of(by, self._clock.now_ms(), action, subject, details, account))

    @asynccontextmanager
    async def noting(
        self, by: Actor, action: str, subject: str, details: Mapping[str, Any], account: str | None = None
    ) -> AsyncIterator[None]:
        """:meth:`note` what the body does, before it; a body that refuses it is noted as such, too."""
        await self.note(by, action, subject, details, account)
        try:
            yield
        except (SmsaggError, ValueError):
            with suppress(StoreError):
                await self.note(by, f"{action}.refused", subject, {}, account)
            raise

    async def _commit(self, entry: AuditEntry, *entities: EntityUpdate) -> None:
        answered = trio.Event()
        told: list[StoreError | None] = []

        def on_done(error: StoreError | None) -> None:
            told.append(error)
            answered.set()

        with trio.CancelScope(shield=True):  # what is with the store may be committed, and must be known then
            self._store.write(Changes(entities=list(entities), audit=[entry]), on_done)
            await answered.wait()
            if told[0] is not None:
                raise told[0]
            await log_record(self._store, entry)

    def _take(self, kind: str, key: str, value: Value | None) -> None:
        if value is None:
            del self._entries[kind][key]
        else:
            self._entries.setdefault(kind, {})[key] = value
        for told in self._followers.get(kind, ()):
            told(key, value)


async def read_entries(store: Store) -> list[tuple[str, str, Value]]:
    """Kind, key and value of each entry that is in the store. Raises StoreError."""
    entries = []
    for name, value in await store.load_entities(KIND):
        kind, _, key = name.partition("/")
        entries.append((kind, key, orjson.loads(value)))
    return entries


def is_below(key: str, name: str) -> bool:
    """Whether ``key`` is ``name``, or of what ``name`` has (``acme/ACME``)."""
    return key == name or key.startswith(f"{name}/")


def tag_of(value: Value | None) -> str:
    """What tells a value from others, for those who change what they have seen; of ``None`` :data:`ABSENT`."""
    if value is None:
        return ABSENT
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def changed_members(before: Value, after: Value) -> list[str]:
    """Names of members that came, went, or are others now."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
