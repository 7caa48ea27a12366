"""The window against a simple model, and its edges (C03, C04, C10, A20)."""

from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smsagg.smpp.errors import WindowFull
from smsagg.smpp.window import MISSING, SEQUENCE_NUMBER_MAX, Window

SUBMIT, SUBMIT_RESP, OTHER_RESP, NACK = 0x4, 0x80000004, 0x80000005, 0x80000000
TIMEOUT = 10.0
MAX = 5


class WindowAgainstModel(RuleBasedStateMachine):
    """The model: a list of (number, context, departed at or None), oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(MAX, SEQUENCE_NUMBER_MAX - 3)
        self.model: list[list] = []
        self.late: dict[int, int] = {}
        self.now = 0.0
        self.context = 0

    @rule(seconds=st.floats(0, 6))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(count=st.integers(1, MAX + 1))
    def add_many(self, count: int) -> None:
        contexts = list(range(self.context, self.context + count))
        if count > MAX - len(self.model):
            with pytest.raises(WindowFull):
                self.window.add_many(SUBMIT, contexts, self.now)
            return
        self.context += count
        numbers = self.window.add_many(SUBMIT, contexts, self.now)
        self._added(numbers, contexts)

    @rule()
    def add(self) -> None:
        if len(self.model) == MAX:
            with pytest.raises(WindowFull):
                self.window.add(SUBMIT, self.context, self.now)
            return
        self._added([self.window.add(SUBMIT, self.context, self.now)], [self.context])
        self.context += 1

    def _added(self, numbers, contexts: list[int]) -> None:
        for number, context in zip(numbers, contexts, strict=True):
            assert 1 <= number <= SEQUENCE_NUMBER_MAX
            assert number not in [entry[0] for entry in self.model]
            assert number not in self.late
            self.model.append([number, context, None])

    @rule()
    def depart(self) -> None:
        self.window.departed(self.now)
        for entry in self.model:
            if entry[2] is None:
                entry[2] = self.now

    @precondition(lambda self: self.model)
    @rule(data=st.data(), response=st.sampled_from((SUBMIT_RESP, NACK)))
    def respond(self, data: st.DataObject, response: int) -> None:
        entry = data.draw(st.sampled_from(self.model))
        assert self.window.take(entry[0], OTHER_RESP) is MISSING
        assert self.window.take(entry[0], response) == entry[1]
        assert self.window.take(entry[0], response) is MISSING
        self.model.remove(entry)

    @rule()
    def expire(self) -> None:
        expired = [entry for entry in self.model if entry[2] is not None and entry[2] + TIMEOUT <= self.now]
        assert self.window.expire(self.now, TIMEOUT) == [entry[1] for entry in expired]
        for entry in expired:
            self.model.remove(entry)
            self.late[entry[0]] = entry[1]
        while len(self.late) > MAX:
            del self.late[next(iter(self.late))]

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def respond_late(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.late)))
        assert self.window.take(number, SUBMIT_RESP) is MISSING
        assert self.window.take_late(number, SUBMIT_RESP) == self.late.pop(number)
        assert self.window.take_late(number, SUBMIT_RESP) is MISSING

    @rule()
    def take_unsent(self) -> None:
        assert self.window.take_unsent() == [entry[1] for entry in self.model if entry[2] is None]
        self.model = [entry for entry in self.model if entry[2] is not None]

    @invariant()
    def counts_and_deadline_hold(self) -> None:
        assert len(self.window) == len(self.model)
        assert self.window.free == MAX - len(self.model)
        departed = [entry[2] for entry in self.model if entry[2] is not None]
        if departed:
            assert self.window.next_expiry_at(TIMEOUT) <= min(departed) + TIMEOUT
        if not self.model:
            assert self.window.next_expiry_at(TIMEOUT) == inf


TestWindowAgainstModel = WindowAgainstModel.TestCase
TestWindowAgainstModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_numbers_wrap_to_1_and_pass_over_those_in_use() -> None:
    """After 0x7FFFFFFF comes 1 (SMPP 3.4 §5.1.4), unless it is outstanding."""
    window = Window(10, 1)
    assert window.add(SUBMIT, "first", 0.0) == 1
    window._next = SEQUENCE_NUMBER_MAX
    assert [window.add(SUBMIT, None, 0.0) for _ in range(2)] == [SEQUENCE_NUMBER_MAX, 2]
    window._next = SEQUENCE_NUMBER_MAX
    assert list(window.add_many(SUBMIT, [1, 2], 0.0)) == [3, 4]


def test_a_request_above_the_limit_is_possible_when_asked_for() -> None:
    """So that an unbind can go out when the window is full."""
    window = Window(1)
    window.add(SUBMIT, None, 0.0)
    with pytest.raises(WindowFull):
        window.add(SUBMIT, None, 0.0)
    assert window.add(SUBMIT, None, 0.0, above_limit=True) == 2
    assert window.free == 0


def test_the_response_timer_starts_when_the_octets_leave() -> None:
    """A queue that stands for long is no reason to give requests up (C10)."""
    window = Window(10)
    window.add(SUBMIT, "a", 0.0)
    assert window.expire(60.0, TIMEOUT) == []
    window.departed(60.0)
    assert window.expire(69.9, TIMEOUT) == []
    assert window.expire(70.0, TIMEOUT) == ["a"]


def test_without_a_time_of_departure_the_time_of_queueing_counts() -> None:
    """A driver that does not say when it wrote gets the simple rule."""
    window = Window(10)
    window.add(SUBMIT, "a", 5.0)
    window.departed(None)
    assert window.next_expiry_at(TIMEOUT) == 15.0
    assert window.expire(15.0, TIMEOUT) == ["a"]


def test_expiry_does_not_look_again_before_the_oldest_can_expire() -> None:
    """In steady traffic the next look is a whole timeout away, whatever was answered in between."""
    window = Window(10_000)
    for second in range(100):
        numbers = window.add_many(SUBMIT, range(50), float(second))
        window.departed(float(second))
        for number in numbers:
            window.take(number, SUBMIT_RESP)
    last = window.add(SUBMIT, "kept", 99.5)
    window.departed(99.5)
    assert window.expire(99.5, TIMEOUT) == []
    assert window.next_expiry_at(TIMEOUT) == 109.5
    assert window.take(last, SUBMIT_RESP) == "kept"


def test_withdrawn_requests_are_gone_and_their_numbers_passed_over() -> None:
    """What could not be encoded leaves no trace but a gap."""
    window = Window(10)
    window.withdraw(window.add_many(SUBMIT, [1, 2, 3], 0.0))
    assert len(window) == 0
    assert window.add(SUBMIT, None, 0.0) == 4


def test_the_end_gives_back_what_is_outstanding() -> None:
    """In order, once."""
    window = Window(10)
    window.add_many(SUBMIT, ["a", "b", "c"], 0.0)
    window.take(2, SUBMIT_RESP)
    assert window.take_all() == ["a", "c"]
    assert window.take_all() == []
