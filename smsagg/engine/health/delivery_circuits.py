"""Opens a carrier's way to a country when its receipts tell that little is delivered there.

A carrier that takes messages with ESME_ROK and does not deliver them opens no other circuit. With ``circuit_delivery``
the share of receipts that say delivered is looked at, over :data:`WINDOW_S`; below it the way's circuit opens. The
probe that it lets through later is judged by its receipt, not by its acceptance; one that stays unreported for
:data:`PROBE_S` is made again.
"""

import structlog

from smsagg.engine.core import Core
from smsagg.engine.health.ways import Way
from smsagg.engine.sending.pools import CarrierState
from smsagg.routing.circuit import CircuitState
from smsagg.shaping.rules import DELIVERED, FAILED
from smsagg.shaping.window import Counts, SlidingCounts, between

WINDOW_S = 300.0
PROBE_S = 120.0

log = structlog.get_logger("smsagg.engine")


class DeliveryCircuits:
    """``now`` is monotonic seconds. Memory: a window for each carrier and country that is looked at."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._windows: dict[tuple[str, str], SlidingCounts] = {}
        self._probed_at: dict[tuple[str, str], float] = {}

    def look(self, now: float) -> None:
        """One look; the sightings are fresh."""
        carriers = self._core.carriers
        for (name, country), counts in self._core.sightings.subjects().items():
            carrier = carriers.get(name)
            if country and carrier is not None and carrier.settings.circuit_delivery:
                self._look_at(carrier, country, (counts[DELIVERED], counts[FAILED]), now)

    def _look_at(self, carrier: CarrierState, country: str, counts: Counts, now: float) -> None:
        key = carrier.name, country
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = SlidingCounts(WINDOW_S)
            window.look((0, 0), now)
        delivered, failed = between(window.look(counts, now)[0], counts)
        reported = delivered + failed
        way = carrier.ways.get(country)
        if way is not None and way.is_judged_by_receipts:
            self._judge_probe(carrier, way, window, delivered, reported, now)
        elif (
            reported >= carrier.settings.circuit_delivery_samples
            and delivered < carrier.settings.circuit_delivery * reported
        ):
            window.restart()
            self._core.health.on_undelivered(carrier, country, now)
            log.warning(
                "circuit_opened",
                carrier=carrier.name,
                country=country,
                reason=f"{delivered} of {reported} receipts say delivered",
            )

    def _judge_probe(
        self, carrier: CarrierState, way: Way, window: SlidingCounts, delivered: int, reported: int, now: float
    ) -> None:
        key = carrier.name, way.country
        if way.circuit.state is not CircuitState.PROBING:
            self._probed_at.pop(key, None)
            return
        if key not in self._probed_at:  # what comes from now on may be the probe's receipt
            self._probed_at[key] = now
            window.restart()
            return
        if reported:
            self._core.health.on_probe_reported(
                carrier, way, delivered >= max(carrier.settings.circuit_delivery * reported, 1), now
            )
        elif now - self._probed_at[key] >= PROBE_S:
            way.circuit.on_not_sent(now)
