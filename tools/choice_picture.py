"""Six hours in which the best carrier turns bad in three ways: what each policy gives to whom, and loses by that.

The whole engine runs in virtual time over carriers that this tool plays, with one message a second to one country.
Four carriers with different prices and habits; the best one swallows messages for an hour, later it reports everything
as delivered at once, at last it refuses half of what it is given. What counts as lost is what a carrier took while it
was bad and never brought to a handset.

``make choice-picture`` draws ``docs/choice.svg`` from the run under ``quality`` and prints a line for each policy.
"""

import argparse
import heapq
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import structlog
import trio
from attrs import define, field
from trio.testing import MockClock

from smsagg.config.schema import Config, Duration, PoolMember, ProbeSettings, StoreSettings
from smsagg.model import Accepted, Message, MessageState, Outcome, Refused
from smsagg.pricing import CardRow, Currencies, DestinationKind, RateCard
from smsagg.smpp.status import ESME_RSYSERR
from smsagg.tables import Tables
from smsagg.testing.carrier import FakeCarrier, FakeSettings
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, pool_settings, run_gateway

RUN_S = 21_600
BATCH_S = 5
PAUSES_S = (0.2, 0.8, 1, 1, 1, 1)
"""When receipts are brought after a batch."""
SLICE_S = 180
"""A column of the picture."""
DEAD = "447700900999"
COLOURS = {"mersey": "#3b6ea5", "tyne": "#d98c3f", "avon": "#6f9a5b", "clyde": "#9a6fa8"}


@define(frozen=True)
class Spell:
    """A carrier is bad from one second of the run to another."""

    carrier: str
    kind: str
    """``swallows``, ``lies`` or ``refuses``."""
    begins_s: float
    ends_s: float


SPELLS = (
    Spell("mersey", "swallows", 2_700, 6_300),
    Spell("mersey", "lies", 9_000, 12_600),
    Spell("mersey", "refuses", 15_300, 18_000),
)
HABITS = {"mersey": (0.97, 6.0), "tyne": (0.95, 8.0), "avon": (0.92, 9.0), "clyde": (0.85, 15.0)}
"""Share that it delivers, and the median of its receipts in seconds."""
PRICES = {"mersey": 21_000, "tyne": 19_000, "avon": 17_000, "clyde": 12_000}


@define(eq=False)
class Tally:
    """What came of a run."""

    by_slice: list[Counter[str]] = field(factory=list)
    taken: int = 0
    reached: int = 0
    lost: int = 0
    """Taken by a carrier in a bad spell that brings nothing, and never brought to a handset."""
    cost: int = 0


