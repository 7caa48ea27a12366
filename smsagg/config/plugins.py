"""Plug-ins of one kind, found by name among the entry points of a group that installed packages declare."""

from importlib.metadata import entry_points
from typing import Any

from smsagg.errors import ConfigError


class Plugins:
    """The plug-ins of one group, each an object that an entry point names."""

    def __init__(self, group: str, kind: str) -> None:
        """``kind`` is what errors call them: "carrier type"."""
        self._group = group
        self._kind = kind

    def names(self) -> list[str]:
        """Those that are installed, sorted."""
        return sorted({entry_point.name for entry_point in entry_points(group=self._group)})

    def load(self, name: str) -> Any:
        """The object registered as ``name``.

        Raises :class:`ConfigError` when there is none, or when its package cannot be imported.
        """
        found = next(iter(entry_points(group=self._group, name=name)), None)
        if found is None:
            raise ConfigError(f'"{name}" is no {self._kind}; installed: {", ".join(self.names()) or "none"}')
        try:
            return found.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f'{self._kind} "{name}" ({found.value}) cannot be loaded: {error}') from error


RESOLVERS = Plugins("smsagg.resolvers", "resolver type")
"""Who knows the networks of ported numbers: see :mod:`smsagg.resolvers.base`."""
