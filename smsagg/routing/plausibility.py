"""Whether a carrier's delivery receipts can be true, judged by when they come.

Theory of operation. A handset takes seconds to be found, to be paged, to answer; some are switched off. A carrier that
answers for handsets it never tried (a fake route) reports everything as delivered, and at once. So receipts are
doubted when nearly all of them (``SURE_SHARE``) say "delivered" *and* most of them come in less time than hardly any
honest one: less than ``FAST_SHARE`` of the carrier's own past reports, and less than that of its peers' in the same
country. Carriers that have always been fast, in a country where everybody is, are believed. Doubt is a reason to send
elsewhere and to probe, not a proof.
"""

from collections.abc import Iterable, Sequence

from smsagg.routing.experience import BINS
from smsagg.routing.tally import Tally

WINDOW = 25
"""Reports that are judged together."""
REFERENCE_MIN = 30.0
"""Reports of the past, or of peers, below which there is nothing to compare with."""
FAST_SHARE = 0.02
"""As fast as this share of honest reports is hardly ever."""
NEWCOMER_BINS = 1
"""A carrier without a past may be so many bins (each twice as fast as the next) faster than its peers."""
TOO_MANY_FAST = 0.5
"""Share of reports that fast from which they are doubted."""
SURE_SHARE = 0.99
LOWEST = 0.1
"""What is left of a carrier's score when all of its latest reports are as hardly any honest one."""


def plausibility(window: Tally, past: Tally, peers: Iterable[Tally]) -> float:
    """1 (nothing to doubt) down to :data:`LOWEST`, of the reports in ``window``; ``past`` are the carrier's before."""
    reports = sum(window.latencies)
    if not reports or window.delivered < SURE_SHARE * window.reported:
        return 1.0
    together = [sum(counts) for counts in zip(*(peer.latencies for peer in peers), strict=True)]
    has_past, has_peers = (sum(reference) >= REFERENCE_MIN for reference in (past.latencies, together))
    if has_past:
        bound = min(_fast_below(past.latencies), _fast_below(together) if has_peers else BINS)
    elif has_peers:
        bound = _fast_below(together) - NEWCOMER_BINS
    else:
        return 1.0
    fast = sum(window.latencies[: max(bound, 0)]) / reports
    if fast <= TOO_MANY_FAST:
        return 1.0
    doubt = (fast - TOO_MANY_FAST) / (1.0 - TOO_MANY_FAST)
    return 1.0 - doubt * (1.0 - LOWEST)


def _fast_below(latencies: Sequence[float]) -> int:
    """The first bin that more than :data:`FAST_SHARE` of these reports reach: those below are too fast."""
    left = sum(latencies) * FAST_SHARE
    for index, count in enumerate(latencies):
        left -= count
        if left < 0:
            return index
    return 0
