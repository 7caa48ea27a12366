"""The misbehaviour model: plans, distributions, outages, ids."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.carriers.behaviour import Behaviour, Throttle
from smsagg.carriers.behaviour_settings import (
    BehaviourSettings,
    DelaySettings,
    IdBehaviour,
    MoBehaviour,
    OutageSettings,
    ReceiptBehaviour,
)
from smsagg.smpp.status import ESME_RSYSERR, ESME_RTHROTTLED


def constant(seconds: Any) -> DelaySettings:
    return DelaySettings(kind="constant", value=seconds)


def behave(**settings: Any) -> Behaviour:
    return Behaviour(BehaviourSettings(**settings), started_at=0.0, first_id=1_000)


def test_the_default_takes_everything_and_delivers_it_within_a_second() -> None:
    """With no key set each message is answered ESME_ROK and gets one DELIVRD receipt after the response."""
    behaviour, rng = behave(), Random(1)
    for _ in range(1_000):
        plan = behaviour.plan(0.0, rng)
        assert plan.command_status == 0
        assert plan.response_after_s is not None
        assert 0 < plan.response_after_s <= 0.020
        ((due_s, word, error),) = plan.receipts
        assert (word, error) == ("DELIVRD", 0)
        assert 0.1 <= due_s - plan.response_after_s <= 1.0
        assert plan.receipt_id == plan.carrier_message_id


def test_ids_never_come_twice() -> None:
    """Each message that was taken gets an id of its own."""
    behaviour, rng = behave(), Random(1)
    assert len({behaviour.plan(0.0, rng).carrier_message_id for _ in range(1_000)}) == 1_000


def test_the_same_seed_gives_the_same_plans() -> None:
    """A run can be repeated exactly."""
    settings = {"errors": {0x08: 0.2}, "receipts": ReceiptBehaviour(early=0.2, duplicate=0.3, missing=0.1)}

    def run() -> list[Any]:
        behaviour, rng = behave(**settings), Random(7)
        plans = [behaviour.plan(i / 10, rng) for i in range(200)]
        return [(p.response_after_s, p.command_status, p.carrier_message_id, p.receipts) for p in plans]

    assert run() == run()


@given(st.floats(0.001, 10), st.floats(1.0, 50))
def test_lognormal_has_the_median_and_p99_asked_for(median: float, ratio: float) -> None:
    """The table of a lognormal distribution has its two quantiles where the settings say."""
    table = DelaySettings(kind="lognormal", median=median, p99=median * ratio).quantiles()  # type: ignore[arg-type]
    assert table == tuple(sorted(table))
    assert table[len(table) // 2] == pytest.approx(median, rel=0.02)
    assert table[int(len(table) * 0.99)] == pytest.approx(median * ratio, rel=0.05)


@given(st.floats(0, 10), st.floats(0, 10), st.integers())
def test_uniform_stays_within_its_bounds(low: float, width: float, seed: int) -> None:
    """No uniform delay lies outside min and max."""
    settings = DelaySettings(kind="uniform", min=low, max=low + width)  # type: ignore[arg-type]
    assert all(low <= delay <= low + width for delay in Random(seed).choices(settings.quantiles(), k=100))


def test_errors_come_in_their_shares() -> None:
    """A refused message has no id and no receipts, and each status comes as often as its share says."""
    behaviour, rng = behave(errors={0x08: 0.1, 0x400: 0.2}), Random(3)
    plans = [behaviour.plan(0.0, rng) for _ in range(10_000)]
    counts = {status: sum(p.command_status == status for p in plans) for status in (0, 0x08, 0x400)}
    assert counts[0x08] == pytest.approx(1_000, rel=0.15)
    assert counts[0x400] == pytest.approx(2_000, rel=0.15)
    assert sum(counts.values()) == 10_000
    assert all((p.carrier_message_id, p.receipts) == ("", ()) for p in plans if p.command_status)


def test_a_lost_response_leaves_the_message_with_the_carrier() -> None:
    """What is taken and never answered still gets its receipt."""
    plan = behave(response_lost=1.0).plan(0.0, Random(1))
    assert plan.response_after_s is None
    assert plan.carrier_message_id
    assert len(plan.receipts) == 1


def test_the_throttle_refuses_what_exceeds_the_rate() -> None:
    """At twice the rate half of the messages get ESME_RTHROTTLED; at the rate none does."""
    rng = Random(1)
    behaviour = behave(throttle_above=100.0)
    fast = [behaviour.plan(i / 200, rng).command_status for i in range(2_000)]
    assert fast.count(ESME_RTHROTTLED) == pytest.approx(1_000, abs=20)
    behaviour = behave(throttle_above=100.0)
    assert not any(behaviour.plan(i / 100, rng).command_status for i in range(1_000))


@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0.5, 1_000))
def test_the_throttle_lets_no_more_through_than_rate_and_burst(gaps: list[float], rate: float) -> None:
    """Whatever the arrivals, any span passes at most its worth plus a tenth of a second's worth plus one."""
    throttle, now, passed = Throttle(rate), 0.0, []
    for gap in gaps:
        now += gap
        if not throttle.exceeded(now):
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= (passed[last] - passed[first] + 0.1) * rate + 1 + 1e-6


