"""What operators are told of a carrier: its links, circuits, paces, restrictions, and how its traffic fares."""

from math import isfinite
from typing import Any

from smsagg.engine.core import Core
from smsagg.engine.health.drills import Drills
from smsagg.engine.health.maintenance import Maintenance
from smsagg.engine.health.shaper import Shaper
from smsagg.engine.sending.pools import CarrierState, LinkState
from smsagg.shaping.rules import (
    ACCEPTED,
    DELIVERED,
    FAILED,
    IN_DOUBT,
    STATUSES_FROM,
    binned_percentile_ms,
    percentile_of,
)

RESPONSES_S = 600.0
"""Response times are those of so long."""


class CarrierStatus:
    """Plain values, for JSON; instants are UTC milliseconds, durations seconds, ``None`` is unknown or unlimited."""

    def __init__(self, core: Core, shaper: Shaper, maintenance: Maintenance, drills: Drills) -> None:
        self._core = core
        self._shaper = shaper
        self._maintenance = maintenance
        self._drills = drills

    def of(self, carrier: CarrierState) -> dict[str, Any]:
        """Everything about one carrier."""
        now = self._core.clock.monotonic_s()
        drain = self._maintenance.drains.get(carrier.name)
        return {
            "carrier": carrier.name,
            "state": self._state(carrier, now),
            "links": [self._link(link, now) for link in carrier.links],
            "in_flight": sum(link.link.in_flight for link in carrier.links),
            "countries": [
                {
                    "country": country,
                    "circuit": way.circuit.state.value,
                    "judged_by_receipts": way.is_judged_by_receipts,
                    "held": way.holds.reasons(),
                }
                for country, way in sorted(carrier.ways.items())
                if way.restricts
            ],
            "held": carrier.holds.reasons(),
            "drained_since": None if drain is None else drain.since,
            "actions": self._actions(carrier, now),
            **self._fares(carrier, now),
        }

    def _state(self, carrier: CarrierState, now: float) -> str:
        if carrier.name in self._maintenance.drains:
            return "draining" if any(link.link.in_flight for link in carrier.links) else "drained"
        if carrier.holds.is_stopped:
            return "suspended"
        if not any(link.link.is_bound for link in carrier.links):
            return "unbound"
        if not carrier.is_usable(now):
            return "failing"
        is_restricted = carrier.holds or any(way.restricts for way in carrier.ways.values())
        return "restricted" if is_restricted or not all(link.is_usable(now) for link in carrier.links) else "ok"

    def _link(self, link: LinkState, now: float) -> dict[str, Any]:
        contracted: float | None = getattr(link.carrier.settings.settings, "rate", None)
        paced = link.pacing.rate_per_s(now)
        return {
            "name": link.link.name,
            "bound": link.link.is_bound,
            "window": link.link.window,
            "in_flight": link.link.in_flight,
            "circuit": link.circuit.state.value,
            "silent": link.is_silent,
            "rate_contracted": contracted,
            "rate_paced": paced if isfinite(paced) and paced != contracted else None,
        }

    def _actions(self, carrier: CarrierState, now: float) -> list[dict[str, Any]]:
        actions = [
            {
                "source": action.source,
                "country": action.subject[1],
                "action": action.rule.action,
                "reason": action.reason,
                "ends_in_s": max(action.ends_at - now, 0.0),
            }
            for action in self._shaper.actions(carrier.name)
        ]
        for drill in self._drills.running():
            if drill.carrier == carrier.name:
                actions.append(
                    {
                        "source": "drill",
                        "country": drill.country,
                        "action": drill.kind.value,
                        "reason": "rehearsal",
                        "ends_in_s": max(drill.ends_at - now, 0.0),
                    }
                )
        return actions

    def _fares(self, carrier: CarrierState, now: float) -> dict[str, Any]:
        counts, elapsed = self._shaper.recent(carrier.name)
        attempts, reported = sum(counts[: IN_DOUBT + 1]), counts[DELIVERED] + counts[FAILED]
        bins = counts[FAILED + 1 : STATUSES_FROM]
        responses = self._core.sightings.response_ms((carrier.name, ""), now - RESPONSES_S)
        return {
            "over_s": elapsed,
            "taken": counts[ACCEPTED],
            "errors": (attempts - counts[ACCEPTED]) / attempts if attempts else None,
            "delivery": counts[DELIVERED] / reported if reported else None,
            "receipts": reported,
            "receipt_s": binned_percentile_ms(bins, 0.5) / 1000 if sum(bins) else None,
            "response_ms": percentile_of(responses, 0.5) if responses else None,
        }
