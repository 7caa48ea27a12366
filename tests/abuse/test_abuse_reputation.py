"""Accounts whose messages do not arrive, or are not wanted, are found; others are not."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.abuse.reputation import Reputation

ENDS = st.lists(st.tuples(st.sampled_from(["delivered", "failed", "stop"]), st.integers(0, 600_000)), max_size=300)


@given(ENDS)
def test_a_finding_rests_on_enough_messages_and_on_more_than_its_share(ends: list[tuple[str, int]]) -> None:
    """And the next one on messages of its own."""
    reputation, now, over = Reputation(0.3, 0.05, 20), 0, 0
    for what, later in ends:
        now += later
        over += what != "stop"
        found = reputation.opted_out(now) if what == "stop" else reputation.ended(what == "delivered", now)
        if found is not None:
            assert over >= 20
            assert found > (0.05 if what == "stop" else 0.3)
            over = 0


def test_each_is_found() -> None:
    """With its share; what nobody asked for is not."""
    reputation = Reputation(0.3, None, 10)
    found = [reputation.ended(n % 2 == 0, 0) for n in range(20)]
    assert [one for one in found if one is not None] == [0.5, 0.5]
    assert all(reputation.opted_out(0) is None for _ in range(50))
    reputation = Reputation(None, 0.05, 100)
    assert all(reputation.ended(False, 0) is None for _ in range(100))
    assert [reputation.opted_out(0) for _ in range(6)] == [None] * 5 + [0.06]
