"""Random lives of long messages from handsets: parts in any order, twice, lost links, crashes, a slow store."""

from collections import Counter
from random import Random

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import Duration, MoRouteSettings, MoSettings
from smsagg.smpp.concatenation import UDHI, Concatenation, read_user_data, write_user_data
from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import Reported
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway
from smsagg.testing.sink import FakeSink

CONFIG = make_config(
    accounts={"acme": account_settings("acme", reassemble=True), "other": account_settings("other")},
    mo_routes=(MoRouteSettings("acme", "1"), MoRouteSettings("other", "1", "vote"), MoRouteSettings("other", "2")),
    mo=MoSettings(parts_max=12, reassembly_timeout=Duration(60)),
)
Part = tuple[int, int]
"""Message and number: the text of a part says both."""


class HandsetWorld:
    """Messages of two to four parts to numbers whose accounts want wholes, keywords, or parts."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.tables, self.clock = Tables(), FakeClock()
        self.total = {message: self.rng.randint(2, 4) for message in range(25)}
        self.unanswered: list[Part] = [(m, n) for m, total in self.total.items() for n in range(1, total + 1)]
        self.sent: list[tuple[Part, Reported]] = []
        self.times_sent: Counter[Part] = Counter()
        self.received: Counter[Part] = Counter()
        self.seen: set[int] = set()
        """Deliveries that came; the store repeats those whose acknowledgement a crash took."""

    async def live(self) -> None:
        while self.unanswered or self.sent:
            store = MemoryStore(self.tables)
            async with run_gateway(CONFIG, store, self.clock) as gateway:
                sinks = [gateway.attach(name) for name in CONFIG.accounts]
                for _ in range(self.rng.randint(3, 12)):
                    await self._step(gateway, store)
                store.release()
                if self.rng.random() < 0.5:
                    await gateway.settle()
                self._settle_answers()
                self._note_received(sinks)
        async with run_gateway(CONFIG, MemoryStore(self.tables), self.clock) as gateway:
            sinks = [gateway.attach(name) for name in CONFIG.accounts]
            await trio.sleep(70)
            await gateway.settle()
            self._note_received(sinks)

    async def _step(self, gateway: FakeGateway, store: MemoryStore) -> None:
        match self.rng.randrange(8):
            case 0:
                store.hold()
            case 1:
                store.release()
            case 2:
                await trio.sleep(self.rng.choice((1, 70)))
            case _:
                for part in self.rng.sample(self.unanswered, min(len(self.unanswered), 4)):
                    self._send(gateway, part)
        await wait_all_tasks_blocked()

    def _send(self, gateway: FakeGateway, part: Part) -> None:
        message, number = part
        text = b"%b %d %d" % (b"vote" if message % 3 == 0 and number == 1 else b"x", message, number)
        body = write_user_data(Concatenation(message, self.total[message], number, False), b"", text + b";")
        reported = gateway.carrier.mo("12"[message % 2], body, esm_class=UDHI)
        self.sent.append((part, reported))
        self.times_sent[part] += 1

    def _settle_answers(self) -> None:
        """The link ends with the life: what was not answered by then comes again."""
        answered = {part for part, reported in self.sent if reported.statuses == [ESME_ROK]}
        assert all(reported.statuses in ([], [ESME_ROK]) for _, reported in self.sent)
        self.unanswered = [part for part in self.unanswered if part not in answered]
        self.sent.clear()

    def _note_received(self, sinks: list[FakeSink]) -> None:
        for account, sink in zip(CONFIG.accounts, sinks, strict=True):
            for delivery in sink.received:
                body = delivery.body
                if delivery.delivery_id in self.seen:
                    continue
                self.seen.add(delivery.delivery_id)
                if delivery.esm_class & UDHI:
                    user_data = read_user_data(body)
                    assert user_data is not None
                    body = user_data.text
                else:
                    assert account == "acme", "nobody else wants wholes"
                parts = [tuple(map(int, text.split()[1:])) for text in body.split(b";") if text]
                assert [number for _, number in parts] == sorted(number for _, number in parts)
                assert len({message for message, _ in parts}) == 1, "two messages in one"
                self.received.update((message, number) for message, number in parts)


@pytest.mark.parametrize("seed", range(16))
async def test_whatever_happens_no_part_is_lost(seed: int) -> None:
    """Every part that was answered reaches an account, and none more often than it was sent."""
    world = HandsetWorld(seed)
    await world.live()
    assert set(world.received) == set(world.times_sent)
    assert all(count <= world.times_sent[part] for part, count in world.received.items())
