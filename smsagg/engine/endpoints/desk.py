"""What accounts do to their endpoints, for any front: each change is durable when its call returns.

Calls raise :class:`EndpointError` for what cannot be, StaleValue when somebody else changes the same meanwhile, and
StoreError; nothing has changed then.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import trio
from attrs import evolve

from smsagg.clock import Clock
from smsagg.config.webhook_settings import WebhookSettings
from smsagg.directory.audit import Actor
from smsagg.engine.directory.register import ABSENT, Register, tag_of
from smsagg.engine.ending.events import Events
from smsagg.engine.endpoints.endpoints import CALLBACKS, CALLBACKS_KIND, KIND, NOWHERE, Endpoints
from smsagg.engine.endpoints.standings import Standings
from smsagg.errors import EndpointError, StaleValue, StoreError
from smsagg.events.endpoint import Endpoint, Source
from smsagg.events.standing import Disabled, Standing
from smsagg.signing import new_secret
from smsagg.store.base import Changes, Store

ENDPOINTS_MAX = 20
"""Of an account, that are made at run time."""
PENDING_MAX = 1_000
"""What is owed is counted up to here."""
REPLAYED_MAX = 10_000
"""Events that one call owes again."""
AT_ONCE = 500


class Replayed(NamedTuple):
    """What a replay did."""

    owed: int
    after: int
    """The id behind which more may be; 0: that was all."""


class EndpointDesk:
    """Operations on the endpoints of a process."""

    def __init__(
        self,
        endpoints: Endpoints,
        standings: Standings,
        register: Register,
        events: Events,
        store: Store,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._endpoints = endpoints
        self._standings = standings
        self._register = register
        self._events = events
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._making = trio.Lock()

    # --- what there is ---

    def all(self, account: str) -> Mapping[str, Endpoint]:
        """Those of ``account`` by name, and how each stands with :meth:`standing`."""
        return self._endpoints.of(account)

    def callbacks(self, account: str) -> Endpoint | None:
        """What the callbacks of ``account`` have in common; ``None``: it has no secret for them."""
        return self._endpoints.callbacks_of(account)

    def standing(self, endpoint: Endpoint) -> Standing:
        return self._standings.of(endpoint)

    def disabled(self) -> Mapping[str, int]:
        """How many are told nothing, by account."""
        return Counter(one.account for one in self._endpoints if self.standing(one).is_disabled)

    async def pending(self, endpoint: Endpoint) -> int:
        """How many events it is owed; :data:`PENDING_MAX`: so many or more."""
        return await self._store.count_owed_events(endpoint.name, PENDING_MAX)

    # --- changes ---

    async def make(self, by: Actor, account: str, hook: str, secret: str, members: Mapping[str, Any]) -> Endpoint:
        """A new one with these members of :class:`WebhookSettings`; with no ``secret`` it gets one."""
        async with self._making:
            present = self._endpoints.of(account)
            if hook in present:
                raise EndpointError("exists", f"There is an endpoint {hook} already.")
            if sum(one.source is Source.API for one in present.values()) >= ENDPOINTS_MAX:
                raise EndpointError("too-many-endpoints", f"An account has at most {ENDPOINTS_MAX} endpoints.")
            settings = WebhookSettings(secret=secret or new_secret(self._entropy), **members)
            endpoint = Endpoint(account, hook, settings, Source.API, created_at=self._clock.now_ms())
            await self._forget(endpoint.name)
            await self._register.put(by, KIND, endpoint.name, self._endpoints.value_of(endpoint), tag=ABSENT)
        return endpoint

    async def change(self, by: Actor, endpoint: Endpoint, members: Mapping[str, Any]) -> Endpoint:
        """Other members for it."""
        self._check_own(endpoint)
        return await self._put(by, KIND, evolve(endpoint, settings=evolve(endpoint.settings, **members)))

    async def rotate(self, by: Actor, endpoint: Endpoint, secret: str, overlap_ms: int) -> Endpoint:
        """Another secret; the one of now signs as well for ``overlap_ms``."""
        self._check_own(endpoint)
        return await self._put(by, KIND, self._rotated(endpoint, secret, overlap_ms))

    async def rotate_callbacks(self, by: Actor, account: str, secret: str, overlap_ms: int) -> Endpoint:
        """The same of the secret that signs what the account's callbacks are told; the first one, too."""
        present = self._endpoints.callbacks_of(account)
        if present is not None:
            _check_not_of_file(present)
            rotated = self._rotated(present, secret, overlap_ms)
        else:
            settings = WebhookSettings(NOWHERE, secret or new_secret(self._entropy))
            rotated = Endpoint(account, CALLBACKS, settings, Source.API, created_at=self._clock.now_ms())
        return await self._put(by, CALLBACKS_KIND, rotated)

    async def delete(self, by: Actor, endpoint: Endpoint) -> None:
        """It is told nothing any more, and owed nothing."""
        self._check_own(endpoint)
        await self._register.delete(by, KIND, endpoint.name)
        await self._forget(endpoint.name)

    async def enable(self, by: Actor, endpoint: Endpoint) -> None:
        """It is told again, first of all what it is owed; also one of the file."""
        await self._register.note(by, "webhook.enable", endpoint.name, {})
        await self._restate(endpoint, self.standing(endpoint).enabled())

    async def disable(self, by: Actor, endpoint: Endpoint) -> None:
        """It is told nothing until it is enabled, whatever its settings become; what happens is owed to it still."""
        await self._register.note(by, "webhook.disable", endpoint.name, {})
        enabled, now = self.standing(endpoint).enabled(), self._clock.now_ms()
        await self._restate(endpoint, enabled.disabled(Disabled.ASKED, now, endpoint.digest))

    # --- telling ---

    async def test(self, endpoint: Endpoint) -> int:
        """Owe it an event that says nothing; the id of that."""
        self._check_enabled(endpoint)
        changes = Changes()
        event_id = self._events.tested(endpoint, changes, self._clock.now_ms())
        await self._commit(changes)
        return event_id

    async def replay(
        self, endpoint: Endpoint, since: int, until: int, kinds: Sequence[str], after: int = 0
    ) -> Replayed:
        """Owe it again what happened in ``since <= at < until`` (UTC milliseconds), of ``kinds`` or of those that it is
        told of, behind the id ``after``.

        Up to :data:`REPLAYED_MAX` in one call. What it is owed already it is owed once, so that a replay that is called
        twice, or was cut off and is called again, sends nothing twice that was not taken meanwhile.
        """
        self._check_enabled(endpoint)
        after = max(after, await self._store.last_event_before(since))
        up_to = await self._store.last_event_before(until)
        owed, kinds = 0, kinds or endpoint.settings.events
        account = endpoint.account
        try:
            while owed < REPLAYED_MAX:
                found, more = await self._store.owe_events(endpoint.name, account, kinds, after, up_to, AT_ONCE)
                owed, after = owed + found, more
                if not more:
                    break
        finally:
            self._events.owe_again(endpoint)
        return Replayed(owed, after)

    # --- how ---

    def _rotated(self, endpoint: Endpoint, secret: str, overlap_ms: int) -> Endpoint:
        old = endpoint.settings.secret if overlap_ms else ""
        settings = evolve(endpoint.settings, secret=secret or new_secret(self._entropy), old_secret=old)
        return evolve(endpoint, settings=settings, old_secret_until=self._clock.now_ms() + overlap_ms if old else 0)

    async def _put(self, by: Actor, kind: str, endpoint: Endpoint) -> Endpoint:
        """Keep ``endpoint`` in the place of what there is now."""
        key = endpoint.name if kind == KIND else endpoint.account
        tag = tag_of(self._register.get(kind, key))
        await self._register.put(by, kind, key, self._endpoints.value_of(endpoint), tag=tag)
        return endpoint

    async def _restate(self, endpoint: Endpoint, standing: Standing) -> None:
        changes = Changes()
        self._standings.put(endpoint, standing, changes)
        self._endpoints.tell()
        await self._commit(changes)

    async def _forget(self, name: str) -> None:
        """How it stood, and what it is owed: a name that is used again begins anew."""
        changes = Changes()
        self._standings.forget(name, changes)
        self._store.write(changes)
        while await self._store.forgive_events(name, AT_ONCE) == AT_ONCE:
            pass

    async def _commit(self, changes: Changes) -> None:
        answered: list[StoreError | None] = []
        committed = trio.Event()

        def on_done(error: StoreError | None) -> None:
            answered.append(error)
            committed.set()

        self._store.write(changes, on_done)
        await committed.wait()
        if answered[0] is not None:
            raise answered[0]

    def _check_own(self, endpoint: Endpoint) -> None:
        """It may be changed, and is what there is now."""
        _check_not_of_file(endpoint)
        if self._endpoints.get(endpoint.name) != endpoint:
            raise StaleValue(f"webhook {endpoint.name} has changed meanwhile")

    def _check_enabled(self, endpoint: Endpoint) -> None:
        if self.standing(endpoint).is_disabled:
            raise EndpointError("disabled", f"The endpoint {endpoint.hook} is disabled; enable it first.")


def _check_not_of_file(endpoint: Endpoint) -> None:
    if endpoint.source is Source.FILE:
        raise EndpointError("from-file", "This stands in the server's configuration file, and is changed there.")
