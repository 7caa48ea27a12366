"""Draws what a simulated world writes: customers and their messages, and what handsets answer."""

from math import inf
from random import Random

from attrs import evolve

from tools.sim.scenario import (
    KEYWORD,
    KEYWORD_NUMBER,
    PREFIXES,
    QUERIED_AFTER_S,
    UNROUTED,
    CustomerPlan,
    PlannedMo,
    PlannedSubmit,
)
from tools.sim.user_data import Part
from tools.sim.wire import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER

BUSY_NUMBER = f"{PREFIXES['GB']}007"
"""Many texts go to it, so that they can be taken for one another."""
LONG_OCTETS = (100, 200, 300, 500, 900)


def draw_customer(rng: Random, account: str, duration_s: float, count: int, at_most_once: bool) -> CustomerPlan:
    """One account and all that it submits."""
    binds = rng.choice(
        (
            (BIND_TRANSCEIVER,),
            (BIND_TRANSCEIVER, BIND_TRANSCEIVER),
            (BIND_TRANSMITTER, BIND_RECEIVER),
            (BIND_TRANSMITTER, BIND_RECEIVER, BIND_TRANSCEIVER),
        )
    )
    bursts = [rng.uniform(0.1, duration_s) for _ in range(rng.randrange(1, 6))]
    messages: list[PlannedSubmit] = []
    for number in range(count):
        at = rng.choice(bursts) if rng.random() < 0.7 else rng.uniform(0, duration_s)
        messages += _messages(rng, account, number, at)
    messages.sort(key=lambda message: message.at)
    version = rng.choice((0x33, 0x34, 0x34, 0x34, 0x34, 0x50))
    if version < 0x34:
        messages = [_without_tlvs(message) for message in messages]
    odd = rng.random() < 0.4
    return CustomerPlan(
        account,
        binds,
        rng.choice((1, 5, 20)),
        tuple(messages),
        (0.001, rng.choice((0.01, 0.5, 1.5))),
        rng.choice((0.0, 0.2)) if odd else 0.0,
        rng.choice((0.0, 0.1)) if odd else 0.0,
        rng.choice((0.0, 0.1)) if odd else 0.0,
        at_most_once,
        rng.choice((("12345", "*"), ("12345",))) if account.endswith("0") else (),
        version,
        rng.choice((0, 0, 0, 0, 1, 6)),
    )


def _without_tlvs(message: PlannedSubmit) -> PlannedSubmit:
    """As a peer of SMPP 3.3 would submit it."""
    part = message.part and evolve(message.part, form="udh")
    octets = min(message.octets, LONG_OCTETS[1])
    return evolve(message, part=part, octets=octets, in_payload=False, is_data_sm=False, is_time_to_live=False)


def _messages(rng: Random, account: str, number: int, at: float) -> list[PlannedSubmit]:
    """One message, or several that belong together."""
    kind = rng.random()
    if kind < 0.08:
        message = _message(rng, f"{account}-multi{number}", at)
        others = tuple(_destination(rng) for _ in range(rng.choice((1, 2, 4))))
        unique = {to.lstrip("+").removeprefix("00"): to for to in (*message.destinations, *others)}
        return [evolve(message, destinations=tuple(unique.values()), replace_after_s=None)]
    if kind < 0.18:
        message = _message(rng, f"{account}-long{number}", at)
        return [evolve(message, octets=rng.choice(LONG_OCTETS), replace_after_s=None)]
    if kind < 0.28:
        return _parts(rng, f"{account}-part{number}", at)
    message = _message(rng, f"{account}-{number}", at)
    if message.replaces or message.delay_s:  # that there be something to replace
        message = evolve(message, destinations=(BUSY_NUMBER,))
    return [message]


def _parts(rng: Random, name: str, at: float) -> list[PlannedSubmit]:
    """A message that its sender has cut; now and then a part is missing, comes late or in another order."""
    message = _message(rng, name, at)
    total, form = rng.randrange(2, 5), rng.choice(("udh", "udh", "udh16", "sar"))
    reference = rng.choice((1, 2, rng.randrange(256)))
    gap_s = rng.choice((0.0, 0.0, 0.05, 0.5))
    numbers = list(range(1, total + 1))
    if rng.random() < 0.3:
        rng.shuffle(numbers)
    if rng.random() < 0.15:
        numbers.pop()
    return [
        evolve(
            message,
            nonce=f"{name}p{number}",
            at=at + place * gap_s,
            part=Part(reference, total, number, form),
            is_data_sm=False,
            replaces=False,
            replace_after_s=None,
        )
        for place, number in enumerate(numbers)
    ]


def _message(rng: Random, nonce: str, at: float) -> PlannedSubmit:
    validity_s = inf if rng.random() < 0.5 else float(rng.choice((1, 2, 5, 10)))
    delay_s = rng.choice((1, 3)) if rng.random() < 0.1 and validity_s > 3 else 0
    is_alone = nonce.partition("-")[2].isdigit()
    is_data_sm = is_alone and not delay_s and rng.random() < 0.1
    return PlannedSubmit(
        at=at,
        nonce=nonce,
        destinations=(_destination(rng),),
        registered_delivery=rng.choice((0, 1, 1, 1, 1, 2, 3, 0x11)),
        validity_s=validity_s,
        delay_s=delay_s,
        priority=rng.choice((0, 0, 0, 1, 3)),
        in_payload=rng.random() < 0.1,
        cancel_after_s=rng.uniform(0, 1.0) ** 3 * 4 if rng.random() < 0.15 else None,
        query_after_s=rng.uniform(*QUERIED_AFTER_S) if rng.random() < 0.15 else None,
        replace_after_s=rng.uniform(0, 1.0) ** 3 * 4 if rng.random() < 0.15 else None,
        is_data_sm=is_data_sm,
        is_time_to_live=validity_s < inf and rng.random() < 0.2,
        replaces=is_alone and not is_data_sm and rng.random() < 0.1,
        is_cancelled_by_addresses=rng.random() < 0.3,
    )


def _destination(rng: Random) -> str:
    if rng.random() < 0.3:
        return BUSY_NUMBER
    prefix = UNROUTED if rng.random() < 0.07 else rng.choice(list(PREFIXES.values()))
    return f"{rng.choice(('', '', '+', '00'))}{prefix}{rng.randrange(1000):03d}"


def draw_handset_messages(rng: Random, carrier: str, duration_s: float) -> tuple[PlannedMo, ...]:
    """What comes from handsets by one carrier."""
    return tuple(
        _handset_message(rng, f"mo-{carrier}-{number}", rng.uniform(0.5, duration_s))
        for number in range(rng.choice((0, 0, 3, 5)))
    )


def _handset_message(rng: Random, name: str, at: float) -> PlannedMo:
    number = rng.choice(("12345", "54321", KEYWORD_NUMBER))
    word = f"{rng.choice((KEYWORD, KEYWORD.lower(), 'hello'))} "
    if rng.random() < 0.5:
        return PlannedMo(number, (f"{word}{name};",), (at,))
    total, gap_s = rng.randrange(2, 5), rng.choice((0.0, 0.2, 1.5))
    texts = tuple(f"{'' if place > 1 else word}{name}p{place};" for place in range(1, total + 1))
    times = [at + place * gap_s for place in range(total)]
    if rng.random() < 0.3:
        rng.shuffle(times)
    return PlannedMo(number, texts, tuple(times), rng.choice((1, rng.randrange(256))), rng.choice(("udh", "sar")))
