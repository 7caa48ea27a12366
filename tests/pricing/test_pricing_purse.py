"""A purse: it never promises what it has not, whatever the order of things."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smsagg.pricing.days import Days
from smsagg.pricing.purse import CURRENCY_CHANGED, NO_CREDIT, UNLIMITED, Purse

NOW = 1_780_000_000_000


class PurseMachine(RuleBasedStateMachine):
    """Any interleaving of reserving, settling, releasing and crediting."""

    def __init__(self) -> None:
        super().__init__()
        self.purse = Purse("acme", "EUR", Days("UTC"))
        self.purse.is_billed = True
        self.credited = self.charged = 0
        self.reserved: list[int] = []

    @rule(price=st.integers(0, 50), count=st.integers(1, 4))
    def reserve(self, price: int, count: int) -> None:
        may = not price or price * count <= self.credited - self.charged - sum(self.reserved)
        assert self.purse.reserve("GB", price, count, NOW) == ("" if may else NO_CREDIT)
        if may:
            self.reserved += [price] * count

    @precondition(lambda self: self.reserved)
    @rule(data=st.data(), is_charged=st.booleans())
    def settle(self, data: st.DataObject, is_charged: bool) -> None:
        price = self.reserved.pop(data.draw(st.integers(0, len(self.reserved) - 1)))
        self.purse.settle(price, price if is_charged else 0)
        self.charged += price if is_charged else 0

    @rule(amount=st.integers(1, 200))
    def credit(self, amount: int) -> None:
        self.purse.balance += amount
        self.credited += amount

    @invariant()
    def holds_what_it_should(self) -> None:
        assert self.purse.balance == self.credited - self.charged
        assert self.purse.reserved == sum(self.reserved)
        assert 0 <= self.purse.available <= self.purse.balance


TestPurse = PurseMachine.TestCase
TestPurse.settings = settings(max_examples=30, stateful_step_count=30)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 300))
def test_credit_is_added_to_the_balance(balance: int, credit: int, price: int) -> None:
    """To the last unit; an unlimited one bears anything."""
    purse = Purse("acme", "EUR", Days("UTC"))
    purse.is_billed, purse.balance, purse.credit = True, balance, credit
    assert (purse.reserve("GB", price, 1, NOW) == "") is (price <= balance + credit)
    purse.credit = UNLIMITED
    assert purse.reserve("GB", 10**15, 255, NOW) == ""


def test_a_frozen_purse_takes_only_what_is_free() -> None:
    """What it holds is of another currency."""
    purse = Purse("acme", "EUR", Days("UTC"))
    purse.is_billed, purse.balance, purse.is_frozen = True, 100, True
    assert purse.reserve("GB", 1, 1, NOW) == CURRENCY_CHANGED
    assert purse.reserve("GB", 0, 1, NOW) == ""
