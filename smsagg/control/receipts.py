"""The command ``receipts`` of the control socket: carriers' receipts that match nothing, and the rules that showed.

Requests: ``{"command": "receipts", "do": "unmatched", "carrier": ""}``, ``{"do": "dialects"}``, and ``{"do": "rematch",
"carrier": NAME, "resp_id": …, "receipt_id": …, "id_case": …, "id_strip_zeros": …, "dry_run": …}``.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from smsagg.control.server import Caller, Send
from smsagg.engine import Engine
from smsagg.engine.ending.unmatched import find_matches, rematch_running, unmatched_receipts
from smsagg.errors import ControlError
from smsagg.receipts.dialect import IdDialect
from smsagg.receipts.rematch import Rematched
from smsagg.store.base import ParkedReceipt, Store

log = structlog.get_logger("smsagg.control")


class ReceiptsService:
    """Answers for a running server."""

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._store = store

    async def serve(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler`; a rematch goes on when the caller goes away."""
        what, carrier = arguments.get("do"), str(arguments.get("carrier", ""))
        if what == "unmatched":
            for row in await unmatched_receipts(self._store, carrier):
                await send(record_of(row))
        elif what == "dialects":
            for name, keys, result in self._engine.reports.learning.told():
                await send({"carrier": name, "keys": keys, "result": result})
        elif what == "rematch":
            rule = rule_of(arguments)
            if arguments.get("dry_run"):
                await send(summary_of(await find_matches(self._store, carrier, rule), "none"))
                return
            rematched = await rematch_running(self._store, self._engine.reports, carrier, rule)
            log.info("receipts_rematched", carrier=carrier, matched=len(rematched.matches), uid=caller.uid)
            await send(summary_of(rematched, "now"))
        else:
            raise ControlError("do: must be unmatched, rematch or dialects")


def rule_of(arguments: Mapping[str, Any]) -> IdDialect:
    """The rule in a request; raises ControlError for what is none."""
    try:
        return IdDialect(
            arguments.get("resp_id", "as_is"),
            arguments.get("receipt_id", "as_is"),
            arguments.get("id_case", "keep"),
            arguments.get("id_strip_zeros", False) is True,
        )
    except ValueError as error:
        raise ControlError(str(error)) from error


def record_of(row: ParkedReceipt) -> dict[str, Any]:
    """A receipt that matches nothing, for people and programs; instants are UTC milliseconds."""
    return {
        "carrier": row.carrier,
        "id": row.carrier_message_id,
        "raw_id": row.raw_id or row.carrier_message_id,
        "state": row.state.name,
        "err": row.error_code,
        "cause": row.cause.name.lower(),
        "msisdn": row.msisdn,
        "done_at": row.done_at,
        "parked_at": row.parked_at,
        "matched_as": row.matched_as,
        "text": row.text.decode("latin-1"),
    }


def summary_of(rematched: Rematched, takes_effect: str) -> dict[str, Any]:
    """What a rematch did: ids of receipts as they are listed."""
    return {
        "matched": rematched.matches,
        "ambiguous": rematched.ambiguous,
        "unmatched": rematched.unmatched,
        "takes_effect": takes_effect,
    }
