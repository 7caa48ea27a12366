"""``make bench-codec``: the codec beside smpplib's in the same run, µs of CPU a PDU; exit status 1 below ten times.

Both do the same work on the same octets (checked first), in turns, and the best of many rounds counts for either.
Most rows are one call for one PDU. Responses leave a session in batches, one call for all that one commit accepted
(:func:`smsagg.smpp.fast.encode_submit_sm_resps`), and that call is what their goal is about; a single response through
the general encoder is shown beside it, without a goal. The connection's rows are for the whole of a session's protocol
work: framing, state, window, statistics and codec.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time_ns
from typing import Any

from attrs import asdict, define, evolve
from rich.console import Console
from rich.table import Table
from smpplib.smpp import make_pdu, parse_pdu

from smsagg.smpp import fast
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.connection import Connection, Limits, Role, TimerSettings
from smsagg.smpp.pdu import BindTransceiver, BindTransceiverResp, DeliverSm, SubmitSm, SubmitSmResp

BODY = b"Your one-time code is 492817. Do not share it with anybody."
RECEIPT = (
    b"id:0000000112345678 sub:001 dlvrd:001 submit date:2611211200 done date:2611211200 stat:DELIVRD err:000 text:"
)
MESSAGE_ID = "0000000112345678"
BATCH = 100
"""Requests in a session's window, and so responses in a batch of a busy one."""
ROUNDS = 15
ROUND_CALLS = 1_500
RATIO_MIN = 10.0
JSON = Path("var/bench-codec.json")

SUBMIT = SubmitSm("", 5, 0, "smsagg", 1, 1, "447700900123", registered_delivery=1, short_message=BODY)
DELIVER = DeliverSm("", 1, 1, "447700900123", 5, 0, "smsagg", esm_class=4, short_message=RECEIPT)
DELIVER.tlvs = ((0x0427, b"\2"), (0x001E, MESSAGE_ID.encode() + b"\0"))  # in the order that smpplib writes
RESPONSE = SubmitSmResp(MESSAGE_ID)


@define
class Row:
    """One figure; ``smpplib_us`` is ``None`` where it has nothing of the kind."""

    what: str
    us: float
    smpplib_us: float | None = None
    has_goal: bool = True

    @property
    def ratio(self) -> float | None:
        return self.smpplib_us / self.us if self.smpplib_us is not None else None

    @property
    def is_met(self) -> bool | None:
        """``None`` without a goal."""
        return None if self.ratio is None or not self.has_goal else self.ratio >= RATIO_MIN


