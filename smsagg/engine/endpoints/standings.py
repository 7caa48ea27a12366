"""How endpoints stand, in memory, and in the store as far as a restart must not forget it.

Bounded by the endpoints that there are; what is kept of others is dropped when the process starts.
"""

from collections.abc import Callable

from smsagg.events.endpoint import Endpoint
from smsagg.events.standing import Disabled, Standing, standing_from_record
from smsagg.store.base import Changes, EntityUpdate, Store

KIND = "endpoint-standing"
_NEW = Standing()


class Standings:
    """One for the process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._standings: dict[str, Standing] = {}
        self._saved: dict[str, Standing] = {}
        self.on_disabled: Callable[[Endpoint, Disabled], None] = lambda _endpoint, _why: None

    async def load(self, is_known: Callable[[str], bool]) -> None:
        """Read what there is of endpoints that are known; once, first. Raises StoreError."""
        strangers = []
        for name, record in await self._store.load_entities(KIND):
            if is_known(name):
                self._standings[name] = self._saved[name] = standing_from_record(record)
            else:
                strangers.append(EntityUpdate(KIND, name, None))
        if strangers:
            self._store.write(Changes(entities=strangers))

    def of(self, endpoint: Endpoint) -> Standing:
        """How it stands with the settings that it has."""
        return self._standings.get(endpoint.name, _NEW).under(endpoint.digest)

    def put(self, endpoint: Endpoint, standing: Standing, changes: Changes) -> None:
        """It stands so from now on; ``changes`` are to be written."""
        name, before = endpoint.name, self.of(endpoint)
        self._standings[name] = standing
        if standing.is_worth_saving(self._saved.get(name, _NEW)):
            self._saved[name] = standing
            changes.entities.append(EntityUpdate(KIND, name, standing.to_record()))
        if standing.disabled_for is not None and not before.is_disabled:
            self.on_disabled(endpoint, standing.disabled_for)

    def forget(self, name: str, changes: Changes) -> None:
        """There is no such endpoint any more."""
        if self._standings.pop(name, None) is not None:
            changes.entities.append(EntityUpdate(KIND, name, None))
        self._saved.pop(name, None)
