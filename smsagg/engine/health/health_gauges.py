"""Levels that Prometheus asks for at each scrape: circuits, paces, and what holds carriers and countries back."""

from smsagg.engine.engine import Engine
from smsagg.engine.health.drills import SOURCE
from smsagg.observe.metrics import Metrics
from smsagg.routing.circuit import CircuitState

ALL = "all"
UNKNOWN = "unknown"
"""Countries as labels: the carrier as a whole, and numbers of no country that we know."""
_CIRCUIT = {CircuitState.CLOSED: 0.0, CircuitState.PROBING: 0.5, CircuitState.OPEN: 1.0}


def add_health_sources(metrics: Metrics, engine: Engine) -> None:
    """Have ``metrics`` ask the engine."""
    core, shaper = engine.core, engine.shaper
    carriers, clock = core.carriers, core.clock

    def circuits() -> dict[tuple[str, ...], float]:
        told: dict[tuple[str, ...], float] = {}
        for name, carrier in carriers.items():
            for link in carrier.links:
                told[name, link.link.name] = _CIRCUIT[link.circuit.state]
            for way in carrier.ways.values():
                told[name, way.country or UNKNOWN] = _CIRCUIT[way.circuit.state]
        return told

    def restrictions() -> dict[tuple[str, ...], float]:
        told: dict[tuple[str, ...], float] = {}
        for name, carrier in carriers.items():
            held = [(ALL, carrier.holds), *((way.country or UNKNOWN, way.holds) for way in carrier.ways.values())]
            for country, holds in held:
                for source, action in holds.sources():
                    if source != SOURCE:
                        told[name, country, source, action] = 1.0
        for drill in engine.drills.running():
            told[drill.carrier, drill.country or ALL, SOURCE, drill.kind.value] = 1.0
        return told

    def link_rates() -> dict[tuple[str, ...], float]:
        now = clock.monotonic_s()
        links = [link for carrier in carriers.values() for link in carrier.links]
        return {(link.carrier.name, link.link.name): link.pacing.rate_per_s(now) for link in links}

    metrics.circuit_open.add_source(circuits)
    metrics.shaping_actions.add_source(restrictions)
    metrics.link_rate.add_source(link_rates)
    metrics.country_rate.add_source(shaper.country_rates)