def measure(ours: Callable[[], object], theirs: Callable[[], object], per: int = 1) -> tuple[float, float]:
    """µs a PDU, ``ours`` making ``per`` of them a call; in turns, so that both meet the same machine."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for side, (work, pdus) in enumerate(((ours, per), (theirs, 1))):
            calls = max(10, ROUND_CALLS // pdus)
            began = process_time_ns()
            for _ in range(calls):
                work()
            best[side] = min(best[side], (process_time_ns() - began) / 1e3 / calls / pdus)
    return best[0], best[1]


def codec_rows() -> list[Row]:
    rows = []
    for name, pdu in (("submit_sm", SUBMIT), ("submit_sm_resp", RESPONSE), ("deliver_sm, 2 TLVs", DELIVER)):
        frame, theirs = encode(pdu), made_by_smpplib(pdu)
        assert theirs.generate() == frame, "not the same work"
        rows.append(
            Row(f"decode {name}", *measure(lambda f=frame: decode(f), lambda f=frame: parse_pdu(f, sequence=0)))
        )
        one = Row(f"encode {name}", *measure(lambda p=pdu: encode(p), theirs.generate))
        if pdu is RESPONSE:
            numbers, ids = list(range(BATCH)), [MESSAGE_ID] * BATCH
            batch = measure(lambda: fast.encode_submit_sm_resps(numbers, ids), theirs.generate, BATCH)  # noqa: B023
            rows.append(Row(f"encode {name}, {BATCH} at once as sessions do", *batch))
            one.what, one.has_goal = f"encode {name}, a single one", False
        rows.append(one)
    return rows


def made_by_smpplib(pdu: SubmitSm | DeliverSm | SubmitSmResp) -> Any:
    name = {SubmitSm: "submit_sm", DeliverSm: "deliver_sm", SubmitSmResp: "submit_sm_resp"}[type(pdu)]
    theirs = make_pdu(name, sequence=1)
    for field in theirs.params_order:
        if hasattr(pdu, field):
            setattr(theirs, field, getattr(pdu, field))
    theirs.sequence = 0
    if pdu is DELIVER:
        theirs.receipted_message_id, theirs.message_state = MESSAGE_ID, 2
    return theirs


def connection_rows() -> list[Row]:
    """What protocol work costs as a whole: each step of a message's life at the server, 600 PDUs at a time."""
    count = 600
    submits = [SubmitSm("", 5, 0, "smsagg", 1, 1, "447700900123", short_message=BODY) for _ in range(count)]
    delivers = [evolve(DELIVER) for _ in range(count)]
    smsc, esme = bound_pair(count)
    best: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = process_time_ns()
        result = work()
        best[name] = min(best.get(name, float("inf")), (process_time_ns() - began) / 1e3 / count)
        return result

    for _ in range(30):
        timed("connection: send submit_sm", lambda: esme.request_many(submits, submits, 0.0))
        data = esme.data_to_send(0.0)
        numbers = [pdu.sequence_number for pdu in timed("connection: receive submit_sm", partial(take, smsc, data))]
        ids = [MESSAGE_ID] * count
        timed("connection: send submit_sm_resp", partial(smsc.respond_submit_sm, numbers, ids))
        answers = smsc.data_to_send(0.0)
        timed("connection: receive submit_sm_resp", partial(take, esme, answers))
        timed("connection: send deliver_sm", lambda: smsc.request_many(delivers, delivers, 0.0))
        data = smsc.data_to_send(0.0)
        numbers = [pdu.sequence_number for pdu in timed("connection: receive deliver_sm", partial(take, esme, data))]
        timed("connection: send deliver_sm_resp", partial(esme.respond_deliver_sm, numbers))
        answers = esme.data_to_send(0.0)
        timed("connection: receive deliver_sm_resp", partial(take, smsc, answers))
    rows = [Row(name, us) for name, us in best.items()]
    return [*rows, Row("connection: a message's whole life", sum(best.values()))]


def take(connection: Connection, octets: bytes) -> list[Any]:
    """The requests in what came; responses are taken with them."""
    return list(connection.receive(octets, 0.0).requests)


def bound_pair(window: int) -> tuple[Connection, Connection]:
    """An SMSC and an ESME, bound to one another."""
    limits = Limits(window_max=window, unanswered_max=window)
    smsc, esme = (Connection(role, limits, TimerSettings(), 0.0) for role in (Role.SMSC, Role.ESME))
    number = esme.request(BindTransceiver("esme", "secret"), None, 0.0)
    smsc.receive(esme.data_to_send(), 0.0)
    smsc.respond(BindTransceiverResp("smsc", sequence_number=number))
    esme.receive(smsc.data_to_send(), 0.0)
    return smsc, esme


def table_of(rows: list[Row]) -> Table:
    table = Table(title="µs of CPU a PDU")
    table.add_column("", no_wrap=True)
    for heading in ("smsagg", "smpplib", "times", f"goal: {RATIO_MIN:.0f} times"):
        table.add_column(heading, justify="right")
    for row in rows:
        verdict = {True: "[green]met[/]", False: "[red]not met[/]", None: ""}[row.is_met]
        theirs = ("", "") if row.smpplib_us is None else (f"{row.smpplib_us:.2f}", f"{row.ratio:.1f}")
        table.add_row(row.what, f"{row.us:.3f}", *theirs, verdict)
    return table


def main() -> int:
    rows = codec_rows() + connection_rows()
    Console(width=100).print(table_of(rows))
    JSON.parent.mkdir(parents=True, exist_ok=True)
    JSON.write_text(
        json.dumps([asdict(row) | {"ratio": row.ratio, "met": row.is_met} for row in rows], indent=1) + "\n"
    )
    return 1 if any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
