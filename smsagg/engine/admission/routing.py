"""Which pool a message goes to: what the rules say, and without rules its country.

The pool is chosen once, when the message is admitted; which of the pool's carriers gets it is chosen when it is sent.
A message that waits is asked about again only when its pool is gone.

Parts of a long message go together: those that come later go where the first one went, though a rule may see its text
or its time otherwise. A rule that blocks one of them blocks that one. At most :data:`SIBLINGS_MAX` messages are
remembered so, for ``siblings_window``.
"""

from collections import OrderedDict
from collections.abc import Hashable

from smsagg.engine.admission.division import concatenation_of
from smsagg.engine.core import Core
from smsagg.model import Message, Refusal
from smsagg.routing.destination import NPI_ISDN, TON_INTERNATIONAL, BadDestination, e164_digits
from smsagg.routing.router import NoRoute, Router
from smsagg.routing.rules import Blocked, Routed, RouteQuery
from smsagg.routing.rules.query import NO_TAGS
from smsagg.routing.rules.settings import NO_RULE
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.status import ESME_RINVDSTADR

NO_ROUTE = Refusal(ESME_RINVDSTADR, "no_route")
BLOCKED = "route_blocked"
SIBLINGS_MAX = 10_000
"""Long messages whose parts go where the first one went."""


class Routing:
    """Asks the routes in force."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._siblings: OrderedDict[Hashable, tuple[Routed, int]] = OrderedDict()
        """What was decided of the first part, and until when it counts."""
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration and the tables of ``core`` from now on."""
        config = self._core.config
        self._router = Router(config.pools, config.routing)
        self._table = self._core.tables.routes
        self._siblings.clear()
        self._siblings_window_ms = int(config.long_messages.siblings_window * 1000)
        self._tags = {name: frozenset(account.tags) for name, account in config.accounts.items() if account.tags}

    def route(self, message: Message, digits: str, now: int) -> Refusal | None:
        """Give ``message`` its pool, and what else rules set; or the refusal. ``now`` is UTC milliseconds."""
        if self._table is None:
            pool = self._router.route(message.country)
            if isinstance(pool, NoRoute):
                return NO_ROUTE
            message.pool = pool
            return None
        decision = self._table.decide(self.query(message, digits, now))
        if isinstance(decision, Blocked):
            if not decision.rule:
                return NO_ROUTE
            self._core.metrics.blocked_by_route(decision.rule)
            return Refusal(decision.command_status, BLOCKED)
        if message.tlvs or message.esm_class & UDHI:
            said = concatenation_of(message)
            if said is not None and said.total > 1:
                key = (message.account, message.source_addr, digits, said.reference, said.total)
                decision = self._as_the_first(key, decision, now)
        self._apply(decision, message)
        return None

    def query(self, message: Message, digits: str, now: int) -> RouteQuery:
        """What the rules are asked about ``message``."""
        return RouteQuery(
            message.account,
            message.message_class,
            digits,
            message.country,
            message.network,
            message.source_addr,
            now,
            self._tags.get(message.account, NO_TAGS),
            message.tag,
            message.body,
            message.data_coding,
            message.esm_class,
        )

    def pool_again(self, message: Message, now: int) -> str:
        """The pool of a stored message whose own is gone, ``""`` when there is none for it now.

        A rule that would block it keeps it waiting, since it was accepted; what rules set stays as it was.
        """
        if self._table is None:
            pool = self._router.route(message.country)
            return pool if isinstance(pool, str) else ""
        digits = e164_digits(message.destination_addr, TON_INTERNATIONAL, NPI_ISDN)
        if isinstance(digits, BadDestination):
            return ""
        decision = self._table.decide(self.query(message, digits, now))
        if isinstance(decision, Blocked):
            return ""
        if message.group_seq:
            decision = self._as_the_first(message.group_seq, decision, now)
        return decision.pool

    def _as_the_first(self, key: Hashable, decision: Routed, now: int) -> Routed:
        """What was decided of the first part of the message that ``key`` names; ``decision`` if this is the first."""
        first = self._siblings.get(key)
        if first is not None and now < first[1]:
            return first[0]
        self._siblings[key] = decision, now + self._siblings_window_ms
        if len(self._siblings) > SIBLINGS_MAX:
            self._siblings.popitem(last=False)
        return decision

    def _apply(self, decision: Routed, message: Message) -> None:
        message.pool = decision.pool
        message.route = decision.rule
        if decision.message_class:
            message.message_class = decision.message_class
        if decision.tag:
            message.tag = decision.tag
        if decision.priority is not None:
            message.priority = decision.priority
        self._core.metrics.routed(decision.rule or NO_RULE)
