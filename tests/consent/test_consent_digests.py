"""The set of digests is a set, and small."""

import tracemalloc
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from smsagg.consent import DigestSet

DIGESTS = st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1), st.integers(2**64 - 3, 2**64 - 1))


@given(st.lists(st.tuples(st.booleans(), DIGESTS)))
def test_it_holds_what_a_set_holds(steps: list[tuple[bool, int]]) -> None:
    """Whatever is added and discarded, in whatever order."""
    digests, model = DigestSet(), set[int]()
    for adds, digest in steps:
        if adds:
            assert digests.add(digest) is (digest not in model)
            model.add(digest)
        else:
            assert digests.discard(digest) is (digest in model)
            model.discard(digest)
        assert (digest in digests) is (digest in model)
        assert len(digests) == len(model)
    assert all(digest in digests for digest in model)


def test_an_entry_takes_some_ten_octets() -> None:
    """What the documentation promises of memory."""
    rng, count = Random(1), 300_000
    tracemalloc.start()
    digests = DigestSet()
    for _ in range(count):
        digests.add(rng.getrandbits(64))
    octets = tracemalloc.get_traced_memory()[0] / count
    tracemalloc.stop()
    assert octets < 14, octets
