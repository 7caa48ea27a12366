"""Judges carriers every two seconds, and keeps what is thought of them over a restart.

The judgement is :class:`~smsagg.routing.quality.Quality`; here are its clock and its place in the store: an entity for
each carrier and country, written once a minute when it changed, so what a crash forgets is a minute's experience.
"""

import orjson
import trio

from smsagg.engine.core import Changes, Core
from smsagg.store.base import EntityUpdate

SAMPLE_S = 2.0
SAVE_S = 60.0
ENTITY_KIND = "quality"
_BETWEEN = "/"
"""Names of carriers have no such character, and countries neither."""


class Assessor:
    """One task."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._save_at = core.clock.monotonic_s() + SAVE_S

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on."""
        self._core.quality.reconfigure(self._core.config.quality)

    async def restore(self) -> None:
        """Take up what an earlier run thought. Once, before :meth:`run`; raises StoreError."""
        now = self._core.clock.now_ms()
        old: list[EntityUpdate] = []
        for key, value in await self._core.store.load_entities(ENTITY_KIND):
            carrier, _, country = key.partition(_BETWEEN)
            if not self._core.quality.restore((carrier, country), orjson.loads(value), now):
                old.append(EntityUpdate(ENTITY_KIND, key, None))
        if old:
            self._core.store.write(Changes(entities=old))

    async def run(self) -> None:
        """Judge until cancelled."""
        while True:
            await trio.sleep(SAMPLE_S)
            self.assess()

    def assess(self) -> None:
        """One round."""
        core = self._core
        core.quality.sample(core.clock.now_ms())
        core.wake_dispatcher()
        if core.clock.monotonic_s() >= self._save_at:
            self._save_at = core.clock.monotonic_s() + SAVE_S
            self._save()

    def _save(self) -> None:
        entities = [
            EntityUpdate(ENTITY_KIND, f"{carrier}{_BETWEEN}{country}", orjson.dumps(record))
            for (carrier, country), record in self._core.quality.take_changed()
        ]
        if entities:
            self._core.store.write(Changes(entities=entities))
