"""Which number a message is sent from, decided without waiting: an account's plan, and its numbers in turn.

Theory of operation. A :class:`SenderPlan` is what one account may use: the pool of its settings with all pools behind
it, and for each of them its own numbers in the order of the pool (:mod:`smsagg.inventory.rotation`). It is made when it
is first used and again when the numbers of the account in that pool, or the rules of the pools, have changed.

A choice goes like this. A part of a long message has the sender of the parts before it. In sticky pools the number that
the account wrote from last comes first. Then the pools are tried in order, in each its types in order, in each type the
numbers in turn. A number that has written to the recipient as often as its pool allows is passed over.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from attrs import define, field

from smsagg.config.schema import SenderSettings
from smsagg.inventory.conversations import Conversation, SenderUse
from smsagg.inventory.inventory import Inventory
from smsagg.inventory.number import Number, NumberType
from smsagg.inventory.pool import NumberPool, fallback_order
from smsagg.inventory.rotation import LastUsed, Rotation, make_rotation

_FORMS: Mapping[NumberType, tuple[int, int]] = {
    NumberType.LONG: (1, 1),
    NumberType.VIRTUAL: (1, 1),
    NumberType.SHORT: (3, 0),
    NumberType.ALPHANUMERIC: (5, 0),
}
"""source_addr_ton and source_addr_npi of each type."""


class Chosen(NamedTuple):
    """A number, and what its choice changed."""

    number: Number
    first_pool: str
    """The one that was tried first."""
    use: SenderUse | None


class NoSender(NamedTuple):
    """Why there is none."""

    reason: str
    """``no_sender``: the account has none there; ``senders_exhausted``: each has written to the recipient as often as
    it may; ``no_number_pool``: there is no such pool."""


@define(eq=False)
class _Turns:
    """The account's numbers in one pool."""

    version: int
    rotations: Sequence[Rotation]


@define(eq=False)
class SenderPlan:
    """One account's."""

    account: str
    settings: SenderSettings
    asks: bool = False
    """What was sent to a recipient before matters: it must be known before anything is sent."""
    rules_version: int = -1
    chains: dict[str, tuple[str, ...]] = field(factory=dict)
    turns: dict[str, _Turns] = field(factory=dict)

    def uses_pool(self, source_addr: str) -> bool:
        """Whether a message that was submitted with this source gets one of the pool's."""
        if not self.settings.from_pool:
            return False
        names = self.settings.pool_names
        return names is None or not source_addr or source_addr in names

    def pool_for(self, country: str) -> str:
        return self.settings.from_pool_by_country.get(country, self.settings.from_pool)

    @property
    def first_pools(self) -> Collection[str]:
        """All that any country may begin with."""
        settings = self.settings
        return {settings.from_pool, *settings.from_pool_by_country.values()} if settings.from_pool else ()


class Senders:
    """Chooses."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._last_used = LastUsed()

    def refresh(self, plan: SenderPlan) -> None:
        """Heed changed rules of pools, and what the account shares now."""
        inventory = self._inventory
        if plan.rules_version != inventory.rules_version:
            plan.rules_version = inventory.rules_version
            plan.chains = {name: fallback_order(name, inventory.pools) for name in plan.first_pools}
            plan.turns = {}
        plan.asks = inventory.shares[plan.account] > 0 or any(
            inventory.pools[name].keeps_records for chain in plan.chains.values() for name in chain
        )

    def choose(self, plan: SenderPlan, country: str, conversation: Conversation | None, now: int) -> Chosen | NoSender:
        """The number for a message to ``country``; ``conversation`` is its recipient's, needed where ``plan.asks``."""
        first = plan.pool_for(country)
        chain = plan.chains.get(first, ())
        if not chain:
            return NoSender("no_number_pool")
        attempt = _Attempt(self._inventory, plan.account, conversation, now)
        key = attempt.kept(chain) or self._next(plan, chain, attempt)
        if not key:
            return NoSender("senders_exhausted" if attempt.is_exhausted else "no_sender")
        number = self._inventory.numbers[key]
        use = None
        if conversation is not None:
            use = conversation.note(plan.account, key, now, self._period(number))
            if use is None:
                return NoSender("senders_exhausted")
        self._last_used.note(key)
        return Chosen(number, first, use)

    def note(self, plan: SenderPlan, number: Number, conversation: Conversation, now: int) -> SenderUse | None:
        """The account sends from a number that it named itself."""
        return conversation.note(plan.account, number.key, now, self._period(number))

    def _period(self, number: Number) -> int:
        pool = self._inventory.pools.get(number.pool)
        return pool.period if pool is not None and pool.limit else 0

    def _next(self, plan: SenderPlan, chain: Sequence[str], attempt: "_Attempt") -> str:
        for name in chain:
            for rotation in self._turns_of(plan, name).rotations:
                key = rotation.take(attempt.is_usable)
                if key:
                    return key
        return ""

    def _turns_of(self, plan: SenderPlan, name: str) -> _Turns:
        inventory = self._inventory
        version = inventory.versions[name, plan.account]
        turns = plan.turns.get(name)
        if turns is None or turns.version != version:
            before = turns.rotations if turns is not None else ()
            turns = plan.turns[name] = _Turns(version, self._rotations(plan.account, inventory.pools[name], before))
        return turns

    def _rotations(self, account: str, pool: NumberPool, before: Sequence[Rotation]) -> list[Rotation]:
        own = [number for number in self._inventory.of_account(account) if number.pool == pool.name]
        groups = (
            [[n.key for n in own if n.type is type] for type in pool.types] if pool.types else [[n.key for n in own]]
        )
        places = [*before, *[None] * (len(groups) - len(before))]
        return [
            make_rotation(pool.rotation, keys, self._last_used, place)
            for keys, place in zip(groups, places, strict=False)
        ]


class _Attempt:
    """One choice for one recipient."""

    def __init__(self, inventory: Inventory, account: str, conversation: Conversation | None, now: int) -> None:
        self._inventory = inventory
        self._account = account
        self._conversation = conversation
        self._now = now
        self.is_exhausted = False
        """Some number would do, had it not sent so much."""

    def kept(self, chain: Sequence[str]) -> str:
        """The number that the conversation is on, in those pools that keep it; ``""`` for none."""
        if self._conversation is None:
            return ""
        pools = self._inventory.pools
        sticky = [name for name in chain if pools[name].is_sticky]
        if not sticky:
            return ""
        numbers = self._inventory.numbers
        use = self._conversation.latest(
            self._account, lambda key: key in numbers and numbers[key].pool in sticky and self.is_usable(key)
        )
        return "" if use is None else use.number

    def is_usable(self, key: str) -> bool:
        number = self._inventory.numbers[key]
        if not number.may_send_for(self._account, self._now):
            return False
        pool = self._inventory.pools.get(number.pool)
        if pool is None or not pool.limit or self._conversation is None:
            return True
        if self._conversation.sent(key, self._now) < pool.limit:
            return True
        self.is_exhausted = True
        return False


def form_of(number: Number) -> tuple[int, int]:
    """source_addr_ton and source_addr_npi."""
    return _FORMS[number.type]
