"""alert_notification: a handset can be reached again (SMPP 3.4 §4.12), told to the account whose number asked for it.

An alert is transient: it is told to the sessions that are bound to receive at that moment, and kept nowhere. Who is not
there misses it, as the protocol has no answer by which its loss could be known.
"""

from collections.abc import Callable, Sequence

from smsagg.engine.core import Core
from smsagg.mo import MoRoutes, routes_of
from smsagg.model import CarrierAlert

Tell = Callable[[str, CarrierAlert], int]
"""Tell an account's sessions; to how many it was told."""


class Alerts:
    """From carriers to front doors."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.reconfigure()
        self.tell: Tell = lambda _account, _alert: 0

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on."""
        self._routes = MoRoutes(routes_of(self._core.config))

    def on_alerts(self, carrier: str, alerts: Sequence[CarrierAlert]) -> None:
        """Tell each to the owner of the number that asked (``esme_addr``), which is found as for a message without
        text."""
        for alert in alerts:
            owner = self._owner_of(carrier, alert)
            told = self.tell(owner, alert) if owner else 0
            self._core.metrics.alert(carrier, "told" if told else "missed")

    def _owner_of(self, carrier: str, alert: CarrierAlert) -> str:
        numbers = self._core.numbers
        number = numbers.number_at(alert.esme_addr, alert.source_addr, carrier)
        if number is not None:
            return numbers.owner_of(number, self._core.clock.now_ms())
        route = self._routes.find(carrier, alert.esme_addr, str)
        return "" if route is None else route.account
