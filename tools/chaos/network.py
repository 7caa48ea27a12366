"""Faults of the network between customers and the server and between the server and its carriers.

Each strikes, lasts, and is healed before it returns. What the server owes whoever is cut off without being told is
timed: a half-open session is ended by its timers, and its client can bind again. What outlived its timer is noted in
:attr:`Network.overdue`.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from random import Random

import trio

from tools.chaos.bind import Bind
from tools.chaos.configuration import CARRIERS, ENQUIRE_LINK_INTERVAL_S, RESPONSE_TIMEOUT_S, WEB, Sizes
from tools.chaos.esme import Esme
from tools.chaos.history import Fault
from tools.chaos.proxy import Connection, Proxy, Road, Way
from tools.chaos.system import SystemFailed, until

ENDED_S = ENQUIRE_LINK_INTERVAL_S + RESPONSE_TIMEOUT_S + 2.0
"""A session whose peer is not there any more is ended within so long: the enquire_link, its timer, and some slack."""
BOUND_AGAIN_S = ENDED_S + 2.0
"""A client that lost its connection is bound again within so long, if the server knew of the loss or not."""
STRUCK_S = 30.0
"""There is somebody to strike within so long."""
LASTS_S = 3.0
MUTE_S = 4.0
SLOW_CLOSE_S = 3.0
ROADS: Mapping[str, Callable[[Random], Road]] = {
    "late": lambda rng: Road(latency_s=rng.uniform(0.1, 0.6)),
    "narrow": lambda rng: Road(octets_per_s=30_000),
    "sliced": lambda rng: Road(is_sliced=True),
}


class Network:
    """The proxies on all roads, and what can be done to them."""

    def __init__(
        self, front: Proxy, web: Proxy, carriers: Mapping[str, Proxy], esme: Esme, sizes: Sizes, rng: Random
    ) -> None:
        self._front = front
        self._web = web
        self._carriers = carriers
        self._esme = esme
        self._sizes = sizes
        self._rng = rng
        self.overdue: list[str] = []

    def kinds(self) -> dict[str, Callable[[], Awaitable[Fault]]]:
        """The faults by the names of the plan."""
        return {
            "cut_client": self._cut_client,
            "hole_client": self._hole_client,
            "slow_client": self._slow_client,
            "slow_close_client": self._slow_close_client,
            "cut_web": self._cut_web,
            "hole_web": self._hole_web,
            "slow_web": self._slow_web,
            "cut_carrier": self._cut_carrier,
            "hole_carrier": self._hole_carrier,
            "mute_carrier": self._mute_carrier,
            "slow_carrier": self._slow_carrier,
        }

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve all roads until cancelled."""
        async with trio.open_nursery() as nursery:
            for proxy in self._proxies:
                await nursery.start(proxy.run)
            task_status.started()

    def heal(self) -> None:
        for proxy in self._proxies:
            proxy.heal()

    @property
    def _proxies(self) -> tuple[Proxy, ...]:
        return self._front, self._web, *self._carriers.values()

    # --- the ESME's road ---

    async def _cut_client(self) -> Fault:
        """One connection ends, abruptly or in order."""
        began_at, (bind, connection) = time.monotonic(), await self._any_client()
        how = self._cut([connection])
        await trio.sleep(0.1)
        return self._client_fault(how, bind, began_at, 0)

    async def _hole_client(self) -> Fault:
        """One connection swallows what is sent. Both ways: the client has lost its power, and rebinds at once."""
        began_at, (bind, connection) = time.monotonic(), await self._any_client()
        holes = self._rng.choice((Way.BOTH, Way.BOTH, Way.FORTH, Way.BACK))
        self._front.dig(holes, [connection])
        if holes is Way.BOTH:
            bind.drop()
        await self._expect_end("session of an ESME", connection.far_ended, holes)
        self._front.heal()
        await self._expect_bound(bind)
        return self._client_fault(_name_of(holes), bind, began_at, 1)

    async def _slow_client(self) -> Fault:
        """Nobody's timer may fire, and nothing is doubled."""
        began_at, kind = time.monotonic(), self._rng.choice(list(ROADS))
        self._front.road = ROADS[kind](self._rng)
        await trio.sleep(LASTS_S)
        self._front.heal()
        return Fault(kind, "esme", began_at, time.monotonic())

    async def _slow_close_client(self) -> Fault:
        """A client dies and the server is told late: its place is free for the next bind all the same."""
        began_at, (bind, _) = time.monotonic(), await self._any_client()
        self._front.road = Road(close_after_s=SLOW_CLOSE_S)
        bind.drop()
        await self._expect_bound(bind)
        self._front.heal()
        await trio.sleep(SLOW_CLOSE_S)
        return self._client_fault("closed late", bind, began_at, 0)

    async def _any_client(self) -> tuple[Bind, Connection]:
        """A bind that is bound, and its connection. Raises SystemFailed."""
        deadline_at = time.monotonic() + STRUCK_S
        while time.monotonic() < deadline_at:
            by_port = {connection.near_port: connection for connection in self._front.connections}
            bound = [bind for bind in self._esme.binds if bind.is_bound and bind.local_port in by_port]
            if bound:
                bind = self._rng.choice(bound)
                return bind, by_port[bind.local_port]
            await trio.sleep(0.05)
        raise SystemFailed(f"no client was bound in {STRUCK_S:.0f} s")

    async def _expect_bound(self, bind: Bind) -> None:
        with trio.move_on_after(BOUND_AGAIN_S):
            await until(lambda: bind.is_bound)
            return
        self.overdue.append(f"a client of {bind.account.name} was not bound again in {BOUND_AGAIN_S:.0f} s")

    def _client_fault(self, kind: str, bind: Bind, began_at: float, holes: int) -> Fault:
        """Receipts in the window come again; of a half-open session as often as their timer fires, and once more."""
        rounds = 1 + holes * (1 + math.floor((time.monotonic() - began_at) / RESPONSE_TIMEOUT_S))
        receipts_max = rounds * self._sizes.deliver_window
        return Fault(kind, "esme", began_at, time.monotonic(), 0, receipts_max, bind.account.name)

    # --- the application's road ---

    async def _cut_web(self) -> Fault:
        """All connections end, abruptly or in order, with calls under way; nothing is done twice for it."""
        began_at, how = time.monotonic(), self._cut(list(self._web.connections))
        await trio.sleep(0.1)
        return self._web_fault(how, began_at)

    async def _hole_web(self) -> Fault:
        """What is sent or answered is swallowed, and so is the end of who gives up waiting."""
        began_at, holes = time.monotonic(), self._rng.choice((Way.BOTH, Way.FORTH, Way.BACK))
        self._web.dig(holes, self._web.connections)
        await trio.sleep(LASTS_S)
        self._web.heal()
        return self._web_fault(_name_of(holes), began_at)

    async def _slow_web(self) -> Fault:
        began_at, kind = time.monotonic(), self._rng.choice(list(ROADS))
        self._web.road = ROADS[kind](self._rng)
        await trio.sleep(LASTS_S)
        self._web.heal()
        return self._web_fault(kind, began_at)

    @staticmethod
    def _web_fault(kind: str, began_at: float) -> Fault:
        return Fault(kind, "application", began_at, time.monotonic(), account=WEB)

    # --- a carrier's road ---

    async def _cut_carrier(self) -> Fault:
        """One link or all of them end, abruptly or in order."""
        began_at, (name, connections) = time.monotonic(), await self._any_links()
        how = self._cut(connections)
        await trio.sleep(0.1)
        copies_max = len(connections) * self._sizes.link_window
        return Fault(how, name, began_at, time.monotonic(), copies_max)

    async def _hole_carrier(self) -> Fault:
        """One link or all of them swallow what is sent; what is in doubt meanwhile goes elsewhere."""
        began_at, (name, connections) = time.monotonic(), await self._any_links()
        holes = self._rng.choice((Way.BOTH, Way.BOTH, Way.FORTH, Way.BACK))
        self._carriers[name].dig(holes, connections)
        for connection in connections:
            await self._expect_end(f"link to {name}", connection.near_ended, holes)
        self._carriers[name].heal()
        rounds = 2 + math.floor((time.monotonic() - began_at) / RESPONSE_TIMEOUT_S)
        copies_max = rounds * len(connections) * self._sizes.link_window
        return Fault(_name_of(holes), name, began_at, time.monotonic(), copies_max)

    async def _mute_carrier(self) -> Fault:
        """All links are cut, and whoever connects again gets no answer to its bind."""
        began_at, name = time.monotonic(), self._rng.choice(CARRIERS)
        proxy = self._carriers[name]
        proxy.road = Road(is_mute=True)
        self._cut(list(proxy.connections))
        await trio.sleep(MUTE_S)
        proxy.heal()
        return Fault("mute", name, began_at, time.monotonic(), self._sizes.carrier_window)

    async def _slow_carrier(self) -> Fault:
        """Nobody's timer may fire, and nothing is doubled."""
        began_at, name, kind = time.monotonic(), self._rng.choice(CARRIERS), self._rng.choice(list(ROADS))
        self._carriers[name].road = ROADS[kind](self._rng)
        await trio.sleep(LASTS_S)
        self._carriers[name].heal()
        return Fault(kind, name, began_at, time.monotonic())

    async def _any_links(self) -> tuple[str, list[Connection]]:
        """A carrier, and one or all of the connections to it. Raises SystemFailed."""
        deadline_at = time.monotonic() + STRUCK_S
        while time.monotonic() < deadline_at:
            name = self._rng.choice(CARRIERS)
            connections = [each for each in self._carriers[name].connections if each.far is not None]
            if connections:
                connections.sort(key=lambda connection: connection.near_port)
                return name, connections if self._rng.random() < 0.5 else [self._rng.choice(connections)]
            await trio.sleep(0.05)
        raise SystemFailed(f"no carrier was connected in {STRUCK_S:.0f} s")

    # --- both ---

    def _cut(self, connections: list[Connection]) -> str:
        is_reset = self._rng.random() < 0.5
        for connection in connections:
            if is_reset:
                connection.reset()
            else:
                connection.finish()
        return "reset" if is_reset else "closed"

    async def _expect_end(self, whose: str, ended: trio.Event, holes: Way) -> None:
        """Wait until the server ends its half. Deaf one way only it may hear of the peer, and need not."""
        with trio.move_on_after(ENDED_S):
            await ended.wait()
            return
        if holes is Way.BOTH:
            self.overdue.append(f"a half-open {whose} was not ended in {ENDED_S:.0f} s")


def _name_of(holes: Way) -> str:
    return {Way.BOTH: "half-open", Way.FORTH: "deaf forth", Way.BACK: "deaf back"}[holes]
