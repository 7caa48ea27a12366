"""The port of resolvers, which tell the present network of a number.

A resolver is a class under the entry-point group ``smsagg.resolvers``; the name of the entry point is what ``type`` of
``[routing.lookup]`` says. It is asked for countries that the configuration names, and its answers are remembered by who
asks (:mod:`smsagg.engine.admission.lookups`), who also bounds how many questions are under way and how long each may
take.
"""

from typing import Any, ClassVar, Protocol

import trio

from smsagg.errors import SmsaggError


class ResolverError(SmsaggError):
    """The resolver cannot tell now: it is out of reach, or its answer makes no sense."""


class Resolver(Protocol):
    """Tells networks as MCC and MNC in one (``"23415"``)."""

    Settings: ClassVar[type[Any]]
    """attrs class of its own keys in ``[routing.lookup]``, with validators; the common keys are not in it."""

    def __init__(self, settings: Any) -> None:
        """Reads the files that the settings name. Raises :class:`~smsagg.errors.ConfigError` with a line for each
        problem."""
        ...

    def known(self, digits: str) -> str | None:
        """What can be said at once of E.164 digits (no plus): the network, ``""`` when it is certain that nothing is
        known of this number, ``None`` when :meth:`resolve` must be asked. A few microseconds at most."""
        ...

    async def resolve(self, digits: str) -> str:
        """The network, ``""`` when nothing is known of this number. Raises :class:`ResolverError`.

        Called while :meth:`run` runs, many times at once. May be cancelled at any time.
        """
        ...

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold what questions need (connections) until cancelled; ``started()`` when they may come."""
        ...
