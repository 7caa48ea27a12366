"""Who is left alone, and until when: against a plain dict."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from smsagg.engine.sending.blocked import ASK_AGAIN_S, Blocked

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 5), st.sampled_from([0.1, 0.5, 3.0, inf])),
        st.tuples(st.just("release"), st.integers(0, 5), st.just(0.0)),
        st.tuples(st.just("wait"), st.just(0), st.floats(0.0, 1.5)),
    ),
    max_size=100,
)


@given(steps=STEPS)
def test_it_is_a_dict_of_instants(steps: list[tuple[str, int, float]]) -> None:
    """Each member is due at its latest instant, a second at most from when it was added, and once."""
    blocked, model, now = Blocked(), dict[int, float](), 100.0
    for step, index, seconds in steps:
        if step == "add":
            blocked.add(index, now + seconds, now)
            model[index] = min(now + seconds, now + ASK_AGAIN_S)
        elif step == "release":
            assert blocked.release(index) == (model.pop(index, None) is not None)
        else:
            now += seconds
            due = {index for index, until in model.items() if until <= now}
            assert sorted(blocked.take_due(now)) == sorted(due)
            for index in due:
                del model[index]
        assert len(blocked) == len(model)
        assert blocked.next_at() == min(model.values(), default=inf)


def test_memory_stays_with_those_blocked() -> None:
    """However often the same few come and go."""
    blocked = Blocked()
    for round_ in range(10_000):
        blocked.add(round_ % 3, inf, float(round_ % 7))
        blocked.release((round_ + 1) % 3)
    assert len(blocked._heap) <= 4 * 3 + 8
