"""Whose a message from a handset is: the number inventory says it of its numbers, and the routes of all others.

============================================  ========================================================================
The number is                                 and the message goes to
============================================  ========================================================================
dedicated or leased                           the account that has it
shared                                        the account that wrote last from it to whoever writes now; else, by the
                                              routes that name the number whole, one of those that share it
nobody's (available, in quarantine)           nobody: what was meant for its last owner reaches no other account, not
                                              even the one of a route for whatever nobody else owns
not in the inventory, or retired              the account of its route
any, and a handset of the sandbox answers     the account whose message it answers, and nobody else
============================================  ========================================================================

An account that has left the configuration still owns its numbers: what comes for it waits in the store.
"""

from functools import partial

from smsagg.config.sandbox import SANDBOX
from smsagg.engine.core import Core
from smsagg.inventory.number import Number
from smsagg.mo import MoRoute, MoRoutes, first_word, routes_of
from smsagg.model import CarrierMo


class MoOwners:
    """Finds owners, on the loop. Where a look-up is needed first, :meth:`unknown_writer` says of whom."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._numbers = core.numbers
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on."""
        self._routes = MoRoutes(routes_of(self._core.config))

    def find(self, carrier: str, mo: CarrierMo, first: CarrierMo | None) -> MoRoute | None:
        """The route of ``mo``; ``first`` is the part with the first word, ``None`` when that never came."""
        if mo.account or carrier == SANDBOX:
            return self._sandbox_route(mo)
        word = (lambda: "") if first is None else partial(first_word, first.body, first.data_coding, first.esm_class)
        number = self._numbers.number_at(mo.destination_addr, mo.source_addr, carrier)
        if number is None:
            return self._routes.find(carrier, mo.destination_addr, word)
        if not number.is_shared:
            return self._route_to(self._numbers.owner_of(number, self._core.clock.now_ms()), number)
        writer = self._numbers.last_writer(number, mo.source_addr)
        if writer:
            return self._route_to(writer, number)
        route = self._routes.find(carrier, number.address, word, is_whole=True)
        return route if route is not None and route.account in number.accounts else None

    def sharers(self, carrier: str, mo: CarrierMo) -> tuple[str, ...]:
        """The accounts that share the number that ``mo``, for which there is no route, went to."""
        if mo.account or carrier == SANDBOX:
            return ()
        number = self._numbers.number_at(mo.destination_addr, mo.source_addr, carrier)
        return number.accounts if number is not None and number.is_shared else ()

    def must_wait(self, carrier: str, mo: CarrierMo, route: MoRoute | None) -> bool:
        """Whether a part goes on with the others only: to be one message, or because the first one says where."""
        if mo.account:
            return False
        if route is not None and route.reassemble:
            return True
        number = self._numbers.number_at(mo.destination_addr, mo.source_addr, carrier)
        if number is None:
            return self._routes.asks_for_keyword(carrier, mo.destination_addr)
        if not number.is_shared or self._numbers.last_writer(number, mo.source_addr):
            return False
        return self._routes.asks_for_keyword(carrier, number.address, is_whole=True)

    def unknown_writer(self, carrier: str, mo: CarrierMo) -> str:
        """The recipient that must be looked up before :meth:`find` can say whose ``mo`` is; ``""``: it can."""
        if mo.account:
            return ""
        number = self._numbers.number_at(mo.destination_addr, mo.source_addr, carrier)
        if number is None or not number.is_shared or self._numbers.last_writer(number, mo.source_addr) is not None:
            return ""
        return self._numbers.recipient_of(mo.source_addr)

    def owns(self, address: str) -> bool:
        """Whether ``address`` is a number of ours."""
        return self._routes.owns(address) or self._numbers.owns(address)

    @staticmethod
    def _sandbox_route(mo: CarrierMo) -> MoRoute | None:
        """To whoever wrote to the simulated handset, and to nobody else."""
        return MoRoute(mo.destination_addr, "", "", mo.account, False) if mo.account else None

    def _route_to(self, account: str, number: Number) -> MoRoute | None:
        if not account:
            return None
        settings = self._core.config.accounts.get(account)
        return MoRoute(number.address, "", "", account, settings is not None and settings.reassemble)
