"""A resolver of ported numbers that a test plays."""

from typing import Any, ClassVar

import trio
from attrs import define, field

from smsagg.config.schema import LookupSettings


def lookup_settings(*countries: str, **values: Any) -> LookupSettings:
    """``[routing.lookup]`` for a :class:`FakeResolver`."""
    return LookupSettings(type="fake", settings=None, countries=countries or ("GB",), **values)


@define(eq=False)
class FakeResolver:
    """Implements :class:`~smsagg.resolvers.base.Resolver`."""

    Settings: ClassVar[type[Any]] = object

    networks: dict[str, str] = field(factory=dict)
    """What it answers by number; ``""`` for others."""
    at_once: dict[str, str] = field(factory=dict)
    """What it knows without being asked."""
    asked: list[str] = field(factory=list)
    error: Exception | None = None
    """Raised instead of an answer."""
    gate: trio.Event | None = None
    """When set, answers wait for it."""
    running: int = 0

    def known(self, digits: str) -> str | None:
        return self.at_once.get(digits)

    async def resolve(self, digits: str) -> str:
        assert self.running, "asked while it does not run"
        self.asked.append(digits)
        await trio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.networks.get(digits, "")

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self.running += 1
        try:
            task_status.started()
            await trio.sleep_forever()
        finally:
            self.running -= 1
