"""Bundles in a ready queue against a plain model."""

from hypothesis import given
from hypothesis import strategies as st
from queued_messages import message

from smsagg.model import Message
from smsagg.queueing import Bundles, ReadyQueue


def bundle_of(*seqs: int) -> list[Message]:
    return [message(seq) for seq in seqs]


def test_a_bundle_takes_one_turn_and_all_of_its_room() -> None:
    """It is taken as a whole where its first part stands, between messages that stand alone."""
    ready = ReadyQueue(5)
    bundles = Bundles(ready)
    single, bundle = message(1), bundle_of(2, 3, 4)
    assert ready.push(single)
    assert bundles.push(bundle)
    assert bundles.extra == 2
    assert not bundles.push(bundle_of(5, 6))
    assert bundles.push(bundle_of(7))
    assert bundles.take(ready.take(2)) == ([single], [bundle])
    assert bundles.extra == 0
    assert bundles
    assert [b[0].seq for b in bundles.take(ready.take(9))[1]] == [7]
    assert not bundles


@given(st.data())
def test_removing_parts_leaves_the_others_together(data: st.DataObject) -> None:
    """Whichever are removed, in whatever order: the rest comes as one bundle, in order, and nothing is left over."""
    ready = ReadyQueue(100)
    bundles = Bundles(ready)
    whole = [bundle_of(*range(10 * n, 10 * n + data.draw(st.integers(1, 4)))) for n in range(1, 4)]
    for bundle in whole:
        assert bundles.push(list(bundle))
    removed = data.draw(st.lists(st.sampled_from([part for bundle in whole for part in bundle]), unique=True))
    for part in removed:
        assert bundles.remove(part)
        assert not bundles.remove(part)
    expected = [[part for part in bundle if part not in removed] for bundle in whole]
    expected = [bundle for bundle in expected if bundle]
    assert len(ready) == len(expected)
    assert bundles.extra == sum(len(bundle) - 1 for bundle in expected)
    alone, taken = bundles.take(ready.take(100))
    assert alone == []
    assert sorted(taken, key=lambda bundle: bundle[0].seq) == expected
    assert bundles.extra == 0


def test_what_comes_back_goes_to_the_front() -> None:
    """And is never refused."""
    ready = ReadyQueue(1)
    bundles = Bundles(ready)
    ready.push(message(1))
    back = bundle_of(2, 3)
    ready.push_front([bundles.note_front(back)])
    assert bundles.take(ready.take(1)) == ([], [back])
