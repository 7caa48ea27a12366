"""Answers about ported numbers, remembered for a while."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from smsagg.routing.ported import PortedNumbers


def test_an_answer_is_remembered_for_its_time() -> None:
    """One that says nothing is known for its own."""
    ported = PortedNumbers(10, 60.0, 5.0)
    ported.add("1", "23415", 0.0)
    ported.add("2", "", 0.0)
    assert (ported.find("1", 4.9), ported.find("2", 4.9), ported.find("3", 4.9)) == ("23415", "", None)
    assert (ported.find("1", 5.0), ported.find("2", 5.0)) == ("23415", None)
    assert ported.find("1", 60.0) is None
    assert len(ported) == 0


def test_other_limits_forget_what_is_too_much() -> None:
    """Those that were asked for longest ago."""
    ported = PortedNumbers(3, 60.0, 5.0)
    for digits in "123":
        ported.add(digits, "23415", 0.0)
    ported.find("1", 0.0)
    ported.set_limits(2, 1.0, 1.0)
    assert [ported.find(digits, 30.0) for digits in "123"] == ["23415", None, "23415"]
    assert len(ported) == 2


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=60), st.integers(1, 4))
def test_the_least_recently_used_is_forgotten_first(steps: list[tuple[str, bool]], capacity: int) -> None:
    """As an ordered dictionary would have it."""
    ported, model = PortedNumbers(capacity, 1e9, 1e9), OrderedDict[str, str]()
    for digits, adds in steps:
        if adds:
            ported.add(digits, digits, 0.0)
            model[digits] = digits
            model.move_to_end(digits)
            if len(model) > capacity:
                model.popitem(last=False)
        else:
            assert ported.find(digits, 0.0) == model.get(digits)
            if digits in model:
                model.move_to_end(digits)
        assert len(ported) == len(model)
