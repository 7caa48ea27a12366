"""The commands ``carriers`` and ``drill`` of the control socket: how carriers fare, maintenance, and rehearsals.

Requests: ``{"command": "carriers", "do": "status", "carrier": ""}``, ``{"do": "drain", "carrier": NAME, "unbind": …,
"reason": …}``, ``{"do": "resume", "carrier": NAME}``; ``{"command": "drill", "do": "start", "carrier": NAME, "kind": …,
"country": …, "for_s": …, "force": …}``, ``{"do": "stop", "carrier": NAME}``, ``{"do": "report", "carrier": NAME}``.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from attrs import asdict

from smsagg.config.check import COUNTRIES
from smsagg.control.server import Caller, Send
from smsagg.engine import Engine
from smsagg.engine.health.alternatives import left_without
from smsagg.engine.health.carrier_status import CarrierStatus
from smsagg.engine.health.drills import Drill, DrillKind
from smsagg.errors import ControlError

log = structlog.get_logger("smsagg.control")


class CarriersService:
    """Answers for a running server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._status = CarrierStatus(engine.core, engine.shaper, engine.maintenance, engine.drills)

    async def serve(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler` of ``carriers``; what was begun goes on without the caller."""
        what, name = arguments.get("do"), _text(arguments, "carrier")
        carriers = self._engine.core.carriers
        if name and name not in carriers and name not in self._engine.maintenance.drains:
            raise ControlError(f"there is no carrier {name}; there are {', '.join(sorted(carriers))}")
        if what == "status":
            for carrier in carriers.values():
                if name in ("", carrier.name):
                    await send(self._status.of(carrier))
        elif what == "drain":
            await self._drain(name, arguments, send, caller)
        elif what == "resume":
            was_drained = await self._engine.maintenance.resume(name)
            ended = self._engine.shaper.end_actions(name, "by the operator")
            log.info("carrier_resume_asked", carrier=name, uid=caller.uid)
            await send({"carrier": name, "was_drained": was_drained, "actions_ended": ended})
        else:
            raise ControlError("do: must be status, drain or resume")

    async def _drain(self, name: str, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        engine = self._engine
        carrier = engine.core.carriers.get(name)
        if carrier is None:
            raise ControlError(f"there is no carrier {name}" if name else "carrier: which?")
        left = left_without(engine.core, carrier, "", engine.core.clock.monotonic_s())
        log.info("carrier_drain_asked", carrier=name, uid=caller.uid)
        await engine.maintenance.drain(name, unbind=arguments.get("unbind") is True, reason=_text(arguments, "reason"))
        await send({"carrier": name, "pools_left": left, "in_flight": sum(x.link.in_flight for x in carrier.links)})

    async def serve_drill(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler` of ``drill``; a drill goes on without the caller."""
        what, name, drills = arguments.get("do"), _text(arguments, "carrier"), self._engine.drills
        if what == "start":
            log.info("drill_asked", carrier=name, uid=caller.uid)
            kind, country = _kind(arguments), _country(arguments)
            await send(self._report(drills.start(name, country, kind, _for_s(arguments), force=_is_forced(arguments))))
        elif what == "stop":
            log.info("drill_stop_asked", carrier=name, uid=caller.uid)
            await send(self._report(drills.stop(name)))
        elif what == "report":
            drill = drills.of(name)
            if drill is None:
                raise ControlError(f"{name} has had no drill since the server started")
            await send(self._report(drill))
        else:
            raise ControlError("do: must be start, stop or report")

    def _report(self, drill: Drill) -> dict[str, Any]:
        now = self._engine.core.clock.monotonic_s()
        return {
            "carrier": drill.carrier,
            "country": drill.country,
            "kind": drill.kind.value,
            "ended_by": drill.ended_by,
            "lasted_s": (drill.ended_at if drill.ended_by else now) - drill.began_at,
            "ends_in_s": 0.0 if drill.ended_by else max(drill.ends_at - now, 0.0),
            "refused": drill.refused,
            "countries": [asdict(moved) for moved in self._engine.drills.report(drill, now)],
        }


def _text(arguments: Mapping[str, Any], key: str) -> str:
    value = arguments.get(key, "")
    if not isinstance(value, str):
        raise ControlError(f"{key}: must be a string")
    return value


def _kind(arguments: Mapping[str, Any]) -> DrillKind:
    try:
        return DrillKind(arguments.get("kind", "outage"))
    except ValueError:
        raise ControlError(f"kind: must be one of {', '.join(kind.value for kind in DrillKind)}") from None


def _country(arguments: Mapping[str, Any]) -> str:
    country = _text(arguments, "country")
    if country and country not in COUNTRIES:
        raise ControlError(f"{country}: no country code of ISO 3166 (two capital letters, such as GB)")
    return country


def _for_s(arguments: Mapping[str, Any]) -> float:
    value = arguments.get("for_s")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError("for_s: must be seconds")
    return float(value)


def _is_forced(arguments: Mapping[str, Any]) -> bool:
    return arguments.get("force") is True
