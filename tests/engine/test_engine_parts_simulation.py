"""Random lives with messages of several parts: each part ends once and the customer hears what its policy says."""

from collections.abc import Sequence
from random import Random

import attrs
import pytest
import trio
from engine_bounds import ACCOUNTS, LIVE_MAX, TIGHT
from engine_world import STEPS, World
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from smsagg.config.schema import PART_RECEIPTS, Config, Duration, LongMessageSettings
from smsagg.smpp.concatenation import UDHI, Concatenation, sar_tlvs, write_user_data
from smsagg.smpp.tlv import encode_tlvs
from smsagg.testing.gateway import account_settings

FORMS = ("udh", "sar", "payload", "as_is")


def config_of(rng: Random) -> Config:
    """The tight configuration, each carrier with a form of its own, each account with its policies."""
    accounts = {
        name: account_settings(
            name,
            queue_max=60,
            deliveries_in_memory_max=3,
            message_class=TIGHT.accounts[name].message_class,
            long_receipts=rng.choice(PART_RECEIPTS),
            part_receipts=rng.choice(PART_RECEIPTS),
        )
        for name in ACCOUNTS
    }
    carriers = {
        name: attrs.evolve(carrier, settings=attrs.evolve(carrier.settings, long_messages=rng.choice(FORMS)))
        for name, carrier in TIGHT.carriers.items()
    }
    long_messages = LongMessageSettings(
        parts_wait=Duration(1.0), parts_waiting_max=6, siblings_window=Duration(15.0), open_groups_max=4
    )
    pools = {name: attrs.evolve(pool, queue_max=pool.queue_max + 3) for name, pool in TIGHT.pools.items()}
    return attrs.evolve(TIGHT, accounts=accounts, carriers=carriers, pools=pools, long_messages=long_messages)


class PartsWorld(World):
    """Most of what is submitted there is long."""

    live_max = LIVE_MAX + 60

    async def _submit(self) -> None:
        rng = self.rng
        if rng.random() < 0.3:
            await super()._submit()
            return
        account = rng.choice(ACCOUNTS)
        fields = {
            "message_class": self.gateway.config.accounts[account].message_class,
            "pool": rng.choice(("gb", "vn")),
            "registered_delivery": rng.choice((0, 1, 1, 1, 2, 3, 0x11)),
            "delay_s": rng.choice((0, 0, 0, 5, 1_000)),
            "ttl_s": rng.choice((2, 20, 86_400, 86_400)),
        }
        if rng.random() < 0.5:
            self.submitted.append(self.gateway.submit(1, account, body=b"x" * rng.choice((300, 500)), **fields))
            return
        total, reference = rng.choice((2, 3)), rng.randrange(3)
        numbers = rng.sample(range(1, total + 1), rng.randint(1, total))
        for number in numbers:
            said = Concatenation(reference, total, number)
            form = (
                {"body": write_user_data(said, b"", b"text"), "esm_class": UDHI}
                if rng.random() < 0.7
                else {"body": b"text", "tlvs": encode_tlvs(sar_tlvs(said))}
            )
            self.submitted.append(self.gateway.submit(1, account, **fields, **form))
            if rng.random() < 0.2:
                await self._settle()

    async def _settle(self) -> None:
        await super()._settle()
        groups: dict[int, int] = {}
        for message in self.gateway.engine.core.live.values():
            assert (message.group is not None) == bool(message.group_seq)
            if message.group is not None:
                assert groups.setdefault(message.group_seq, id(message.group)) == id(message.group), "not shared"


def run(seed: int, steps: Sequence[int]) -> None:
    trio.run(PartsWorld(seed).live, steps, config_of(Random(seed)), clock=MockClock(autojump_threshold=0))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    database=None,
    phases=(Phase.generate,),  # as in the simulation without parts
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.integers(0, STEPS - 1), min_size=20, max_size=200))
def test_every_part_ends_once_and_the_whole_is_told_by_policy(seed: int, steps: list[int]) -> None:
    """Each accepted part reaches one final state that something explains, sends have reasons, groups end, and what the
    account hears is what its policy makes of the parts."""
    run(seed, steps)


@pytest.mark.parametrize("seed", range(3))
def test_a_long_life_of_many_parts(seed: int) -> None:
    """The same for two thousand steps."""
    rng = Random(seed)
    run(seed, [rng.randrange(STEPS) for _ in range(2_000)])
