"""A real SMSC behind the carrier port: n links that bind to it over SMPP 3.4 as an ESME."""

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

import trio

from smsagg.carriers.base import CarrierEvents
from smsagg.carriers.smpp.dial import Dial, dial
from smsagg.carriers.smpp.link import SmppLink
from smsagg.carriers.smpp.settings import LIVE_KEYS, SmppSettings
from smsagg.clock import Clock
from smsagg.receipts.settings import LEARN


class SmppCarrier:
    """See :class:`~smsagg.carriers.base.Carrier`."""

    Settings: ClassVar[type[Any]] = SmppSettings
    LIVE_KEYS: ClassVar[frozenset[str]] = LIVE_KEYS

    def __init__(
        self,
        name: str,
        settings: SmppSettings,
        events: CarrierEvents,
        clock: Clock,
        rng: Random,
        dial: Dial = dial,
    ) -> None:
        self.name = name
        self.learns_ids = settings.dialect == LEARN
        self._links = [
            SmppLink(name, number, settings, events, clock, rng, dial) for number in range(1, settings.links + 1)
        ]

    def reconfigure(self, settings: SmppSettings) -> None:
        """Put settings in force that differ in :data:`LIVE_KEYS` only."""
        self.learns_ids = settings.dialect == LEARN
        for link in self._links:
            link.reconfigure(settings)

    def rest(self) -> None:
        """See :class:`~smsagg.carriers.base.RestingCarrier`."""
        for link in self._links:
            link.rest()

    def wake(self) -> None:
        """Bind again."""
        for link in self._links:
            link.wake()

    @property
    def links(self) -> Sequence[SmppLink]:
        return self._links

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """One task a link; links do not disturb one another."""
        async with trio.open_nursery() as nursery:
            for link in self._links:
                nursery.start_soon(link.run)
            task_status.started()

    async def drain(self) -> None:
        """Take nothing more, wait for outstanding responses, unbind. May be cancelled; capacity stays 0."""
        async with trio.open_nursery() as nursery:
            for link in self._links:
                nursery.start_soon(link.drain)
