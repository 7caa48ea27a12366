"""Measure the codec beside smpplib's in the same run: µs a PDU, best of several rounds.

.venv/bin/python tools/bench_codec.py
"""

from collections.abc import Callable
from timeit import repeat

from smpplib.smpp import make_pdu, parse_pdu

from smsagg.smpp import fast
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.connection import Connection, Limits, Role, TimerSettings
from smsagg.smpp.pdu import BindTransceiver, BindTransceiverResp, DeliverSm, SubmitSm, SubmitSmResp

BODY = b"Your one-time code is 492817. Do not share it with anybody."
RECEIPT = (
    b"id:0000000112345678 sub:001 dlvrd:001 submit date:2611211200 done date:2611211200 stat:DELIVRD err:000 text:"
)
BATCH = 600


def best_us(work: Callable[[], object], number: int, per: int = 1) -> float:
    return min(repeat(work, number=number, repeat=7)) / number / per * 1e6


def row(name: str, ours: float, theirs: float | None = None) -> None:
    compared = f"{theirs:10.2f}{theirs / ours:9.0f}x" if theirs is not None else ""
    print(f"{name:40}{ours:10.2f}{compared}")


def codec_rows() -> None:
    submit = SubmitSm("", 5, 0, "smsagg", 1, 1, "447700900123", registered_delivery=1, short_message=BODY)
    deliver = DeliverSm("", 1, 1, "447700900123", 5, 0, "smsagg", esm_class=4, short_message=RECEIPT)
    deliver.tlvs = ((0x001E, b"0000000112345678\0"), (0x0427, b"\2"))
    response = SubmitSmResp("0000000112345678")
    for name, pdu in (("submit_sm", submit), ("submit_sm_resp", response), ("deliver_sm, 2 TLVs", deliver)):
        frame = encode(pdu)
        theirs = parse_pdu(frame, sequence=0)
        theirs.sequence = 0
        row(
            f"decode {name}",
            best_us(lambda f=frame: decode(f), 20_000),
            best_us(lambda f=frame: parse_pdu(f, sequence=0), 1_000),
        )
        if name != "deliver_sm, 2 TLVs":  # smpplib cannot write what it read: its strings are bytes then
            theirs = made_by_smpplib(pdu)
        else:
            theirs = made_by_smpplib(deliver)
            theirs.receipted_message_id, theirs.message_state = "0000000112345678", 2
        row(f"encode {name}", best_us(lambda p=pdu: encode(p), 20_000), best_us(theirs.generate, 1_000))


def made_by_smpplib(pdu: SubmitSm | DeliverSm | SubmitSmResp) -> object:
    name = {SubmitSm: "submit_sm", DeliverSm: "deliver_sm", SubmitSmResp: "submit_sm_resp"}[type(pdu)]
    theirs = make_pdu(name, sequence=1)
    for field in theirs.params_order:
        if hasattr(pdu, field):
            setattr(theirs, field, getattr(pdu, field))
    theirs.sequence = 0
    return theirs


def connection_rows() -> None:
    limits = Limits(window_max=BATCH, unanswered_max=BATCH)
    smsc, esme = (Connection(role, limits, TimerSettings(), 0.0) for role in (Role.SMSC, Role.ESME))
    number = esme.request(BindTransceiver("esme", "secret"), None, 0.0)
    smsc.receive(esme.data_to_send(), 0.0)
    smsc.respond(BindTransceiverResp("smsc", sequence_number=number))
    esme.receive(smsc.data_to_send(), 0.0)
    pdus = [SubmitSm("", 5, 0, "smsagg", 1, 1, "447700900123", short_message=BODY) for _ in range(BATCH)]
    message_ids = ["0000000112345678"] * BATCH
    times: dict[str, list[float]] = {}

    def turn() -> None:
        def timed(name: str, work: Callable[[], object]) -> object:
            result: list[object] = []
            times.setdefault(name, []).extend(
                repeat(lambda: result.append(work()), number=1, repeat=1),
            )
            return result[0]

        timed("request_many, data_to_send", lambda: esme.request_many(pdus, pdus, 0.0))
        data = esme.data_to_send(0.0)
        received = timed(f"receive {len(data) >> 10} KiB of submit_sm", lambda: smsc.receive(data, 0.0))
        numbers = [pdu.sequence_number for pdu in received.requests]  # type: ignore[attr-defined]
        timed("respond_submit_sm", lambda: smsc.respond_submit_sm(numbers, message_ids))
        answer = smsc.data_to_send(0.0)
        timed("receive their submit_sm_resp", lambda: esme.receive(answer, 0.0))

    for _ in range(30):
        turn()
    for name, seconds in times.items():
        row(f"connection: {name}", min(seconds) / BATCH * 1e6)
    row("encode_submit_sm_resps", best_us(lambda: fast.encode_submit_sm_resps(range(BATCH), message_ids), 50, BATCH))


if __name__ == "__main__":
    print(f"{'µs a PDU':40}{'smsagg':>10}{'smpplib':>10}{'ratio':>10}")
    codec_rows()
    connection_rows()
