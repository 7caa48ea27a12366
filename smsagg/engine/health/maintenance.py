"""Carriers that operators take out of service for a while, and put back.

A drained carrier takes no new messages, finishes what is outstanding, and its receipts are waited for; with ``unbind``
its links are unbound as well, once nothing is outstanding on them (their receipts come after :meth:`Maintenance.resume`
then, if the carrier keeps them). A drain is an entity of the store, so that it outlives the process, and the
configuration: a carrier that leaves and comes back is still drained.
"""

from collections.abc import Callable
from typing import Any

import orjson
import structlog
import trio
from attrs import asdict, define

from smsagg.carriers.base import RestingCarrier
from smsagg.engine.core import Changes, Core
from smsagg.engine.sending.pools import CarrierState
from smsagg.errors import ControlError, StoreError
from smsagg.store.base import EntityUpdate

KIND = "drain"
"""Of the entities; the key is the carrier."""
SOURCE = "drain"

log = structlog.get_logger("smsagg.engine")


@define(frozen=True)
class Drain:
    """One carrier out of service."""

    since: int
    """UTC milliseconds."""
    unbind: bool
    reason: str
    """In the operator's words, may be empty."""


class Maintenance:
    """Every drain is in the store before it is in force, and out of it before it ends."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.drains: dict[str, Drain] = {}

    async def recover(self) -> None:
        """Take up the drains of the last run; before carriers run."""
        for name, value in await self._core.store.load_entities(KIND):
            stored: dict[str, Any] = orjson.loads(value)
            self.drains[name] = Drain(stored["since"], stored["unbind"], stored["reason"])
        self.reconfigure()

    def reconfigure(self) -> None:
        """Hold the carriers of the present configuration that are drained."""
        for name, drain in self.drains.items():
            if name in self._core.carriers:
                self._hold(name, drain)

    async def drain(self, name: str, *, unbind: bool, reason: str) -> None:
        """Take carrier ``name`` out of service; raises ControlError when there is none, or the store fails."""
        carrier = self._carrier(name)
        if unbind and not isinstance(carrier.carrier, RestingCarrier):
            raise ControlError(f"{name}: a carrier of type {carrier.settings.type} cannot be unbound")
        before = self.drains.get(name)
        drain = Drain(self._core.clock.now_ms() if before is None else before.since, unbind, reason)

        def drained() -> None:
            self.drains[name] = drain
            if name in self._core.carriers:
                if before is not None and before.unbind and not unbind:
                    self._wake(name)
                self._hold(name, drain)
            log.warning("carrier_drained", carrier=name, unbind=unbind, reason=reason)

        await self._write(name, orjson.dumps(asdict(drain)), drained)

    async def resume(self, name: str) -> bool:
        """Put ``name`` back into service, also one that has left the configuration; False when it was not drained.
        Raises ControlError as :meth:`drain`."""
        drain = self.drains.get(name)
        if drain is None:
            self._carrier(name)
            return False

        def resumed() -> None:
            self.drains.pop(name, None)
            carrier = self._core.carriers.get(name)
            if carrier is not None:
                if drain.unbind:
                    self._wake(name)
                self._core.health.release(carrier, "", SOURCE)
            log.warning("carrier_resumed", carrier=name)

        await self._write(name, None, resumed)
        return True

    def _hold(self, name: str, drain: Drain) -> None:
        carrier = self._core.carriers[name]
        self._core.health.stop(carrier, "", SOURCE, f"drained: {drain.reason}" if drain.reason else "drained")
        if drain.unbind and isinstance(carrier.carrier, RestingCarrier):
            carrier.carrier.rest()

    def _wake(self, name: str) -> None:
        carrier = self._core.carriers[name].carrier
        if isinstance(carrier, RestingCarrier):
            carrier.wake()

    def _carrier(self, name: str) -> CarrierState:
        carrier = self._core.carriers.get(name)
        if carrier is None:
            raise ControlError(f"there is no carrier {name}; there are {', '.join(sorted(self._core.carriers))}")
        return carrier

    async def _write(self, name: str, value: bytes | None, then: Callable[[], None]) -> None:
        """Returns when it is committed and ``then`` was called, which happens also when the caller goes away."""
        failing = self._core.store.failing
        if failing is not None:
            raise ControlError(f"the store cannot write now: {failing}")
        done = trio.Event()
        failed: list[StoreError] = []

        def committed(error: StoreError | None) -> None:
            if error is None:
                then()
            else:
                failed.append(error)
            done.set()

        self._core.store.write(Changes(entities=[EntityUpdate(KIND, name, value)]), committed)
        await done.wait()
        if failed:
            raise ControlError(f"the store cannot write: {failed[0]}")
