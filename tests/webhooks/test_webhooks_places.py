"""Requests share places fairly."""

from collections import Counter
from random import Random

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from smsagg.webhooks.places import Places

KEYS = [("acme", "acme/a"), ("acme", "acme/b"), ("other", "other/a")]
Asked = tuple[tuple[str, str], int, int, bool]
requests = st.tuples(st.sampled_from(KEYS), st.integers(0, 20), st.integers(1, 20), st.booleans())
"""Whose, when it comes, how long it lasts, and whether it is cancelled."""


async def test_whoever_is_quick_waits_for_one_place_only(autojump_clock: object) -> None:
    """However many slow requests stand before it."""
    places = Places(4, 4)
    waited: list[float] = []

    async def slow() -> None:
        async with places.one("acme", "acme/slow"):
            await trio.sleep(10)

    async def quick() -> None:
        began = trio.current_time()
        async with places.one("other", "other/quick"):
            waited.append(trio.current_time() - began)

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(slow)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(quick)
        await trio.sleep(11)
        assert waited == [10]
        nursery.cancel_scope.cancel()


async def test_an_account_has_no_more_than_its_share(autojump_clock: object) -> None:
    """Also while others need none: who comes then finds places free."""
    places = Places(10, 6)

    async def hold(account: str) -> None:
        async with places.one(account, f"{account}/a"):
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(hold, "acme")
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(1):
            for _ in range(4):
                nursery.start_soon(hold, "other")
            await trio.testing.wait_all_tasks_blocked()
        assert places._free == 0
        nursery.cancel_scope.cancel()


@given(
    total=st.integers(1, 4),
    share=st.integers(1, 4),
    asked=st.lists(
        st.tuples(st.sampled_from(KEYS), st.integers(0, 20), st.integers(1, 20), st.booleans()), max_size=25
    ),
    seed=st.integers(0, 9),
)
def test_no_place_is_given_twice_or_lost(total: int, share: int, asked: list[Asked], seed: int) -> None:
    """Whoever waits gets one in the end, whatever is cancelled meanwhile; then all are free again."""

    async def main() -> None:
        places, held, rng = Places(total, share), Counter[str](), Random(seed)
        served = 0

        async def ask(key: tuple[str, str], at: int, lasts: int, is_cancelled: bool) -> None:
            nonlocal served
            await trio.sleep(at)
            with trio.CancelScope(deadline=trio.current_time() + rng.randint(0, 20) if is_cancelled else float("inf")):
                async with places.one(*key):
                    held[key[0]] += 1
                    assert held.total() <= total
                    assert held[key[0]] <= share
                    try:
                        await trio.sleep(lasts)
                    finally:
                        held[key[0]] -= 1
                served += not is_cancelled

        with trio.fail_after(10_000):
            async with trio.open_nursery() as nursery:
                for one in asked:
                    nursery.start_soon(ask, *one)
        assert served == sum(not is_cancelled for *_, is_cancelled in asked)
        assert places._free == total
        assert not places._waiting
        assert not places._taken

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
