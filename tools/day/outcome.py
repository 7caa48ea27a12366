"""What a day came to: by the truth of its carriers, not by what they reported."""

from attrs import define

from tools.day.run import Day, MessageState
from tools.day.scenario import FAILURES, HOUR_S, SUPPLIERS, price_of


@define(frozen=True)
class Figures:
    """One day in numbers."""

    way: str
    messages: int
    delivered: float
    """Share of the messages that reached their handset."""
    told: float
    """Share that the customers were told of as delivered."""
    cost: float
    """For all that carriers took, probes included, in the base currency."""
    probes: int
    p50_s: float
    """From acceptance to the final state."""
    p99_s: float
    lost_to_bad: float
    """Share of the day's messages that the carrier with the false receipts took then and did not deliver."""
    outage_wait_s: float
    """Longest time from acceptance until a carrier had it, of the failed carrier's country during its outage."""
    shares: dict[str, list[float]]
    """By carrier: the messages that it took in each hour."""

    @property
    def cost_of_delivered(self) -> float:
        """Of one message that was delivered."""
        return self.cost / (self.delivered * self.messages)


def figures_of(day: Day) -> Figures:
    """The day's figures; every accepted message must have ended."""
    assert not day.unfinished, f"{day.unfinished} messages never ended"
    assert not day.refused, f"{day.refused} messages were refused"
    ours = {message.seq: message for message in day.history if message.account in ("shop", "bank", "fleet")}
    began_at = min(message.accepted_at for message in day.history) - day.submits[0].at_s * 1000
    reached: set[int] = set()
    first_taken: dict[int, float] = {}
    cost, lost, probes = 0.0, 0, 0
    shares: dict[str, list[float]] = {}
    for name, taken in day.taken.items():
        by_hour = shares.setdefault(name, [0.0] * 25)
        for one in taken:
            cost += price_of(one.country, name, one.operator, one.at_s / HOUR_S)
            if one.seq not in ours:
                probes += 1
                continue
            by_hour[min(int(one.at_s / HOUR_S), 24)] += 1
            first_taken[one.seq] = min(first_taken.get(one.seq, one.at_s), one.at_s)
            if one.is_delivered:
                reached.add(one.seq)
            lost += one.is_told_falsely and not one.is_delivered
    waits = sorted(message.done_at - message.accepted_at for message in ours.values())
    told = sum(message.state is MessageState.DELIVERED for message in ours.values())
    outage = next(failure for failure in FAILURES if failure.kind == "outage")
    country = next(iter(SUPPLIERS[outage.carrier].offers))
    outage_waits = [
        first_taken[seq] - (message.accepted_at - began_at) / 1000
        for seq, message in ours.items()
        if message.country == country
        and seq in first_taken
        and outage.is_on((message.accepted_at - began_at) / 1000 / HOUR_S)
    ]
    count = len(day.submits)
    return Figures(
        way=day.way.name,
        messages=count,
        delivered=len(reached) / count,
        told=told / count,
        cost=cost,
        probes=probes,
        p50_s=waits[len(waits) // 2] / 1000,
        p99_s=waits[len(waits) * 99 // 100] / 1000,
        lost_to_bad=lost / count,
        outage_wait_s=max(outage_waits),
        shares=shares,
    )
