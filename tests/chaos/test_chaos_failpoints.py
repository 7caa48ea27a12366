"""The server dies at every point of its work, and what was at hand is where the table of kill points says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.chaos.checker import Verdict
from tools.chaos.failpoints import FAILPOINTS
from tools.chaos.history import (
    CarrierSubmit,
    ClientReceipt,
    Fault,
    History,
    Reply,
    StoredMessage,
    Submit,
    Told,
    Visit,
)
from tools.chaos.visit_report import BOUNDS, judge
from tools.chaos.visit_run import VisitReport, visit

DELIVERED = 2
STORE_ROWS = ("F02", "F05", "F13")
"""Where it matters most whether the process dies or the power goes. ``make chaos`` visits all rows both ways."""


def told(result: VisitReport) -> str:
    problems = [f"{row.row}: {problem}" for row in result.rows for problem in row.problems]
    return "\n".join([*problems[:20], str(result.report.counts), *map(str, result.report.violations[:20])])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "cuts_power"),
    [pytest.param(STORE_ROWS, False, id="kill -9"), pytest.param(tuple(FAILPOINTS), True, id="power loss")],
)
def test_death_at_every_failpoint(tmp_path: Path, rows: tuple[str, ...], cuts_power: bool) -> None:
    """Each failpoint is hit; nothing acknowledged is lost, and copies keep within the row's bound."""
    result = visit(tmp_path, rows, cuts_power, seed=1)
    assert result.verdict is Verdict.PASS, told(result)


@pytest.mark.slow
def test_a_row_can_fail(tmp_path: Path) -> None:
    """A server that does not store what a carrier took sends the messages again that were at hand when it died.

    Whether any were is chance, so one of a few visits must show it.
    """
    for seed in range(1, 11):
        folder = tmp_path / str(seed)
        folder.mkdir()
        result = visit(folder, ["F09"] * 3, False, seed=seed, seed_bug="taken-unrecorded")
        if result.verdict is Verdict.FAIL:
            return
    raise AssertionError(told(result))


def history_of(row: str) -> tuple[History, list[Visit]]:
    """One message that a death at 5 s had at hand, as the row wants it."""
    submit = Submit("n1", "main", 1, 1.0, reply=Reply.OK, message_id="id1", answered_at=1.1)
    history = History(
        submits=[submit],
        carrier_submits=[CarrierSubmit(4.0, 4_000, "alpha", "n1", "7")],
        client_receipts=[ClientReceipt(4.9, "main", 1, "id1", DELIVERED, "text")],
        faults=[Fault("kill", "server", at, at + 0.5) for at in (2.0, 5.0, 9.0)],
    )
    if BOUNDS[row].after.value == "absent":
        submit.reply = Reply.INFO
        history.carrier_submits.clear()
        history.client_receipts.clear()
    else:
        stored = StoredMessage(
            message_id="id1", nonce="n1", state=DELIVERED, carrier="alpha", carrier_message_id="7", error_code=0,
            expires_at_ms=0, done_at_ms=0, is_live=False,
        )  # fmt: skip
        history.store.messages.append(stored)
    return history, [Visit(row, 5.0, ["nonce:n1", "id:id1", "carrier:alpha:7"])]


def lost(history: History) -> None:
    history.store.messages.clear()


def sent_again(history: History) -> None:
    history.carrier_submits.append(CarrierSubmit(6.0, 6_000, "alpha", "n1", "8"))


def sent_twice_more(history: History) -> None:
    sent_again(history)
    history.carrier_submits.append(CarrierSubmit(7.0, 7_000, "alpha", "n1", "9"))


def reported_again(history: History) -> None:
    history.client_receipts.append(ClientReceipt(6.0, "main", 1, "id1", DELIVERED, "text"))


def kept(history: History) -> None:
    history_of("F03")[0].store.messages[0].nonce = "n1"
    history.store.messages += history_of("F03")[0].store.messages


def told_again(history: History, times: int = 1) -> None:
    for at in (4.9, 6.0, 7.0)[: times + 1]:
        history.told.append(Told(at, "main", "steady", "evt_1", "message.delivered", "id1", "octets", True, 204))


def told_twice_more(history: History) -> None:
    told_again(history, 2)


@pytest.mark.parametrize("row", FAILPOINTS)
def test_what_a_row_wants(row: str) -> None:
    """One message that is where the row says passes, and is counted once by whatever name it goes."""
    history, visits = history_of(row)
    (report,) = judge(history, visits, [row])
    assert (report.verdict, report.hits, report.messages) == ("pass", 1, 1), report.problems


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ("F01", kept), ("F02", kept), ("F01", sent_again), ("F03", lost), ("F03", sent_again), ("F05", lost),
        ("F06", sent_again), ("F07", sent_twice_more), ("F08", sent_twice_more), ("F09", sent_again),
        ("F12", reported_again), ("F13", reported_again), ("F13", lost), ("F15", sent_again), ("F16", lost),
        ("F16", told_twice_more), ("F17", kept),
    ],
)  # fmt: skip
def test_what_a_row_does_not_want(row: str, change: Callable[[History], None]) -> None:
    """A message that is elsewhere, or there too often, fails its row."""
    history, visits = history_of(row)
    change(history)
    (report,) = judge(history, visits, [row])
    assert report.verdict == "fail"


@pytest.mark.parametrize("row", ["F01", "F02", "F05", "F17"])
def test_what_is_asked_for_again_may_be_there(row: str) -> None:
    """A call under a key is made again until it is answered, so its message rises; and it is there once."""
    history, visits = history_of(row)
    history.submits[0].is_called = True
    kept(history)
    (report,) = judge(history, visits, [row])
    assert report.verdict == "pass"
    sent_again(history)
    sent_again(history)
    (report,) = judge(history, visits, [row])
    assert report.verdict == "fail"


def test_a_webhook_comes_once_more() -> None:
    """F16: what was taken and not recorded is told again, once."""
    history, visits = history_of("F16")
    told_again(history)
    (report,) = judge(history, visits, ["F16"])
    assert (report.verdict, report.receipts) == ("pass", 1)


def test_half_a_commit() -> None:
    """F05: of one commit one message is there and one is not."""
    history, visits = history_of("F05")
    history.submits.append(Submit("n2", "main", 1, 1.0))
    visits[0].subjects = ["nonce:n1", "nonce:n2"]
    (report,) = judge(history, visits, ["F05"])
    assert report.verdict == "fail"


def test_copies_of_another_fault() -> None:
    """What was in doubt since an earlier death, or is doubled by a later one, is not this one's copy."""
    for first_at, second_at in ((1.5, 6.0), (4.0, 9.5)):
        history, visits = history_of("F09")
        history.carrier_submits[0].at = first_at
        history.carrier_submits.append(CarrierSubmit(second_at, 0, "alpha", "n1", "8"))
        (report,) = judge(history, visits, ["F09"])
        assert report.verdict == "pass"


def test_a_row_that_was_not_hit() -> None:
    """Nothing is proved of it."""
    (report,) = judge(history_of("F03")[0], [], ["F03"])
    assert report.verdict == "fail"
