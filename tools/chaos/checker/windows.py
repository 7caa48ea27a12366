"""S16: windows and rates, at every instant, in both directions.

A peer counts what arrived and was not answered. The server counts at least as much when it writes, since no answer is
read before it is given; so a count here above the window is a violation there. What arrives within a second was sent
within it or stood in windows at its begin, so a peer's second holds a second's rate, the burst, and the windows.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tools.chaos.checker.index import Index
from tools.chaos.checker.verdict import Violation

S16 = "S16 window and rate"
BURST_SHARE = 0.1
BURST_MIN = 2.0
"""Of a link with a rate, as documented: a tenth of a second's worth, but at least these."""


def within_windows(index: Index) -> Iterable[Violation]:
    """S16: no peer ever has more requests to answer than its window. A response timer that fires frees a place."""
    rules = index.history.rules
    for submit in index.history.carrier_submits:
        if submit.unanswered > rules.link_window and not _timers_may_have_fired(index, submit.at):
            text = f"{submit.unanswered} of a link to {submit.carrier} were unanswered, at most {rules.link_window}"
            yield Violation(S16, submit.nonce, text)
    deliveries = [(each.at, each.unanswered, each.message_id) for each in index.history.client_receipts]
    deliveries += [(each.at, each.unanswered, each.text) for each in index.history.client_mo]
    for at, unanswered, subject in deliveries:
        if unanswered > rules.deliver_window and not _timers_may_have_fired(index, at):
            text = f"{unanswered} deliver_sm of a session were unanswered, at most {rules.deliver_window}"
            yield Violation(S16, subject, text)
    for sample in index.history.samples:
        for link, number in sample.outstanding.items():
            if number > rules.link_window:
                yield Violation(S16, link, f"{number} outstanding by /metrics, at most {rules.link_window}")


def within_rates(index: Index) -> Iterable[Violation]:
    """S16: what a carrier was promised and what an account may send, in every second."""
    rules = index.history.rules
    by_carrier: dict[str, list[float]] = defaultdict(list)
    for submit in index.history.carrier_submits:
        by_carrier[submit.carrier].append(submit.at)
    for carrier, rate_per_s in rules.link_rate_per_s.items():
        burst = max(BURST_SHARE * rate_per_s, BURST_MIN)
        allowed = rules.links * (rate_per_s + burst + rules.link_window)
        yield from _over_rate(index, carrier, by_carrier[carrier], allowed, rules.links * burst)
    by_account: dict[str, list[float]] = defaultdict(list)
    for acknowledged in index.acknowledged:
        by_account[acknowledged.account].append(acknowledged.answered_at)
    for account, (rate_per_s, burst, windows) in rules.account_rate.items():
        yield from _over_rate(index, account, by_account[account], rate_per_s + burst + windows, burst)


def _over_rate(
    index: Index, whose: str, instants: Sequence[float], allowed: float, burst: float
) -> Iterable[Violation]:
    """The first second with more than ``allowed``; each start of the server in it comes with a burst of its own."""
    times = sorted(instants)
    starts = sorted(start.began_at for start in index.history.starts)
    for place, at in enumerate(times):
        number = bisect_right(times, at + 1.0) - place
        if number <= allowed + 1:
            continue
        restarts = bisect_right(starts, at + 1.0) - bisect_right(starts, at - 1.0)
        if number > allowed + 1 + restarts * burst and not _timers_may_have_fired(index, at):
            yield Violation(S16, whose, f"{number} in a second, at most {allowed + restarts * burst:.0f}")
            return


def _timers_may_have_fired(index: Index, at: float) -> bool:
    """Whether somebody was held up so long before that a request may have timed out unread."""
    timeout_s = index.history.rules.response_timeout_s
    return index.longest_hold_s(at - 2 * timeout_s, at) >= 0.4 * timeout_s
