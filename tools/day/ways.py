"""The ways of choosing that the day is tried with."""

from collections.abc import Sequence

from smsagg.config.schema import ProbeSettings
from tools.day.cards import day_tables
from tools.day.optimum import best_list, morning_price, promised
from tools.day.outcome import Figures, figures_of
from tools.day.run import Way, run_day
from tools.day.scenario import DEAD, PREFIXES, Submit, traffic

CHEAPEST, BEST, HINDSIGHT = "cheapest first", "best first", "best list in hindsight"
WEIGHTED, LEAST_COST, QUALITY, COMBINED = "weighted", "least_cost", "quality", "combined"

WAIT_S = 5.0
"""So long a message may wait for a cheaper carrier."""
QUALITY_MIN = 0.9
PROBE_EVERY_S = 600.0
"""An hour of the day: a dead number in each country, for the ways that judge carriers by their receipts."""


def ways(submits: Sequence[Submit]) -> dict[str, Way]:
    """All of them, by name."""
    hindsight = {country: best_list(submits, country) for country in PREFIXES}
    return {
        way.name: way
        for way in (
            Way(CHEAPEST, {}, morning_price),
            Way(BEST, {}, promised),
            Way(HINDSIGHT, {}, lambda country, carrier: hindsight[country].index(carrier)),
            Way(WEIGHTED, {"policy": "weighted"}),
            Way(LEAST_COST, {"policy": "least_cost", "wait_for_cheaper": WAIT_S}),
            Way(QUALITY, {"policy": "quality"}),
            Way(COMBINED, {"policy": "combined", "quality_min": QUALITY_MIN, "wait_for_cheaper": WAIT_S}),
        )
    }


def figures_under(name: str, messages: int, seed: int) -> Figures:
    """The figures of the day under the way of that name."""
    submits = traffic(seed, messages)
    probes = _probes() if name in (QUALITY, COMBINED) else ()
    return figures_of(run_day(ways(submits)[name], submits, seed, day_tables(), probes=probes))


def _probes() -> tuple[ProbeSettings, ...]:
    return tuple(
        ProbeSettings(country.lower(), f"{prefix}{DEAD}01", "undeliverable", every=PROBE_EVERY_S)
        for country, prefix in PREFIXES.items()
    )