class World:
    """The carriers' side."""

    def __init__(self, gateway: FakeGateway, seed: int, spells: Sequence[Spell]) -> None:
        self.gateway = gateway
        self.rng = Random(seed)
        self.spells = spells
        self.tally = Tally()
        self._began_ms = gateway.clock.now_ms()
        self._receipts: list[tuple[int, int, str, str, MessageState]] = []
        self._last_id = 0
        for carrier in gateway.carriers.values():
            carrier.answer_with(self._answer_of(carrier))

    @property
    def elapsed_s(self) -> float:
        return (self.gateway.clock.now_ms() - self._began_ms) / 1000

    def report(self) -> None:
        """Bring the receipts that are due."""
        now, due = self.gateway.clock.now_ms(), list[tuple[str, str, MessageState]]()
        while self._receipts and self._receipts[0][0] <= now:
            _, _, carrier, given_id, state = heapq.heappop(self._receipts)
            due.append((carrier, given_id, state))
        for carrier in self.gateway.carriers.values():
            own = [(given_id, state) for name, given_id, state in due if name == carrier.name]
            if own:
                carrier.receipts(own)

    def _spell_of(self, carrier: str) -> str:
        at = self.elapsed_s
        return next((s.kind for s in self.spells if s.carrier == carrier and s.begins_s <= at < s.ends_s), "")

    def _answer_of(self, carrier: FakeCarrier) -> Callable[[Message], Outcome | None]:
        share, median_s = HABITS[carrier.name]

        def answer(message: Message) -> Outcome:
            spell, rng = self._spell_of(carrier.name), self.rng
            if spell == "refuses" and rng.random() < 0.5:
                return Refused(message, ESME_RSYSERR)
            self._last_id += 1
            given_id = f"{self._last_id}"
            is_reached = spell in ("", "refuses") and message.destination_addr != DEAD and rng.random() < share
            if message.account:  # else it is a probe
                self._count(carrier.name, is_reached, spell)
            if spell != "swallows":
                is_told_so = is_reached or spell == "lies"
                after_s = 0.1 if spell == "lies" else median_s * rng.lognormvariate(0, 0.5)
                state = MessageState.DELIVERED if is_told_so else MessageState.UNDELIVERABLE
                at = self.gateway.clock.now_ms() + int(after_s * 1000)
                heapq.heappush(self._receipts, (at, self._last_id, carrier.name, given_id, state))
            return Accepted(message, given_id)

        return answer

    def _count(self, carrier: str, is_reached: bool, spell: str) -> None:
        tally = self.tally
        place = int(self.elapsed_s // SLICE_S)
        while len(tally.by_slice) <= place:
            tally.by_slice.append(Counter())
        tally.by_slice[place][carrier] += 1
        tally.taken += 1
        tally.reached += is_reached
        tally.lost += spell in ("swallows", "lies")
        tally.cost += PRICES[carrier]


def config_of(policy: str) -> Config:
    """One pool of the four."""
    return make_config(
        carriers={name: carrier_settings(FakeSettings(window=1_000), circuit_failures=20) for name in HABITS},
        pools={
            "gb": pool_settings(
                *[PoolMember(name, rank=rank) for rank, name in enumerate(HABITS)], policy=policy, countries=("GB",)
            )
        },
        probes=(ProbeSettings(pool="gb", number=DEAD, expected="undeliverable", every=Duration(600)),),
        store=StoreSettings(history_ttl=Duration(60)),
    )


async def live(policy: str, seed: int, run_s: float, per_s: float, spells: Sequence[Spell]) -> Tally:
    """The run under ``policy``."""
    cards = {
        name: RateCard([CardRow(DestinationKind.COUNTRY, "GB", unit, "EUR")], Currencies())
        for name, unit in PRICES.items()
    }
    async with run_gateway(config_of(policy), seed=seed, tables=Tables(cards=cards)) as gateway:
        world = World(gateway, seed, spells)
        while world.elapsed_s < run_s:
            gateway.submit(int(BATCH_S * per_s))
            for pause_s in PAUSES_S:
                await trio.sleep(pause_s)
                world.report()
        return world.tally


def run(
    policy: str, seed: int = 1, run_s: float = RUN_S, per_s: float = 1.0, spells: Sequence[Spell] = SPELLS
) -> Tally:
    """The same, in virtual time."""
    return trio.run(live, policy, seed, run_s, per_s, spells, clock=MockClock(autojump_threshold=0))


# --- the picture ---

WIDTH, HEIGHT, LEFT, TOP = 820, 300, 48, 44


def draw(tally: Tally) -> str:
    """Shares of the carriers over time, one above the other, and the bad spells."""
    return "\n".join(_lines(tally)) + "\n"


def _lines(tally: Tally) -> Iterator[str]:
    plot_w, plot_h = WIDTH - LEFT - 16, HEIGHT - TOP - 60
    columns = tally.by_slice[: RUN_S // SLICE_S]
    step = plot_w / len(columns)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12" fill="#333">'
    )
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    yield f'<text x="{LEFT}" y="18" font-size="14">Share of each carrier under policy = "quality"</text>'
    below = [0.0] * len(columns)
    for name, colour in COLOURS.items():
        shares = [column[name] / max(sum(column.values()), 1) for column in columns]
        above = [low + share for low, share in zip(below, shares, strict=True)]
        path = [*_edge(above, step, plot_h), *reversed(list(_edge(below, step, plot_h)))]
        yield f'<polygon points="{" ".join(path)}" fill="{colour}"/>'
        below = above
    for spell in SPELLS:
        x, width = LEFT + spell.begins_s / RUN_S * plot_w, (spell.ends_s - spell.begins_s) / RUN_S * plot_w
        yield (
            f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{plot_h}" fill="none" stroke="#222" '
            'stroke-dasharray="4 3"/>'
        )
        yield f'<text x="{x + 4:.1f}" y="{TOP - 6}">{spell.carrier} {spell.kind}</text>'
    for hour in range(RUN_S // 3600 + 1):
        x = LEFT + hour * 3600 / RUN_S * plot_w
        yield f'<text x="{x:.1f}" y="{TOP + plot_h + 16}" text-anchor="middle">{hour} h</text>'
    for percent in (0, 50, 100):
        y = TOP + plot_h * (1 - percent / 100) + 4
        yield f'<text x="{LEFT - 6}" y="{y:.1f}" text-anchor="end">{percent} %</text>'
    for place, (name, colour) in enumerate(COLOURS.items()):
        x, y = LEFT + place * 120, HEIGHT - 16
        share, median_s = HABITS[name]
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="{y}">{name} {share:.0%}, {median_s:g} s</text>'
    yield "</svg>"


def _edge(heights: list[float], step: float, plot_h: float) -> Iterator[str]:
    for place, height in enumerate(heights):
        y = TOP + plot_h * (1 - height)
        yield f"{LEFT + place * step:.1f},{y:.1f}"
        yield f"{LEFT + (place + 1) * step:.1f},{y:.1f}"


def main() -> None:
    """Run it under each policy; draw the one under quality."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--svg", type=Path, default=Path("docs/choice.svg"))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(f"{'policy':<12}{'reached':>9}{'lost':>8}{'cost each':>11}")
    for policy in ("quality", "combined", "least_cost", "priority"):
        tally = run(policy, arguments.seed)
        reached, lost = tally.reached / tally.taken, tally.lost / tally.taken
        print(f"{policy:<12}{reached:>9.2%}{lost:>8.2%}{tally.cost / tally.taken / 1e6:>11.4f}", flush=True)
        if policy == "quality":
            arguments.svg.write_text(draw(tally))


if __name__ == "__main__":
    main()
