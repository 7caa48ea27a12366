"""What the checks of abuse cost a message, and how often ordinary traffic sets them off (`make bench-abuse`).

Each check by itself, and all together, over 20,000 messages of one account: one-time passwords to random subscribers of
forty ranges, every tenth to a number that had one lately. CPU time a message, the best and the median of nine passes;
*new numbers* is the first pass, in which nothing is remembered yet.

Then a simulated day of such traffic (200,000 messages) and a campaign to 100,000 subscribers in the order of their
numbers, with the defaults of ``sequences``: how many prefixes raised an alarm.
"""

import statistics
import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from smsagg.abuse import AbuseRules, Checks, ContentRule, ContentRules
from smsagg.abuse.checks import Finding, Shared
from smsagg.abuse.sequences import Sequences
from smsagg.abuse.usage import HOUR_MS, Usage, UsageWatch
from smsagg.config.abuse import AbuseSettings
from smsagg.config.units import parse_message_limit
from smsagg.model import Message
from smsagg.routing.prefix import country_of

NOW = 1_700_000_000_000
MESSAGES, RUNS = 20_000, 9
DAY_MESSAGES, CAMPAIGN = 200_000, 100_000
TEXTS = (
    b"Your code is 123456. Do not share it with anyone.",
    b"Your parcel arrives today between 10:00 and 12:00. Track it: example.com/t/98765",
)
UCS2 = "Ваш код 123456. Никому его не сообщайте.".encode("utf-16-be")
LIMITS = tuple(map(parse_message_limit, ("100000/m", "1000000/h")))
RULES = ContentRules(
    [
        *(ContentRule(f"pattern {n}", "hold", (rf"\b(verify|confirm) (your )?account {n}\b",)) for n in range(50)),
        ContentRule("hosts", "block", hosts=frozenset(f"evil{n}.example" for n in range(10_000))),
    ]
)
ALL: dict[str, Any] = {
    "countries": ("GB", "DE"),
    "numbers": "possible",
    "limits": LIMITS,
    "country_limits": LIMITS,
    "prefix_limits": LIMITS,
    "sequences": "block",
    "duplicates": "refuse",
    "takeover": "freeze",
}


def main() -> int:
    """Print both tables."""
    console = Console()
    traffic = make_traffic(Random(1), MESSAGES)
    table = Table("check", "new numbers", "best", "median", title=f"Abuse checks, µs of CPU a message ({MESSAGES:,})")
    for name, rules, content in (
        ("enabled countries", {"countries": ("GB", "DE")}, None),
        ("two limits of the account", {"limits": LIMITS}, None),
        ("two limits each by account, country, prefix", {k: ALL[k] for k in ALL if k.endswith("limits")}, None),
        ("sequences", {"sequences": "block"}, None),
        ("duplicates", {"duplicates": "refuse"}, None),
        ("takeover", {"takeover": "freeze"}, None),
        ("numbers: possible", {"numbers": "possible"}, None),
        ("numbers: valid", {"numbers": "valid"}, None),
        ("content: 50 patterns, 10,000 hosts", {}, RULES),
        ("all of them (numbers: possible)", ALL, RULES),
    ):
        first, *runs = measure(rules, content, traffic)
        table.add_row(name, f"{first:.2f}", f"{min(runs):.2f}", f"{statistics.median(runs):.2f}")
    unicode = [(digits, country, 8, UCS2) for digits, country, _, _ in traffic]
    first, *runs = measure({}, RULES, unicode)
    table.add_row("content, Cyrillic texts", f"{first:.2f}", f"{min(runs):.2f}", f"{statistics.median(runs):.2f}")
    console.print(table)
    day, campaign = false_alarms(Random(2))
    console.print(
        f"sequences: {day} alarms in {DAY_MESSAGES:,} ordinary messages, {campaign} in a campaign to {CAMPAIGN:,}"
    )
    return 0


def make_traffic(rng: Random, count: int) -> list[tuple[str, str, int, bytes]]:
    """(digits, country, data_coding, body) of each message."""
    ranges = [f"447{rng.randrange(1000):03d}" for _ in range(30)] + [f"4915{rng.randrange(100):02d}" for _ in range(10)]
    recent, made = ["447700900123"], []
    for _ in range(count):
        digits = rng.choice(recent) if rng.random() < 0.1 else f"{rng.choice(ranges)}{rng.randrange(10**6):06d}"
        recent = [*recent[-20:], digits]
        made.append((digits, country_of(digits), 0, rng.choice(TEXTS)))
    return made


def measure(
    rules: dict[str, Any], content: ContentRules | None, traffic: list[tuple[str, str, int, bytes]]
) -> list[float]:
    """Microseconds a message of each pass, less what the loop alone costs."""
    made = AbuseRules(**rules)
    usage = UsageWatch(20.0, 10**9, 3_600.0, Usage(NOW, NOW // HOUR_MS)) if made.takeover != "off" else None
    findings: list[Finding] = []
    compiled = content.compile("acme") if content is not None else None
    checks = Checks("acme", made, Shared(AbuseSettings()), compiled, usage, findings.append)
    messages = [make_message(*submit) for submit in traffic]
    passes = []
    for run in range(RUNS + 1):
        now = NOW + run * 3_600_000
        spent = timed(lambda now=now: run_through(checks, messages, traffic, now))  # type: ignore[misc]
        empty = timed(lambda now=now: run_through(None, messages, traffic, now))  # type: ignore[misc]
        passes.append((spent - empty) / len(messages) * 1e6)
    return passes


def run_through(
    checks: Checks | None, messages: list[Message], traffic: list[tuple[str, str, int, bytes]], now: int
) -> None:
    """As admission and intake do, at 1,000 messages a second."""
    duplicates = checks.duplicates if checks is not None else None
    for place, message in enumerate(messages):
        at = now + place
        if checks is not None:
            refusal = checks.check(message, traffic[place][0], at)
            if duplicates is not None and refusal is None:
                duplicates.take(checks.digest_of(message), message, at)
                duplicates.committed(message)


def timed(run: Callable[[], None]) -> float:
    """CPU seconds."""
    began = time.process_time()
    run()
    return time.process_time() - began


def make_message(digits: str, country: str, data_coding: int, body: bytes) -> Message:
    """As a front door makes it."""
    return Message(
        0, "", "acme", "default", "", 5, 0, "ACME", 1, 1, digits, 0, 0, 0, 1, data_coding, 0, body, False, b"", country,
        "", NOW, NOW, NOW + 86_400_000,
    )  # fmt: skip


def false_alarms(rng: Random) -> tuple[int, int]:
    """Prefixes that raised an alarm in a simulated day, and in a campaign of an hour."""
    sequences = Sequences(50, 2, 600.0, 100_000)
    day = {
        digits[:7]
        for place, (digits, *_) in enumerate(make_traffic(rng, DAY_MESSAGES))
        if sequences.note(digits, NOW + place * 86_400_000 // DAY_MESSAGES)
    }
    campaign = set()
    for place in range(CAMPAIGN):
        digits = f"4477{place * 40 + rng.randrange(40):08d}"
        if sequences.note(digits, NOW + 2 * 86_400_000 + place * 36):
            campaign.add(digits[:7])
    return len(day), len(campaign)


if __name__ == "__main__":
    sys.exit(main())
