"""L4: memory, files, threads, tasks and the WAL have caps, and come back to where they were."""

from collections.abc import Iterable, Sequence

from tools.chaos.checker.index import Index
from tools.chaos.checker.verdict import Violation
from tools.chaos.history import Sample

L4 = "L4 footprint"
CAPS = {"rss_octets": 400 << 20, "fds": 200, "threads": 64, "wal_octets": 128 << 20, "tasks": 1_000}
RETURNS = {"fds": (1.0, 40), "threads": (1.0, 8), "tasks": (1.0, 20), "rss_octets": (2.0, 64 << 20)}
"""The last sample is at most so many times what the first ones of the load were, and so much more: connections to
endpoints are kept for half a minute, sixteen to each."""
FIRST = 5
"""Samples from which the load's own need is taken: links and sessions come one by one."""


def stays_within_bounds(index: Index) -> Iterable[Violation]:
    """L4: no sample above a cap; the last one, with nothing left to do, near the first."""
    samples = index.history.samples
    for name, cap in CAPS.items():
        most = max((getattr(sample, name) for sample in samples), default=0)
        if most > cap:
            yield Violation(L4, name, f"reached {most:,}, at most {cap:,}")
    loaded = _bound(samples)
    if len(loaded) <= FIRST or not index.history.is_drained:
        return
    for name, (factor, slack) in RETURNS.items():
        first, last = max(getattr(sample, name) for sample in loaded[:FIRST]), getattr(loaded[-1], name)
        if last > factor * first + slack:
            yield Violation(L4, name, f"was {first:,} when the load began, and is {last:,} after it")


def _bound(samples: Sequence[Sample]) -> list[Sample]:
    """Those of when every ESME was connected."""
    most = max((sample.connections for sample in samples), default=0)
    return [sample for sample in samples if most and sample.connections >= most - 1]
