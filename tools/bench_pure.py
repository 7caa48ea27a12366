"""Print what the pure ring's hot functions cost, in microseconds per message: ``python tools/bench_pure.py``."""

import sys
import time
import timeit
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from smsagg.config.schema import MessageClassSettings, PoolMember
from smsagg.model import Message, MessageState
from smsagg.policy import check_body, check_flags, lifetime
from smsagg.pricing import CardRow, Currencies, DestinationKind, RateCard
from smsagg.pricing.days import Days
from smsagg.pricing.purse import UNLIMITED, Purse
from smsagg.queueing import AimdRate, ReadyQueue, ScheduledQueue, TokenBucket
from smsagg.receipts import Correlator, RecentIds, make_receipt, parse_receipt, wants_receipt
from smsagg.routing import CircuitBreaker, StatusClassifier, WeightedPolicy, country_of, e164_digits

NOW = 1_700_000_000_000
BATCH = 100
QUEUED = 5_000


def message(seq: int, account: str = "acme") -> Message:
    fields = (seq, f"{seq:08x}0badcafe", account, "default", "", 5, 0, "ACME", 1, 1, "447400123456", 0, 0, 0, 1, 0, 0)
    queued = Message(*fields, b"Your code is 123456", False, b"", "GB", "gb", NOW, NOW, NOW + 86_400_000)
    queued.carrier, queued.carrier_message_id = "carrier", str(seq)
    return queued


def measure(work: Callable[[], object], messages: int = 1) -> float:
    """Microseconds of CPU time per message: the best of two runs, so that other processes matter little."""
    timer = timeit.Timer(work, timer=time.process_time)
    loops, taken = timer.autorange()
    return min(taken, *timer.repeat(1, loops)) / loops / messages * 1e6


def ready_turnover(accounts: int) -> Callable[[], None]:
    queue = ReadyQueue(2 * QUEUED)
    messages = [message(seq, f"account{seq % accounts}") for seq in range(1, QUEUED + 1)]

    def work() -> None:
        for m in messages:
            queue.push(m)
        while len(queue):
            queue.take(BATCH)

    return work


def scheduled_turnover() -> None:
    queue = ScheduledQueue(QUEUED)
    for m in SCHEDULED:
        queue.push(m.seq * 7919 % 10_007, m)
    while len(queue):
        queue.take_due(20_000, BATCH)


def correlate() -> None:
    CORRELATOR.take_early("carrier", ONE.carrier_message_id)
    CORRELATOR.add(ONE)
    CORRELATOR.find("carrier", ONE.carrier_message_id)
    CORRELATOR.remove(ONE)
    RECENT.add("carrier", ONE.carrier_message_id)


def take_tokens(bucket: TokenBucket | AimdRate) -> Callable[[], None]:
    clock = iter(range(10**12))

    def work() -> None:
        now = next(clock) * 0.001
        bucket.available(now)
        bucket.take(1, now)

    return work


def ask_and_tell_circuit() -> None:
    CIRCUIT.allowance(0.0)
    CIRCUIT.on_success()


def choose_and_charge() -> None:
    POLICY.charge(POLICY.first(), BATCH)


def reserve_and_settle() -> None:
    PURSE.reserve("GB", 7, 1, NOW)
    PURSE.settle(7, 7)


ONE = message(1)
CARD = RateCard(
    [CardRow(DestinationKind.PREFIX, str(prefix), prefix, "EUR") for prefix in range(40_000, 50_000)], Currencies()
)
NUMBERS = [f"447400{seq * 7919 % 1_000_000:06d}" for seq in range(QUEUED)]
PURSE = Purse("acme", "EUR", Days("UTC"))
PURSE.is_billed, PURSE.credit = True, UNLIMITED
SCHEDULED = [message(seq) for seq in range(1, QUEUED + 1)]
CORRELATOR: Correlator = Correlator(200_000, 1_000)
for waiting in range(2, 50_000):
    CORRELATOR.add(message(waiting))
RECENT = RecentIds(50_000)
POLICY = WeightedPolicy([PoolMember("a", weight=3), PoolMember("b", weight=2), PoolMember("c")])
for index in range(3):
    POLICY.add(index)
CLASSIFIER = StatusClassifier()
CIRCUIT = CircuitBreaker(20, 10.0)
CLASS = MessageClassSettings()
TEXT = make_receipt(ONE, MessageState.DELIVERED, 0, NOW + 1_000, 1, NOW + 2_000).body
TLVS = ((0x001E, b"000000010badcafe\0"), (0x0427, b"\2"), (0x0423, b"\3\0\0"))
LOOSE = TEXT.replace(b" sub:001 dlvrd:001", b"")


def main() -> int:
    figures = {
        "e164_digits": measure(lambda: e164_digits("447400123456", 1, 1)),
        "country_of (GB, deep)": measure(lambda: country_of("447400123456")),
        "country_of (VN)": measure(lambda: country_of("84912345678")),
        "check_flags + check_body + lifetime": measure(
            lambda: (check_flags(0, 0, 1), check_body(0, b"hello"), lifetime(NOW, None, None, CLASS))
        ),
        "RateCard.find, 10,000 prefixes": measure(
            lambda: [CARD.find(number, "23415", NOW, "GB") for number in NUMBERS], QUEUED
        ),
        "Purse reserve + settle": measure(reserve_and_settle),
        "ReadyQueue push + take, one account": measure(ready_turnover(1), QUEUED),
        "ReadyQueue push + take, 50 accounts": measure(ready_turnover(50), QUEUED),
        "ScheduledQueue push + take": measure(scheduled_turnover, QUEUED),
        "TokenBucket available + take": measure(take_tokens(TokenBucket(100.0, 100, 0.0))),
        "AimdRate available + take": measure(take_tokens(AimdRate(100.0, 100, 0.0))),
        f"WeightedPolicy choose + charge, a batch of {BATCH}": measure(choose_and_charge, BATCH),
        "StatusClassifier.classify": measure(lambda: CLASSIFIER.classify(0x58)),
        "CircuitBreaker allowance + on_success": measure(ask_and_tell_circuit),
        "Correlator take_early + add + find + remove, RecentIds.add": measure(correlate),
        "wants_receipt": measure(lambda: wants_receipt(1, MessageState.DELIVERED)),
        "make_receipt": measure(lambda: make_receipt(ONE, MessageState.DELIVERED, 0, NOW + 1_000, 1, NOW + 2_000)),
        "parse_receipt (appendix B)": measure(lambda: parse_receipt(TEXT)),
        "parse_receipt (appendix B and TLVs)": measure(lambda: parse_receipt(TEXT, TLVS)),
        "parse_receipt (loose)": measure(lambda: parse_receipt(LOOSE)),
    }
    table = Table("What", "µs a message", title="The pure ring")
    for what, micros in figures.items():
        table.add_row(what, f"{micros:.2f}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
