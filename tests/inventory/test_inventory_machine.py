"""Whatever is done in whatever order, and wherever the process dies: no number has two owners, and each rests between
two of them."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from inventory_numbers import HOUR, NOW, inventory_of, long_number

from smsagg.config.csv_rows import FileProblems
from smsagg.errors import InventoryError
from smsagg.inventory import taking
from smsagg.inventory.allocation import Allocation
from smsagg.inventory.inventory import Inventory
from smsagg.inventory.number import Number, Status, restore, resume, suspend
from smsagg.inventory.pool import NumberPool
from smsagg.inventory.records import read_number, write_record
from smsagg.inventory.table import imported, read_table
from smsagg.pricing.card_file import format_instant
from smsagg.routing.prefix import country_of

ACCOUNTS = ("acme", "other", "third")
COUNT = 5
REST = 3 * HOUR
POOL = NumberPool("otp", "GB", quarantine=REST)

accounts = st.sampled_from(ACCOUNTS)
places = st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=3, unique=True)
hours = st.integers(1, 6)


class Claims:
    """What accounts were told that they have: the model. Time ends a lease by itself."""

    def __init__(self) -> None:
        self.dedicated: dict[str, tuple[str, int]] = {}
        """Account and end, by number; 0: no end."""
        self.shared: dict[str, set[str]] = {}
        self.free_from: dict[str, int] = {}

    def copy(self) -> "Claims":
        other = Claims()
        other.dedicated, other.free_from = dict(self.dedicated), dict(self.free_from)
        other.shared = {key: set(value) for key, value in self.shared.items()}
        return other

    def pass_time(self, now: int) -> None:
        for key, (_, until) in list(self.dedicated.items()):
            if until and until <= now:
                self.end(key, until)

    def give(self, key: str, account: str, until: int, now: int) -> None:
        assert key not in self.dedicated, "it has an owner"
        assert key not in self.shared, "it is shared"
        assert self.free_from.get(key, 0) <= now, "it rests"
        self.dedicated[key] = account, until

    def join(self, key: str, account: str, now: int) -> None:
        assert key not in self.dedicated, "it has an owner"
        assert self.free_from.get(key, 0) <= now, "it rests"
        self.shared.setdefault(key, set()).add(account)

    def end(self, key: str, at: int) -> None:
        self.dedicated.pop(key, None)
        self.shared.pop(key, None)
        self.free_from[key] = at + REST

    def leave(self, key: str, account: str, now: int) -> None:
        self.shared[key].discard(account)
        if not self.shared[key]:
            self.end(key, now)


class PeacefulMachine(RuleBasedStateMachine):
    """An inventory, what of it is durable, and the model of both: numbers are leased, and nobody takes any away."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.inventory = inventory_of(*(long_number(place) for place in range(COUNT)), pools=(POOL,))
        self.durable = {key: write_record(number) for key, number in self.inventory.numbers.items()}
        self.allocations: dict[str, Allocation] = {}
        self.model = Claims()
        self.durable_model = self.model.copy()
        self.pending: list[tuple[dict[str, bytes], Claims]] = []
        self.named = 0
        self.is_disturbed = False
        """Numbers were taken away from allocations by somebody who may: an operator, or a crash."""

    def put(self, numbers: list[Number], tell: Callable[[Claims, Number], None]) -> None:
        """In memory at once, durable with the next commit."""
        for number in numbers:
            self.inventory.put(number)
            tell(self.model, number)
        self.pending.append(({number.key: write_record(number) for number in numbers}, self.model.copy()))

    def some(self, which: list[int]) -> list[Number]:
        return [self.inventory.numbers[long_number(place).key] for place in which]

    def attempt(self, plan: Callable[[], list[Number]], tell: Callable[[Claims, Number], None]) -> None:
        before = dict(self.inventory.numbers)
        try:
            numbers = plan()
        except InventoryError:
            assert self.inventory.numbers == before, "what is refused changes nothing"
            return
        self.put(numbers, tell)

    # --- what operators do ---

    @rule(which=places, account=accounts, lasts=hours)
    def lease(self, which: list[int], account: str, lasts: int) -> None:
        until = self.now + lasts * HOUR
        self.attempt(
            lambda: taking.leased(self.inventory, self.some(which), account, until, self.now),
            lambda model, number: model.give(number.key, account, until, self.now),
        )

    @rule(account=accounts, count=st.integers(1, COUNT), lasts=hours)
    def lease_from_the_pool(self, account: str, count: int, lasts: int) -> None:
        until = self.now + lasts * HOUR
        self.attempt(
            lambda: taking.leased(
                self.inventory, taking.pick(self.inventory, "otp", count, self.now), account, until, self.now
            ),
            lambda model, number: model.give(number.key, account, until, self.now),
        )

    @rule(which=places, lasts=hours)
    def renew(self, which: list[int], lasts: int) -> None:
        until = self.now + lasts * HOUR

        def tell(model: Claims, number: Number) -> None:
            account, old = model.dedicated[number.key]
            assert old > self.now, "a lease that is over was renewed"
            model.dedicated[number.key] = account, until

        self.attempt(lambda: taking.renewed(self.inventory, self.some(which), "", until, self.now), tell)

    @rule(which=places, account=accounts, lasts=st.one_of(st.none(), hours))
    def import_file(self, which: list[int], account: str, lasts: int | None) -> None:
        until = 0 if lasts is None else self.now + lasts * HOUR
        instant = format_instant(until) if until else ""
        rows = [f"{long_number(place).address},long,{account},{instant}" for place in which]
        problems = FileProblems("f")
        table = read_table("number,type,accounts,leased_until\n" + "\n".join(rows), country_of, problems)
        before = dict(self.inventory.numbers)
        changed = imported(self.inventory, table, table.rows, ACCOUNTS, self.now, problems)
        if not problems.lines:
            try:
                taking.check_claims(self.inventory, changed, self.now)
            except InventoryError as error:
                problems.add(0, str(error))
        if problems.lines:
            assert self.inventory.numbers == before
            return

        def tell(model: Claims, number: Number) -> None:
            if model.dedicated.get(number.key, ("", 0))[0] != account:
                model.give(number.key, account, until, self.now)

        self.put(changed, tell)

    @rule(account=accounts, numbers=st.integers(1, COUNT), begins=st.integers(0, 8), lasts=hours)
    def allocate(self, account: str, numbers: int, begins: int, lasts: int) -> None:
        self.named += 1
        begins_at = self.now + begins * HOUR
        allocation = Allocation(f"a{self.named}", "otp", account, numbers, begins_at, begins_at + lasts * HOUR)
        try:
            taking.check_allocation(self.inventory, allocation, self.now)
        except InventoryError:
            return
        self.inventory.put_allocation(allocation)
        self.allocations[allocation.name] = allocation  # durable at once: nothing hangs on when

    # --- time, and the end of it ---

    @rule(passes=st.integers(1, 5))
    def pass_time(self, passes: int) -> None:
        self.now += passes * HOUR
        self.model.pass_time(self.now)

    @rule()
    def tick(self) -> None:
        """What the engine does once a second."""
        self.put(self.inventory.due(self.now, 100), lambda _model, _number: None)
        for name in [one.name for one in self.inventory.allocations.values() if one.ends_at <= self.now]:
            self.inventory.drop_allocation(name)
            del self.allocations[name]
        leases, missing = taking.allotted(self.inventory, self.now, 100)
        assert self.is_disturbed or not missing, "others took what was kept"
        self.put(leases, lambda model, number: model.give(number.key, number.owner, number.leased_until, self.now))

    @rule(count=st.integers(1, 4))
    def commit(self, count: int) -> None:
        for records, model in self.pending[:count]:
            self.durable.update(records)
            self.durable_model = model
        del self.pending[:count]

    # --- what must be so ---

    @invariant()
    def each_number_is_whose_it_was_said_to_be(self) -> None:
        for number in self.inventory.numbers.values():
            here = self.inventory.as_of(number, self.now)
            owner = self.model.dedicated.get(number.key, ("", 0))
            assert here.owner == owner[0], (here, owner)
            assert number.owner_at(self.now) == owner[0]
            assert (here.leased_until if here.owner else 0) == owner[1]
            sharing = self.model.shared.get(number.key, set())
            assert (set(here.accounts) if here.is_shared else set()) == sharing
            senders = [account for account in ACCOUNTS if number.may_send_for(account, self.now)]
            assert set(senders) <= sharing | {owner[0]}
            if here.state is not Status.RETIRED:
                is_free = not here.accounts and self.model.free_from.get(number.key, 0) <= self.now
                assert (here.state is Status.AVAILABLE) == is_free, (here, self.model.free_from)

    @invariant()
    def the_counts_are_right(self) -> None:
        inventory, again = self.inventory, Inventory(0)
        for number in inventory.numbers.values():
            again.put(number)
        assert inventory.counts == again.counts
        assert +inventory.available == +again.available
        assert +inventory.allotted == +again.allotted
        assert +inventory.shares == +again.shares
        assert inventory.leases_ending_before(self.now) == again.leases_ending_before(self.now)
        for account in ACCOUNTS:
            assert set(inventory.of_account(account)) == set(again.of_account(account))


