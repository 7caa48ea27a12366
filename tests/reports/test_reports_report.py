"""Reports count what a naive count counts, in any grouping, and in bounded memory."""

from collections import Counter
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from report_records import NOW, TRAFFIC, traffic

from smsagg.model import Cause, MessageState
from smsagg.reports.report import OTHERS, Report
from smsagg.reports.tally import ENDS, Tally, figures
from smsagg.reports.traffic import DIMENSIONS, Traffic

RECORDS = st.lists(TRAFFIC, max_size=80)


def naive(records: list[Traffic]) -> dict[str, object]:
    """Every count of :func:`figures`, each by a pass of its own."""
    delivered = [r for r in records if r.state == MessageState.DELIVERED]
    ends = {word: sum(r.state == state for r in records) for word, state in ENDS.items()}
    known = sum(count for word, count in ends.items() if word not in ("sent", "deleted"))
    cost, revenue = sum(r.cost for r in records), sum(r.earned for r in records)
    return {
        "accepted": len(records),
        "texts": sum(r.part_number in (0, 1) for r in records),
        "pending": len(records) - sum(ends.values()),
        **ends,
        "delivery_rate": len(delivered) / known if known else None,
        "retries": sum(max(r.attempts - 1, 0) for r in records),
        "opted_out": sum(r.cause == Cause.OPTED_OUT and r.state in set(ENDS.values()) - {2, 6} for r in records),
        "cost": cost,
        "revenue": revenue,
        "margin": revenue - cost,
        "cost_per_delivered": int(cost / len(delivered) + 0.5) if delivered else None,
    }


@given(RECORDS, st.lists(st.sampled_from([name for name in DIMENSIONS if name not in ("day", "hour")]), unique=True))
def test_groups_and_totals_equal_a_naive_count(records: list[Traffic], by: list[str]) -> None:
    """Every figure of every group, and of all together."""
    report = Report(by)
    report.add(records[:30])
    report.add(records[30:])
    expected: dict[tuple[str, ...], list[Traffic]] = {}
    for record in records:
        expected.setdefault(tuple(getattr(record, DIMENSIONS[name]) for name in by), []).append(record)
    found = {key: figures(tally) for key, tally in report.groups()}
    for key, own in [*expected.items(), (None, records)]:
        told = figures(report.total) if key is None else found.pop(key)
        for name, value in naive(own).items():
            assert told[name] == value, (key, name)
    assert not found


@given(RECORDS)
def test_causes_add_up_to_what_was_not_delivered(records: list[Traffic]) -> None:
    """Each message that ended badly has one cause; where nobody said why, its state does."""
    report = Report([])
    report.add(records)
    total = report.total
    failed = ("failed", "expired", "rejected", "unknown", "deleted")
    assert sum(total.causes_by_name().values()) == sum(total.ended(word) for word in failed)


def test_too_many_groups_are_counted_as_others() -> None:
    """Memory has a bound, and the totals stay right."""
    report = Report(["sender"], groups_max=3)
    report.add(traffic(seq, source_addr=f"S{seq % 10}") for seq in range(100))
    rows = report.groups()
    assert [key[0] for key, _ in rows] == ["S0", "S1", "S2", OTHERS]
    assert [tally.accepted for _, tally in rows] == [10, 10, 10, 70]
    assert report.total.accepted == 100


def test_hours_are_those_of_the_zone_and_in_order() -> None:
    """A zone with a half hour, and a day with 25 hours."""
    hour = 3_600_000
    report = Report(["hour"], ZoneInfo("Asia/Kolkata"))
    report.add([traffic(1, accepted_at=NOW + hour), traffic(2), traffic(3)])
    assert [(key, tally.accepted) for key, tally in report.groups()] == [
        (("2023-11-15 03:00",), 2),
        (("2023-11-15 04:00",), 1),
    ]
    autumn = 1_698_537_600_000  # 2023-10-29T00:00Z, in London the last day of summer time
    days = Report(["day", "country"], ZoneInfo("Europe/London"))
    days.add(traffic(hours, accepted_at=autumn - hour + hours * hour) for hours in range(26))
    assert Counter({key[0]: tally.accepted for key, tally in days.groups()}) == {"2023-10-29": 25, "2023-10-30": 1}


def test_merging_is_counting_together() -> None:
    """Two tallies of halves are the tally of the whole."""
    records = [traffic(seq, state=seq % 9, cause=seq % 5, done_at=NOW + seq * 37, cost=seq) for seq in range(60)]
    whole, half, other = Tally(), Tally(), Tally()
    for place, record in enumerate(records):
        whole.add(record)
        (half if place % 2 else other).add(record)
    half.merge(other)
    assert figures(half) == figures(whole)
    assert half.causes_by_name() == whole.causes_by_name()
    assert half.distribution() == whole.distribution()