def test_early_receipts_precede_the_response() -> None:
    """An early receipt is due before the submit_sm_resp."""
    behaviour, rng = behave(latency=constant(0.5), receipts=ReceiptBehaviour(early=1.0)), Random(1)
    for _ in range(100):
        plan = behaviour.plan(0.0, rng)
        assert plan.response_after_s is not None
        assert plan.receipts[0][0] < plan.response_after_s


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"missing": 1.0}, []),
        ({"duplicate": 1.0}, ["DELIVRD", "DELIVRD"]),
        ({"out_of_order": 1.0}, ["DELIVRD", "ENROUTE"]),
        ({"contradicted": 1.0}, ["DELIVRD", "UNDELIV"]),
        ({"contradicted": 1.0, "states": {"EXPIRED": 1.0}}, ["EXPIRED", "DELIVRD"]),
        ({"states": {"FAILED": 2.0}}, ["FAILED"]),
        ({"states": {"": 1.0}}, [""]),
    ],
)
def test_odd_receipts(settings: dict[str, Any], words: list[str]) -> None:
    """Each oddity yields its receipts, in the order of their due times."""
    receipts = behave(receipts=ReceiptBehaviour(**settings)).plan(0.0, Random(1)).receipts
    assert [word for _, word, _ in receipts] == words
    assert [due for due, _, _ in receipts] == sorted(due for due, _, _ in receipts)


def test_late_receipts_take_the_late_delay() -> None:
    """A late receipt comes after ``late_delay``."""
    receipts = ReceiptBehaviour(late=1.0, late_delay=constant(300.0))
    plan = behave(latency=constant(1.0), receipts=receipts).plan(0.0, Random(1))
    assert plan.receipts[0][0] == 301.0


def test_final_states_come_in_their_weights() -> None:
    """States are drawn by weight."""
    behaviour, rng = behave(receipts=ReceiptBehaviour(states={"DELIVRD": 3.0, "UNDELIV": 1.0})), Random(5)
    words = [behaviour.plan(0.0, rng).receipts[0][1] for _ in range(4_000)]
    assert words.count("UNDELIV") == pytest.approx(1_000, rel=0.15)


@pytest.mark.parametrize(
    ("ids", "response_id", "receipt_id"),
    [
        (IdBehaviour(), "1000", "1000"),
        (IdBehaviour(form="hex", receipt_form="decimal"), "3e8", "1000"),
        (IdBehaviour(form="hex_upper"), "3E8", "3E8"),
        (IdBehaviour(form="zero_padded", width=10, receipt_form="decimal"), "0000001000", "1000"),
        (IdBehaviour(form="decimal", receipt_form="hex_upper"), "1000", "3E8"),
    ],
)
def test_id_forms(ids: IdBehaviour, response_id: str, receipt_id: str) -> None:
    """Response and receipt write the same number in the forms asked for."""
    plan = behave(ids=ids).plan(0.0, Random(1))
    assert (plan.carrier_message_id, plan.receipt_id) == (response_id, receipt_id)


def test_uuids_look_like_uuids() -> None:
    """The uuid form has 36 characters in five groups."""
    message_id = behave(ids=IdBehaviour(form="uuid")).plan(0.0, Random(1)).carrier_message_id
    assert [len(group) for group in message_id.split("-")] == [8, 4, 4, 4, 12]


def test_outages_follow_their_schedule() -> None:
    """An outage is on from ``first_after`` for ``lasting``, and again each ``every``."""
    behaviour = behave(outages=(OutageSettings(every=60.0, lasting=5.0, kind="drop", first_after=10.0),))
    assert [behaviour.outage(now) for now in (0, 9.9, 10, 14.9, 15, 69.9, 70, 75)] == [
        *(None, None, "drop", "drop", None, None, "drop", None)
    ]
    assert behaviour.next_change_at(0) == 10
    assert behaviour.next_change_at(12) == 15
    assert behaviour.next_change_at(20) == 70


def test_an_outage_refuses_or_swallows() -> None:
    """``refuse`` answers ESME_RSYSERR; in every other outage nobody answers and nothing is taken."""
    for kind, status in (("refuse", ESME_RSYSERR), ("silent", None), ("unbind", None)):
        outage = OutageSettings(every=60.0, lasting=5.0, kind=kind, first_after=0.0)
        plan = behave(outages=(outage,)).plan(1.0, Random(1))
        assert (plan.command_status or None) == status
        assert (plan.response_after_s is None) == (status is None)
        assert plan.receipts == ()


def test_mo_traffic_has_its_rate() -> None:
    """MO come at random, at the configured mean rate; none without a rate."""
    behaviour, rng, now, count = behave(mo=MoBehaviour(rate=10.0)), Random(2), 0.0, 0
    while now < 100:
        now = behaviour.next_mo_at(now, rng)
        count += 1
    assert count == pytest.approx(1_000, rel=0.15)
    assert behave().next_mo_at(0.0, rng) == float("inf")
    assert behaviour.make_mo(rng).destination_addr == "12345"


@pytest.mark.parametrize(
    "make",
    [
        lambda: DelaySettings(kind="normal"),
        lambda: DelaySettings(min=2.0, max=1.0),
        lambda: DelaySettings(kind="lognormal", median=0.0, p99=1.0),
        lambda: DelaySettings(kind="constant", value=-1.0),
        lambda: OutageSettings(every=5.0, lasting=5.0),
        lambda: OutageSettings(every=5.0, lasting=1.0, kind="explode"),
        lambda: ReceiptBehaviour(missing=1.1),
        lambda: ReceiptBehaviour(states={}),
        lambda: ReceiptBehaviour(states={"DELIVRD": -1.0, "UNDELIV": 2.0}),
        lambda: IdBehaviour(form="roman"),
        lambda: IdBehaviour(form="uuid", receipt_form="hex"),
        lambda: MoBehaviour(rate=1.0, texts=()),
        lambda: BehaviourSettings(errors={0x08: 0.6, 0x14: 0.6}),
        lambda: BehaviourSettings(response_lost=-0.1),
    ],
)
def test_impossible_settings_are_refused(make: Any) -> None:
    """A setting that makes no sense is a ValueError that says why."""
    with pytest.raises(ValueError, match=r"\w"):
        make()
