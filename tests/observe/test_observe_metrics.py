"""Families, histograms and the registry: what is counted is what Prometheus is told."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from smsagg.observe.family import CounterFamily, GaugeFamily
from smsagg.observe.histogram import ACCEPT_BOUNDS_S, Histogram, HistogramFamily
from smsagg.observe.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What a scrape sees: values by name and labels."""
    metrics.refresh()
    body, _ = metrics.render()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse_text(body.decode())
        for sample in family.samples
    }


def test_a_child_counts_under_its_labels() -> None:
    """The same key is the same child, and labels stand in the order of the family's names."""
    metrics = Metrics("1.2.3")
    metrics.accepted["acme", "GB"].n += 17
    metrics.accepted["acme", "GB"].n += 3
    metrics.accepted["acme", ""].n += 1
    seen = samples(metrics)
    assert seen["smsagg_messages_accepted_total", (("account", "acme"), ("country", "GB"))] == 20
    assert seen["smsagg_messages_accepted_total", (("account", "acme"), ("country", ""))] == 1


def test_sources_are_added_to_what_was_counted() -> None:
    """Several sources of one child, and the child itself, make one sum; only a refresh asks them."""
    family = CounterFamily("x_total", "X.", "command")
    family["submit_sm"].n = 1
    family.add_source(lambda: {"submit_sm": 10, "unbind": 1})
    family.add_source(lambda: {"submit_sm": 100})
    assert family.values_now() == {"submit_sm": 1}
    family.refresh()
    assert family.values_now() == {"submit_sm": 111, "unbind": 1}
    family.refresh()
    assert family.values_now() == {"submit_sm": 111, "unbind": 1}


def test_a_gauge_forgets_what_its_source_no_longer_tells() -> None:
    """An account without sessions vanishes instead of keeping its last value."""
    told = {("acme", "trx"): 2}
    family = GaugeFamily("x", "X.", "account", "bind_type")
    family.add_source(lambda: told)
    family.refresh()
    assert family.values_now() == {("acme", "trx"): 2}
    told.clear()
    family.refresh()
    assert family.values_now() == {}


def test_a_family_without_labels_exists_from_the_start() -> None:
    """A counter that never counted is 0, so that rates and alerts have something to start from."""
    seen = samples(Metrics("1.2.3"))
    assert seen["smsagg_store_commits_total", ()] == 0
    assert seen["smsagg_store_failing", ()] == 0
    assert seen["smsagg_loop_lag_seconds_count", ()] == 0


def test_a_full_family_counts_under_other() -> None:
    """The number of series is bounded whatever labels come."""
    family = CounterFamily("x_total", "X.", "a", "b")
    family._children_max = 2
    for i in range(10):
        family[str(i), "b"].n += 1
    assert {key: child.n for key, child in family.items()} == {("0", "b"): 1, ("1", "b"): 1, ("other", "other"): 8}


def test_a_key_must_fit_the_labels() -> None:
    """A tuple of the wrong length is our own mistake."""
    with pytest.raises(AssertionError):
        CounterFamily("x_total", "X.", "a", "b")["only one"].n += 1


@given(st.lists(st.floats(0, 20)))
def test_a_histogram_counts_each_observation_once_at_its_bound(values: list[float]) -> None:
    """Cumulative buckets, count and sum agree with a count by hand."""
    family = HistogramFamily("x_seconds", "X.", ACCEPT_BOUNDS_S, "country")
    for value in values:
        family["GB"].observe(value)
    (metric,) = family.collect()
    for sample in metric.samples:
        if sample.name == "x_seconds_bucket":
            assert sample.value == sum(value <= float(sample.labels["le"]) for value in values)
        elif sample.name == "x_seconds_count":
            assert sample.value == len(values)
        else:
            assert sample.value == pytest.approx(sum(values))


@given(st.floats(0, 20), st.integers(0, 1000))
def test_many_at_once_are_as_many_one_by_one(value: float, n: int) -> None:
    """A batch with one value gives the same buckets."""
    batch, single = Histogram(ACCEPT_BOUNDS_S), Histogram(ACCEPT_BOUNDS_S)
    batch.observe_many(value, n)
    for _ in range(n):
        single.observe(value)
    assert batch.counts == single.counts
    assert batch.count == n
    assert batch.total == pytest.approx(single.total)


def test_every_name_follows_the_house_rule() -> None:
    """smsagg_<subsystem>_<noun>…, and _total on counters alone."""
    metrics = Metrics("1.2.3")
    for family in parse_text(metrics.render()[0].decode()):
        if family.name.startswith("smsagg_"):
            assert family.documentation.endswith(".")
            assert len(family.name.split("_")) >= 3
    names = [line.split()[2:] for line in metrics.render()[0].decode().splitlines() if line.startswith("# TYPE smsagg")]
    assert all(name.endswith("_total") == (kind == "counter") for name, kind in names)
    assert len({name for name, _ in names}) == len(names)


def test_the_operators_page_explains_every_metric() -> None:
    """docs/operations.md has a row for each family, in the words of its help text."""
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for line in Metrics("1.2.3").render()[0].decode().splitlines():
        _, kind, name, *documentation = line.split(maxsplit=3) if line.startswith("# ") else ("", "", "", "")
        if kind == "HELP" and name.startswith("smsagg_"):
            assert f"| `{name}` |" in page
            assert documentation[0] in page


def test_openmetrics_is_given_to_who_asks_for_it() -> None:
    """The exposition parses under the strict grammar, and the content type says so."""
    metrics = Metrics("1.2.3")
    metrics.accept_latency["GB"].observe(0.003)
    metrics.accepted["acme", 'quote " newline \n'].n += 1
    metrics.refresh()
    body, content_type = metrics.render("application/openmetrics-text; version=1.0.0,text/plain;q=0.5")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert any(family.name == "smsagg_messages_accept_latency_seconds" for family in parse_openmetrics(body.decode()))
    assert metrics.render("")[1].startswith("text/plain; version=0.0.4")


def test_a_scrape_reads_while_others_count() -> None:
    """Rendering in another thread bears families that grow, and never sees a bucket above the one after it."""
    metrics = Metrics("1.2.3")
    failures: list[BaseException] = []
    done = threading.Event()

    def scrape() -> None:
        try:
            while not done.is_set():
                for family in parse_text(metrics.render()[0].decode()):
                    if family.name == "smsagg_messages_accept_latency_seconds":
                        check_cumulative([s.value for s in family.samples if s.name.endswith("_bucket")])
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    thread = threading.Thread(target=scrape)
    thread.start()
    for i in range(20_000):
        metrics.accepted[f"a{i}", "GB"].n += 1
        metrics.accept_latency["GB"].observe(i % 12)
    done.set()
    thread.join()
    assert failures == []


def check_cumulative(values: list[float]) -> None:
    assert values == sorted(values)
