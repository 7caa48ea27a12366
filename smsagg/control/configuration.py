"""The commands ``reload`` and ``config`` of the control socket: a running server's configuration and its versions.

Requests: ``{"command": "reload", "check": false, "strict": false}``; ``{"command": "config", "do": "history"}``,
``{"do": "show", "version": 7}``, ``{"do": "rollback", "version": 7}`` and ``{"do": "running"}``, which also says what a
reload would change now.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import asdict

from smsagg.control.auditing import actor_of
from smsagg.control.server import Caller, Send
from smsagg.errors import ConfigError, ControlError


class Configurations(Protocol):
    """What :class:`smsagg.reload.Reloader` does."""

    @property
    def current(self) -> Any: ...

    @property
    def versions(self) -> Any: ...

    async def reload(self, by: str, *, check: bool = False, strict: bool = False) -> Any: ...

    async def roll_back(self, number: int, by: str) -> Any: ...


class ConfigurationService:
    """Answers for a running server."""

    def __init__(self, configurations: Configurations) -> None:
        self._configurations = configurations

    async def reload(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler`; what has begun goes on when the caller goes away."""
        check, strict = arguments.get("check") is True, arguments.get("strict") is True
        by = (await actor_of(caller)).name
        await send(asdict(await self._configurations.reload(by, check=check, strict=strict)))

    async def serve(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """The same for ``config``."""
        what = arguments.get("do")
        if what == "history":
            for version in self._configurations.versions.all:
                await send(head_of(version, self._configurations.current.number))
        elif what == "show":
            version = self._find(arguments)
            texts = await self._configurations.versions.texts_of(version)
            await send(head_of(version, self._configurations.current.number) | {"texts": texts})
        elif what == "rollback":
            number, by = self._find(arguments).number, (await actor_of(caller)).name
            await send(asdict(await self._configurations.roll_back(number, by)))
        elif what == "running":
            current = self._configurations.current
            record = head_of(current, current.number)
            try:
                pending = await self._configurations.reload("", check=True)
            except ConfigError as error:
                await send(record | {"problems": str(error).split("\n")})
                return
            await send(record | {"pending": pending.changes, "pending_waiting": pending.waiting})
        else:
            raise ControlError("do: must be history, show, rollback or running")

    def _find(self, arguments: Mapping[str, Any]) -> Any:
        number = arguments.get("version")
        if not isinstance(number, int):
            raise ControlError("version: must be a number")
        return self._configurations.versions.find(number)


def head_of(version: Any, current: int) -> dict[str, Any]:
    """A version without its texts, for people and programs; instants are UTC milliseconds."""
    record: dict[str, Any] = asdict(version)
    return record | {"documents": sorted(version.documents), "in_force": version.number == current}
