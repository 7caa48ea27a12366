"""What peers of the gateway ask of the world around them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tools.sim.log import Cancel, Replace, Sent
from tools.sim.network import Weather, Wire
from tools.sim.user_data import Part

if TYPE_CHECKING:
    from tools.sim.customer import Customer


class Door(Protocol):
    """Where customers connect."""

    def connect(self, name: str) -> Wire | None:
        """A connection to the gateway, or ``None`` when nobody listens."""
        ...

    def next_session(self) -> int: ...


class Rules(Protocol):
    """Looks at what peers see, at once."""

    customers: Sequence["Customer"]
    probe_destination: str
    weather: Weather
    deliver_timeout_s: float
    deliver_window: int

    def network_delay_s(self) -> float:
        """How long a question and its answer may be on their way when the network is not slow."""
        ...

    def on_acknowledged(self, submit: Sent) -> None: ...

    def on_cancelled(self, cancel: Cancel) -> None: ...

    def on_replaced(self, replace: Replace) -> None: ...

    def nonces_of(self, text: bytes, destination: str, part: Part | None) -> tuple[str, ...]:
        """Whose text it is that came to a carrier: by its marks, or, of the rest of a long one, by where it goes
        and what it calls itself a part of."""
        ...

    def on_receipt_taken(self, carrier: str, carrier_message_id: str) -> None:
        """A carrier's final receipt was answered ESME_ROK."""
        ...

    def on_read(self, pdu_name: str) -> None:
        """The gateway has read a PDU."""
        ...
