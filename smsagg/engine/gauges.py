"""Levels that Prometheus asks for at each scrape: queues, links, circuits, deliveries, the store."""

from collections.abc import Callable

from smsagg.carriers.base import Link
from smsagg.engine.engine import Engine
from smsagg.engine.health.health_gauges import add_health_sources
from smsagg.engine.numbers.number_gauges import add_number_sources
from smsagg.model.consent import ConsentKind
from smsagg.observe.metrics import Metrics
from smsagg.pricing.purse import UNLIMITED
from smsagg.store.base import Store


def add_engine_sources(metrics: Metrics, engine: Engine, store: Store) -> None:
    """Have ``metrics`` ask the engine and its store."""
    core, waiting, statistics = engine.core, engine.waiting, store.statistics
    pools, carriers = core.pools, core.carriers

    def by_link(value: Callable[[Link], float]) -> Callable[[], dict[tuple[str, ...], float]]:
        def told() -> dict[tuple[str, ...], float]:
            links = (link for carrier in carriers.values() for link in carrier.links)
            return {(state.carrier.name, state.link.name): value(state.link) for state in links}

        return told

    def queue_depth() -> dict[tuple[str, ...], float]:
        depth: dict[tuple[str, ...], float] = {}
        for name, pool in pools.items():
            depth[name, "ready"] = len(pool.ready)
            depth[name, "all"] = pool.depth
        return depth

    def queue_age() -> dict[str, float]:
        now = core.clock.now_ms()
        return {
            name: (now - pool.ready.oldest_accepted_at()) / 1000 if len(pool.ready) else 0.0
            for name, pool in pools.items()
        }

    purses, book = engine.money.purses, engine.consents.book

    def limits_used() -> dict[tuple[str, ...], float]:
        return {
            (name, limit.kind.value, limit.scope): limit.used / limit.bound if limit.bound else 1.0
            for name, purse in purses.items()
            if purse.spending is not None
            for limit in purse.spending.limits
        }

    metrics.balance.add_source(lambda: {name: purse.balance for name, purse in purses.items()})
    metrics.reserved.add_source(lambda: {name: purse.reserved for name, purse in purses.items()})
    metrics.available.add_source(
        lambda: {name: p.available for name, p in purses.items() if p.is_billed and p.credit != UNLIMITED}
    )
    metrics.charged.add_source(lambda: {name: purse.charged for name, purse in purses.items()})
    metrics.limit_used.add_source(limits_used)
    metrics.queue_depth.add_source(queue_depth)
    metrics.queue_age.add_source(queue_age)
    metrics.account_queue_depth.add_source(lambda: {name: a.queued for name, a in core.accounts.items()})
    metrics.live.add_source(
        lambda: {"memory": len(core.live), "scheduled": len(waiting.scheduled), "assembly": len(waiting.assembly)}
    )
    metrics.link_bound.add_source(by_link(lambda link: float(link.is_bound)))
    metrics.link_window.add_source(by_link(lambda link: link.window))
    metrics.link_outstanding.add_source(by_link(lambda link: link.in_flight))
    add_health_sources(metrics, engine)
    add_number_sources(metrics, engine.numbers, core.clock)
    metrics.consent_records.add_source(
        lambda: {(kind.name.lower(), name): n for kind in ConsentKind for name, n in book.counts(kind).items()}
    )
    metrics.abuse_blocked_prefixes.add_source(engine.guard.blocked_prefixes)
    metrics.accounts_frozen.add_source(lambda: {"": len(core.frozen)})
    metrics.quality.add_source(lambda: {key: score.value for key, score in core.quality.scores().items()})
    metrics.quality_false.add_source(
        lambda: {key: 1.0 for key, score in core.quality.scores().items() if score.is_false}
    )
    metrics.parked_receipts.add_source(lambda: {"": engine.reports.correlator.early_count})
    metrics.receipt_dialects.add_source(engine.reports.learning.told)
    metrics.id_collisions.add_source(lambda: {"": engine.reports.correlator.collisions})
    metrics.mo_parts.add_source(lambda: {"": engine.handset.parts_waiting})
    metrics.deliveries_pending.add_source(engine.deliveries.pending)
    metrics.webhooks_disabled.add_source(engine.endpoint_desk.disabled)
    metrics.store_failing.add_source(lambda: {"": float(store.failing is not None)})
    metrics.store_wal_octets.add_source(lambda: {"": statistics.wal_octets})
    metrics.store_queued_changes.add_source(lambda: {"": statistics.queued_changes})
    metrics.store_commits.add_source(lambda: {"": statistics.commits})
    metrics.store_commit_failures.add_source(lambda: {"": statistics.commit_failures})
    metrics.store_rows.add_source(lambda: {"": statistics.rows_written})
