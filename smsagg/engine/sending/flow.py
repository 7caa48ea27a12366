"""What a choice by destination is made of: flows, the stages that they ask, and the room that they are granted."""

from attrs import define, field

from smsagg.engine.admission.tariffs import MarginGuard
from smsagg.engine.sending.pools import LinkState, Pool
from smsagg.model import Message
from smsagg.queueing import Bundle
from smsagg.routing.exploration import Explorer
from smsagg.routing.offers import Offers
from smsagg.routing.ranking import Ranking


@define(eq=False)
class Stage:
    """One pool of a flow's chain."""

    pool: Pool
    offers: Offers
    explorer: Explorer | None
    ranking: Ranking | None = None
    version: int = -1
    """Of the scores that the ranking was made of."""
    balances: dict[int, float] = field(factory=dict)
    """Of members whose share is shifted away: messages that they may take before they are passed over."""


@define(eq=False)
class Flow:
    """A group of the pool's queue."""

    country: str
    avoid: str
    """Carrier that just failed these messages."""
    guard: MarginGuard | None
    """Of their account, if it has any."""
    residency: str
    """The region that their account's messages stay in; empty: anywhere."""
    stages: tuple[Stage, ...]
    granted: "Granted | None" = None
    """What was chosen for it in the round under way."""


@define(eq=False)
class Room:
    """What a link can still take in the round under way."""

    link: LinkState
    left: int
    bundled: int = 0
    """Parts that are to go there, or where their siblings went, and are not charged to the link yet."""


@define(eq=False)
class Granted:
    """Room on one link for messages of one flow, and why there."""

    flow: Flow
    stage: Stage
    index: int
    """Of the member in the stage's pool."""
    room: Room
    left: float
    """Messages that may still go by this choice."""
    why: str
    """One of a closed set: first, next, explore, backup, last_resort, avoided, shifted."""
    reason: str
    """For people; the same for all of its messages."""
    is_bounded: bool
    """Something else than room bounds it, which other flows may use up too: it is to be asked for at each turn."""
    passed_over: tuple[int, ...] = ()
    """Members that would have been taken, had their share not been shifted away."""
    waited_since: int | None = None
    """UTC ms: only messages that could have gone since then may; the others wait for a better carrier."""
    messages: list[Message] = field(factory=list)
    bundles: list[Bundle] = field(factory=list)

    @property
    def link(self) -> LinkState:
        return self.room.link
