"""Finds carrier plug-ins by their type name among the entry points of the group ``smsagg.carriers``."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from smsagg.carriers.base import Carrier
from smsagg.errors import ConfigError

GROUP = "smsagg.carriers"


def carrier_types() -> list[str]:
    """The names of all installed carrier types, sorted."""
    return sorted({entry_point.name for entry_point in entry_points(group=GROUP)})


def carrier_class(type_name: str) -> type[Carrier]:
    """The carrier class registered as ``type_name``.

    Raises :class:`ConfigError` when no such type is installed, or when its package cannot be imported.
    """
    found = list(entry_points(group=GROUP, name=type_name))
    if not found:
        raise ConfigError(f'"{type_name}" is no carrier type; installed: {", ".join(carrier_types()) or "none"}')
    return _load(found[0])


def settings_class(type_name: str) -> type[Any]:
    """The attrs class of the settings of carriers of this type; raises as :func:`carrier_class`."""
    return carrier_class(type_name).Settings


def _load(entry_point: EntryPoint) -> type[Carrier]:
    try:
        loaded: type[Carrier] = entry_point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f'carrier type "{entry_point.name}" ({entry_point.value}) cannot be loaded: {error}'
        ) from error
    return loaded
