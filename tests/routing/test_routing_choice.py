"""Pool policies: who is next among those with room."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import PoolMember, PoolSettings
from smsagg.routing.choice import NONE, PoolPolicy, PriorityPolicy, WeightedPolicy, make_policy

AVAILABLE = st.lists(st.integers(0, 3), unique=True, max_size=4)
POLICIES = [PriorityPolicy, WeightedPolicy]


def members(*weights_and_ranks: tuple[int, int]) -> list[PoolMember]:
    return [PoolMember(f"c{i}", weight=w, rank=r) for i, (w, r) in enumerate(weights_and_ranks)]


def choose(policy: PoolPolicy, available: list[int], avoid: str = "") -> int:
    """Have exactly ``available`` with room and ask who is next."""
    for index in range(5):
        if index in available:
            policy.add(index)
        else:
            policy.remove(index)
    return policy.first(avoid)


def drive(policy: PoolPolicy, rounds: int, available: list[int], batch: int = 1) -> Counter[int]:
    """Messages by member after ``rounds`` batches."""
    shares: Counter[int] = Counter()
    for _ in range(rounds):
        index = choose(policy, available)
        policy.charge(index, batch)
        shares[index] += batch
    return shares


@pytest.mark.parametrize("policy", POLICIES)
@given(batches=st.lists(st.tuples(AVAILABLE, st.integers(0, 50), st.sampled_from(["", "c0", "c3"])), max_size=40))
def test_the_choice_is_always_one_of_those_with_room(
    policy: type[PriorityPolicy] | type[WeightedPolicy], batches: list[tuple[list[int], int, str]]
) -> None:
    """Whatever happened before; and the avoided carrier is taken only when it is alone."""
    chooser = policy(members((1, 0), (2, 0), (3, 1), (1, 2)))
    for available, count, avoid in batches:
        index = choose(chooser, available, avoid)
        if not available:
            assert index == NONE
            continue
        assert index in available
        if len(available) > 1:
            assert f"c{index}" != avoid
        chooser.charge(index, count)


def test_priority_takes_the_lowest_rank_with_room() -> None:
    """A higher rank is used only when all lower ones are full."""
    policy = PriorityPolicy(members((1, 5), (1, 0), (1, 9)))
    assert drive(policy, 10, [0, 1, 2]) == {1: 10}
    assert drive(policy, 10, [0, 2]) == {0: 10}
    assert drive(policy, 10, [2]) == {2: 10}


def test_equal_ranks_take_turns() -> None:
    """The member that was used longest ago is next, and empty batches are no use."""
    policy = PriorityPolicy(members((1, 0), (1, 0), (1, 0)))
    assert drive(policy, 9, [0, 1, 2]) == {0: 3, 1: 3, 2: 3}
    policy.charge(choose(policy, [0, 1, 2]), 0)
    assert drive(policy, 9, [0, 1, 2]) == {0: 3, 1: 3, 2: 3}


@given(
    weights=st.lists(st.integers(1, 20), min_size=1, max_size=5),
    sizes=st.lists(st.integers(1, 100), min_size=1, max_size=300),
)
def test_weighted_shares_stay_within_one_batch_of_the_weights(weights: list[int], sizes: list[int]) -> None:
    """After any batches every member's share is at most a few of the largest batch away from what it should be."""
    policy = WeightedPolicy(members(*((w, 0) for w in weights)))
    everyone = list(range(len(weights)))
    shares: Counter[int] = Counter()
    for size in sizes:
        index = choose(policy, everyone)
        policy.charge(index, size)
        shares[index] += size
    for i, weight in enumerate(weights):
        fair = sum(sizes) * weight / sum(weights)
        assert abs(shares[i] - fair) <= len(weights) * max(sizes)


def test_weighted_converges() -> None:
    """Three to one is three to one."""
    assert drive(WeightedPolicy(members((3, 0), (1, 0))), 4000, [0, 1]) == {0: 3000, 1: 1000}


def test_weighted_is_smooth() -> None:
    """Turns are spread, not lumped: nobody's share is sent in one run."""
    policy = WeightedPolicy(members((2, 0), (1, 0), (1, 0)))
    order = []
    for _ in range(8):
        order.append(choose(policy, [0, 1, 2]))
        policy.charge(order[-1], 1)
    assert Counter(order[:4]) == Counter(order[4:]) == {0: 2, 1: 1, 2: 1}
    assert all(order[i : i + 3].count(0) < 3 for i in range(6))


def test_who_was_away_gets_its_share_and_not_its_arrears() -> None:
    """An outage earns no credit."""
    policy = WeightedPolicy(members((1, 0), (1, 0)))
    drive(policy, 1000, [0])
    assert drive(policy, 100, [0, 1]) == {0: 50, 1: 50}


@pytest.mark.parametrize("policy", POLICIES)
@given(steps=st.lists(st.tuples(st.sampled_from(["add", "remove", "charge"]), st.integers(0, 3)), max_size=200))
def test_nobody_without_room_is_chosen_whatever_the_order_of_news(
    policy: type[PriorityPolicy] | type[WeightedPolicy], steps: list[tuple[str, int]]
) -> None:
    """News may repeat itself, and members are charged that were not first; the least used of the first rank is next."""
    chooser = policy(members((1, 0), (1, 0), (1, 0), (1, 0)))
    with_room: set[int] = set()
    for step, index in steps:
        if step == "charge":
            chooser.charge(index, 3)
        else:
            getattr(chooser, step)(index)
            (with_room.add if step == "add" else with_room.discard)(index)
        assert (chooser.first() in with_room) if with_room else (chooser.first() == NONE)
    for _ in with_room:
        assert chooser.first() in with_room
        chooser.remove(chooser.first())
    assert chooser.first() == NONE


def test_the_pool_names_its_policy() -> None:
    """``policy`` in the configuration decides."""
    pool = (PoolMember("c0"),)
    assert isinstance(make_policy(PoolSettings(carriers=pool)), PriorityPolicy)
    assert isinstance(make_policy(PoolSettings(carriers=pool, policy="weighted")), WeightedPolicy)