class InventoryMachine(PeacefulMachine):
    """All else that operators do, and crashes."""

    @rule(which=places, account=accounts)
    def assign(self, which: list[int], account: str) -> None:
        self.attempt(
            lambda: taking.assigned(self.inventory, self.some(which), account, self.now),
            lambda model, number: model.give(number.key, account, 0, self.now),
        )

    @rule(which=places, account=accounts)
    def share(self, which: list[int], account: str) -> None:
        self.attempt(
            lambda: taking.shared(self.inventory, self.some(which), account, self.now),
            lambda model, number: model.join(number.key, account, self.now),
        )

    @rule(which=places)
    def release(self, which: list[int]) -> None:
        self.is_disturbed |= any(number.allocation for number in self.some(which))
        self.attempt(
            lambda: taking.released(self.inventory, self.some(which), "", self.now),
            lambda model, number: model.end(number.key, self.now),
        )

    @rule(which=places, account=accounts)
    def unassign(self, which: list[int], account: str) -> None:
        def tell(model: Claims, number: Number) -> None:
            if number.key in model.shared:
                model.leave(number.key, account, self.now)
            else:
                assert model.dedicated[number.key][0] == account
                model.end(number.key, self.now)

        self.attempt(lambda: taking.unassigned(self.inventory, self.some(which), account, self.now), tell)

    @rule(which=places)
    def retire(self, which: list[int]) -> None:
        self.is_disturbed = True

        def tell(model: Claims, number: Number) -> None:
            if number.key in model.dedicated or number.key in model.shared:
                model.end(number.key, self.now)

        self.attempt(lambda: taking.retired(self.inventory, self.some(which), self.now), tell)

    @rule(which=places)
    def restore(self, which: list[int]) -> None:
        self.attempt(lambda: [restore(one, self.now) for one in self.some(which)], lambda _model, _number: None)

    @rule(which=places, is_resumed=st.booleans())
    def suspend(self, which: list[int], is_resumed: bool) -> None:
        self.is_disturbed = True
        change = resume if is_resumed else suspend
        self.attempt(
            lambda: [change(self.inventory.as_of(one, self.now)) for one in self.some(which)],
            lambda _model, _number: None,
        )

    @rule()
    def crash(self) -> None:
        """Only what was committed is left, and nobody has been told of the rest."""
        self.is_disturbed = True
        numbers = [read_number(record) for record in self.durable.values()]
        self.inventory = inventory_of(*numbers, pools=(POOL,))
        for allocation in self.allocations.values():
            self.inventory.put_allocation(allocation)
        self.pending = []
        self.model = self.durable_model.copy()
        self.model.pass_time(self.now)


PeacefulMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestPeacefulMachine = PeacefulMachine.TestCase
InventoryMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestInventoryMachine = InventoryMachine.TestCase
