"""The correlation table, by example and against a list."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from receipt_messages import message

from smsagg.model import CarrierReceipt, Message, MessageState
from smsagg.receipts.correlator import Correlator
from smsagg.receipts.recent import RecentIds


def awaiting(seq: int, carrier: str, carrier_message_id: str) -> Message:
    return message(seq, carrier=carrier, carrier_message_id=carrier_message_id, state=MessageState.ENROUTE)


def receipt(carrier_message_id: str, state: MessageState = MessageState.DELIVERED) -> CarrierReceipt:
    return CarrierReceipt(carrier_message_id, state, 0, 0)


def test_two_carriers_with_the_same_id() -> None:
    """Neither's receipt ends the other's message."""
    correlator = Correlator(10, 10)
    ours, theirs = awaiting(1, "a", "77"), awaiting(2, "b", "77")
    correlator.add(ours)
    correlator.add(theirs)
    assert correlator.find("a", "77") is ours
    assert correlator.find("b", "77") is theirs
    assert correlator.find("c", "77") is None
    assert correlator.collisions == 0


def test_an_id_given_twice() -> None:
    """Both are kept; the newest is found, and the older one once that has ended."""
    correlator = Correlator(10, 10)
    older, newer = awaiting(1, "a", "77"), awaiting(2, "a", "77")
    correlator.add(older)
    correlator.add(newer)
    assert (len(correlator), correlator.collisions) == (2, 1)
    assert correlator.find("a", "77") is newer
    assert correlator.remove(newer)
    assert correlator.find("a", "77") is older
    assert correlator.remove(older)
    assert not correlator.remove(older)
    assert len(correlator) == 0


def test_adding_a_message_twice_changes_nothing() -> None:
    """A late response may name it again."""
    correlator = Correlator(10, 10)
    once = awaiting(1, "a", "77")
    assert correlator.add(once) == correlator.add(once) == []
    assert (len(correlator), correlator.collisions) == (1, 0)


def test_the_oldest_leave_at_the_bound() -> None:
    """They are returned, for the store to answer for."""
    correlator = Correlator(2, 10)
    first, second, third = (awaiting(seq, "a", str(seq)) for seq in (1, 2, 3))
    assert correlator.add(first) == []
    assert correlator.add(second) == []
    assert correlator.add(third) == [first]
    assert correlator.find("a", "1") is None
    assert not correlator.remove(first)
    assert len(correlator) == 2


def test_early_receipts_wait_for_their_message() -> None:
    """In the order in which they came, each taken once."""
    correlator = Correlator(10, 3)
    enroute, final, other = receipt("77", MessageState.ENROUTE), receipt("77"), receipt("78")
    for early in (enroute, final, other):
        assert correlator.park("a", early, now=100)
    assert not correlator.park("a", receipt("79"), now=100)
    assert correlator.take_early("b", "77") == []
    assert correlator.take_early("a", "77") == [enroute, final]
    assert correlator.take_early("a", "77") == []
    assert correlator.early_count == 1
    assert correlator.park("a", receipt("79"), now=100)


def test_early_receipts_whose_message_never_comes_are_given_up() -> None:
    """The oldest first, with their carrier's name."""
    correlator = Correlator(10, 10)
    old, older, young = receipt("1"), receipt("2"), receipt("3")
    correlator.park("a", older, now=100)
    correlator.park("b", old, now=200)
    correlator.park("a", young, now=300)
    assert correlator.expire_early(parked_before=300) == [("a", older), ("b", old)]
    assert correlator.early_count == 1
    assert correlator.take_early("a", "3") == [young]


class CorrelatorAgainstModel(RuleBasedStateMachine):
    """The model: everything that awaits, oldest first, searched from the end."""

    def __init__(self) -> None:
        super().__init__()
        self.correlator = Correlator(8, 4)
        self.model: list[Message] = []
        self.seq = 0

    @rule(carrier=st.sampled_from("ab"), carrier_message_id=st.sampled_from(["1", "2", "3", "4", "5"]))
    def add(self, carrier: str, carrier_message_id: str) -> None:
        self.seq += 1
        new = awaiting(self.seq, carrier, carrier_message_id)
        evicted = self.correlator.add(new)
        self.model.append(new)
        assert new not in evicted
        for m in evicted:
            self.model.remove(m)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.model:
            m = data.draw(st.sampled_from(self.model))
            assert self.correlator.remove(m)
            assert not self.correlator.remove(m)
            self.model.remove(m)

    @invariant()
    def agrees(self) -> None:
        assert len(self.correlator) == len(self.model) <= 8
        for carrier in "ab":
            for carrier_message_id in ("1", "2", "3", "4", "5"):
                mine = [m for m in self.model if (m.carrier, m.carrier_message_id) == (carrier, carrier_message_id)]
                assert self.correlator.find(carrier, carrier_message_id) is (mine[-1] if mine else None)


CorrelatorAgainstModel.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestCorrelatorAgainstModel = CorrelatorAgainstModel.TestCase


@given(st.lists(st.integers(0, 60), max_size=300), st.integers(2, 20))
def test_recent_ids_remember_the_latest_and_no_more_than_their_bound(ids: list[int], ids_max: int) -> None:
    """At least the latest half of the bound is known, at most the bound."""
    recent = RecentIds(ids_max)
    for number in ids:
        recent.add("a", str(number))
        assert ("a", str(number)) in recent
        assert ("b", str(number)) not in recent
        assert len(recent) <= ids_max + 1
    latest = list(dict.fromkeys(reversed(ids)))[: ids_max // 2]
    assert all(("a", str(number)) in recent for number in latest)
