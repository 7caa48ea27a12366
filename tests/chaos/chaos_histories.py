"""Histories that are sound, for breaking them in one place each."""

from tools.chaos.checker import DELIVERED, ENROUTE, Verdict, check
from tools.chaos.history import (
    Cancel,
    CarrierMo,
    CarrierReceipt,
    CarrierSubmit,
    ClientMo,
    ClientReceipt,
    Enquiry,
    Fault,
    History,
    Query,
    Reply,
    Rules,
    StoredMessage,
    Submit,
)

ESME_RCANCELFAIL = 0x11
RECEIPT_TEXT = "id:{} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:{} err:000 text:"


def client_receipt(at: float, message_id: str = "id1", state: int = DELIVERED, word: str = "DELIVRD") -> ClientReceipt:
    return ClientReceipt(at, "main", 1, message_id, state, RECEIPT_TEXT.format(message_id, word))


def sound_history() -> History:
    """One message: submitted at 1 s, acknowledged, sent, reported, over; and one fault that touched nothing.

    Beside it one of every other operation: a cancel that came too late and one that did not, a query, an enquire_link,
    and a handset's text.
    """
    return History(
        submits=[Submit("n1", "main", 1, 1.0, reply=Reply.OK, message_id="id1", answered_at=1.1)],
        client_receipts=[client_receipt(1.5)],
        carrier_submits=[CarrierSubmit(1.2, 1_200, "alpha", "n1", "7")],
        carrier_receipts=[
            CarrierReceipt(1.3, "alpha", "7", DELIVERED),
            CarrierReceipt(1.4, "alpha", "7", DELIVERED, 0),
        ],
        faults=[Fault("kill -9", "server", 5.0, 6.0, copies_max=2, receipts_max=2)],
        cancels=[Cancel("n1", "id1", "main", 1.6, ESME_RCANCELFAIL, 1.7), Cancel("n0", "id0", "main", 0.4, 0, 0.5)],
        queries=[Query("n1", "id1", "main", 1.15, 0, 1.16, "id1", ENROUTE)],
        enquiries=[Enquiry(1.0, 1.01)],
        carrier_mo=[
            CarrierMo(1.0, "alpha", "hello", "447700900001", "53849"),
            CarrierMo(1.1, "alpha", "hello", "447700900001", "53849", 0),
        ],
        client_mo=[ClientMo(1.1, "main", "hello", "447700900001", "53849", 0)],
        rules=Rules(pool_of={"alpha": "world", "gamma": "gb"}, mo_owner={"53849": "main"}),
    )


def with_row(history: History, **changes: object) -> History:
    fields: dict[str, object] = {
        "message_id": "id1", "nonce": "n1", "state": DELIVERED, "carrier": "alpha", "carrier_message_id": "7",
        "error_code": 0, "expires_at_ms": 90_000, "done_at_ms": 1_450, "is_live": False, "account": "main",
    }  # fmt: skip
    history.store.messages.append(StoredMessage(**(fields | changes)))  # type: ignore[arg-type]
    return history


def settled_late(history: History) -> History:
    """Nobody learns of the end before copies come."""
    history.client_receipts[0].at = 20.0
    for receipt in history.carrier_receipts:
        receipt.at = 19.0
    return history


def copied(history: History, number_of: int, at: float) -> None:
    """The message reaches the carrier so many times more."""
    for copy in range(number_of):
        history.carrier_submits.append(CarrierSubmit(at + copy, 0, "alpha", "n1", f"copy{copy}"))


def broken_by(history: History) -> set[str]:
    report = check(history)
    assert (report.verdict is Verdict.FAIL) == bool(report.violations)
    return {violation.invariant.split()[0] for violation in report.violations}
