"""A report over a store counts what its messages say, whatever became of them."""

import tempfile
from pathlib import Path
from typing import Any

from history_store import NOW, WrittenStore, message
from hypothesis import given, settings
from hypothesis import strategies as st

from smsagg.history.past_messages import past_messages
from smsagg.history.reader import open_history
from smsagg.history.traffic import traffic_of
from smsagg.model import Cause, ChargeOn, MessageState
from smsagg.reports.report import Report
from smsagg.reports.tally import ENDS

LIFE = st.fixed_dictionaries(
    {
        "account": st.sampled_from(["acme", "bank"]),
        "country": st.sampled_from(["GB", "VN"]),
        "charge_on": st.sampled_from(list(ChargeOn)),
        "revenue": st.integers(0, 10**6),
    }
)
END = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {
            "state": st.sampled_from(sorted(ENDS.values())),
            "cause": st.sampled_from([Cause.NONE, Cause.SPAM, Cause.OPTED_OUT]),
            "attempts": st.integers(0, 4),
            "cost": st.integers(0, 10**6),
            "charged": st.sampled_from([0, 5]),
            "took": st.integers(0, 10**7),
        }
    ),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(LIFE, END), max_size=25), st.integers(0, 25), st.integers(0, 25))
def test_totals_equal_a_naive_count(
    lives: list[tuple[dict[str, Any], dict[str, Any] | None]], since: int, length: int
) -> None:
    """Of the messages of the span: accepted, ended in each way, cost, earned, retries, times; live ones included."""
    with tempfile.TemporaryDirectory() as folder:
        written = WrittenStore(Path(folder))
        begin, end = NOW + since * 1000, NOW + (since + length) * 1000
        expected: list[tuple[dict[str, Any], dict[str, Any] | None]] = []
        for seq, (life, over) in enumerate(lives, 1):
            written.accept(message(seq, **life))
            if over is not None:
                done_at = NOW + seq * 1000 + over["took"]
                written.finish(seq, done_at=done_at, **{name: value for name, value in over.items() if name != "took"})
            if begin <= NOW + seq * 1000 < end:
                expected.append((life, over))
        report = Report(["account", "country"])
        with open_history(written.path) as history:
            span = history.span(begin, end)
            for records in traffic_of(history, span):
                report.add(records)
            judged = [past for batch in past_messages(history, span) for past in batch]
        written.close()
    total, ends = report.total, [over for _, over in expected if over is not None]
    assert total.accepted == len(expected) == len(judged)
    assert total.pending == len(expected) - len(ends)
    for word, state in ENDS.items():
        assert total.ended(word) == sum(over["state"] == state for over in ends)
    assert total.cost == sum(over["cost"] for over in ends) == sum(past.cost for past in judged)
    earned = sum(life["revenue"] for life, over in expected if over is not None and over["charged"])
    assert total.revenue == earned == sum(past.earned for past in judged)
    assert total.retries == sum(max(over["attempts"] - 1, 0) for over in ends)
    assert total.durations.count == sum(over["state"] == MessageState.DELIVERED for over in ends)
    groups = {key: tally.accepted for key, tally in report.groups()}
    for life, _ in expected:
        groups[life["account"], life["country"]] -= 1
    assert not any(groups.values())
