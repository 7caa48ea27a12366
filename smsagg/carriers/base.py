"""The carrier port: how the engine hands attempts to an upstream supplier and hears back.

A carrier owns one or more *links* (binds). The engine asks each link for its capacity and hands it at most that
many messages in one call; the link reports one outcome for each, later, in batches. The choice of the link is
late: nothing is queued in a carrier beyond its window.

A carrier is a plug-in: a class registered under the entry-point group ``smsagg.carriers`` whose constructor takes
``(name, settings, events, clock, rng)`` and whose ``Settings`` attribute is the attrs class of its config keys.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, ClassVar, Protocol, runtime_checkable

import trio

from smsagg.clock import Clock
from smsagg.model import CarrierAlert, CarrierMo, CarrierReceipt, Message, Outcome
from smsagg.observe.watch import Watch

RespondReceipts = Callable[[Sequence[tuple[CarrierReceipt, int]]], None]
"""Answer carrier receipts with a command_status each; called on the loop after their effect is committed."""

RespondMo = Callable[[Sequence[tuple[CarrierMo, int]]], None]
"""Answer messages from handsets with a command_status each; called on the loop after they are committed."""


class CarrierEvents(Protocol):
    """What the engine wants to hear; every call is synchronous, takes a batch, and never blocks or raises."""

    watch: Watch
    """For adapters that let onlookers see their sessions."""

    def on_outcomes(self, link: "Link", outcomes: Sequence[Outcome]) -> None:
        """Exactly one outcome for each message sent, except that a response which comes after its
        attempt was reported InDoubt may be reported once more as Accepted."""
        ...

    def on_receipts(self, carrier: str, receipts: Sequence[CarrierReceipt], respond: RespondReceipts) -> None: ...

    def on_mo(self, carrier: str, messages: Sequence[CarrierMo], respond: RespondMo) -> None: ...

    def on_alerts(self, carrier: str, alerts: Sequence[CarrierAlert]) -> None:
        """Handsets that can be reached again; nobody answers."""
        ...

    def on_congestion(self, link: "Link") -> None:
        """The carrier takes what it gets on this link, and says that it nearly cannot: it is to get less."""
        ...

    def on_capacity(self, link: "Link") -> None:
        """The link can take messages that it could not take before (bound, window freed, rate regained)."""
        ...


class Link(Protocol):
    """One bind (or its like) to a carrier."""

    carrier: str
    name: str
    """Unique in the carrier, e.g. ``"acme/1"``."""

    @property
    def is_bound(self) -> bool: ...

    @property
    def window(self) -> int:
        """Attempts that may be outstanding."""
        ...

    @property
    def in_flight(self) -> int:
        """Attempts that are outstanding."""
        ...

    def capacity(self, now: float) -> int:
        """How many messages it takes right now: free window and rate tokens, 0 when unbound. ``now`` is monotonic."""
        ...

    def ready_at(self, now: float) -> float:
        """When rate tokens alone will allow the next message; ``inf`` when something else holds it (window, bind)."""
        ...

    def send(self, messages: Sequence[Message]) -> None:
        """Hand over at most :meth:`capacity` messages as attempts. Never blocks or raises; see ``on_outcomes``."""
        ...


@runtime_checkable
class ReconfigurableCarrier(Protocol):
    """A carrier some of whose settings can change while it runs."""

    LIVE_KEYS: ClassVar[frozenset[str]]

    def reconfigure(self, settings: Any) -> None: ...


@runtime_checkable
class RestingCarrier(Protocol):
    """A carrier whose binds can be given up for a while."""

    def rest(self) -> None:
        """Take nothing more; each link is unbound when its last outstanding attempt is answered, and stays so.
        Synchronous, also before :meth:`Carrier.run`."""
        ...

    def wake(self) -> None:
        """Bind again."""
        ...


class Carrier(Protocol):
    """An upstream supplier.

    One that has an attribute ``learns_ids`` which is true gives ids as they are on the wire, and leaves it to the
    engine to find out by which rule those of its receipts are to be compared.

    One that has a set ``LIVE_KEYS`` of names of its settings has a method ``reconfigure(settings)``, synchronous, which
    puts settings in force that differ in those only, while its links are bound and have attempts outstanding. For any
    other change it is replaced by a new carrier of the same name, and drained.

    One that has the methods of :class:`RestingCarrier` can be unbound for maintenance.
    """

    Settings: ClassVar[type[Any]]
    name: str

    def __init__(self, name: str, settings: Any, events: CarrierEvents, clock: Clock, rng: Random) -> None: ...

    @property
    def links(self) -> Sequence[Link]:
        """Fixed for the carrier's life; a link that is not bound has capacity 0."""
        ...

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the links bound until cancelled; ``started()`` at once, not when bound. Survives any fault of the peer.

        On cancellation it reports what is still outstanding (NotSent or InDoubt) before it returns.
        """
        ...

    async def drain(self) -> None:
        """Stop taking messages (capacity 0), wait for outstanding responses, unbind. The caller sets the deadline."""
        ...
