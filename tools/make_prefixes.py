"""Generate ``smsagg/routing/prefixes.py``: which country a number belongs to, by its leading digits.

Source: the metadata of ``phonenumbers`` (calling codes, ``leading_digits``, number patterns); never its geocoder.

Theory of operation. Most calling codes belong to one region. For those that several share, phonenumbers decides a
number's region by asking the regions in a fixed order: one with ``leading_digits`` claims what begins so, one without
claims what matches one of its number types. Both are regular expressions over digits, so they become finite automata
here, and walking all regions' automata together along a prefix tells exactly how many numbers below that prefix each
region gets. A prefix is written down as soon as one region owns all that is below it and the shorter prefix says
something else. Where phonenumbers itself cannot tell regions apart by any prefix the larger share wins.

Run ``python tools/make_prefixes.py``; it checks its result against phonenumbers on every example number, writes the
file, and prints the exceptions.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

OUTPUT = Path(__file__).parent.parent / "smsagg" / "routing" / "prefixes.py"
NATIONAL_DIGITS_MAX = 7
"""Longest prefix after the calling code; phonenumbers distinguishes Australia's islands at 6."""
NON_GEOGRAPHIC = "001"
NUMBER_TYPES = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)
DIGITS = "0123456789"

States = frozenset[int]


class Automaton:
    """A nondeterministic automaton for one digit pattern of phonenumbers, with its whole-match semantics."""

    def __init__(self, pattern: str) -> None:
        self._empty: list[list[int]] = []
        self._steps: list[list[tuple[frozenset[str], int]]] = []
        start, self._end = self._state(), self._state()
        self._add(sre_parser.parse(pattern), start, self._end)
        self.start = self._closure({start})

    def step(self, states: States, digit: str) -> States:
        return self._closure({to for s in states for digits, to in self._steps[s] if digit in digits})

    def accepts(self, states: States) -> bool:
        return self._end in states

    def _state(self) -> int:
        self._empty.append([])
        self._steps.append([])
        return len(self._empty) - 1

    def _closure(self, states: Iterable[int]) -> States:
        seen: set[int] = set()
        todo = list(states)
        while todo:
            state = todo.pop()
            if state not in seen:
                seen.add(state)
                todo += self._empty[state]
        return frozenset(seen)

    def _add(self, parsed: Any, start: int, end: int) -> None:
        """Wire ``parsed`` between ``start`` and ``end``."""
        here = start
        for op, argument in parsed:
            there = self._state()
            self._add_one(op, argument, here, there)
            here = there
        self._empty[here].append(end)

    def _add_one(self, op: Any, argument: Any, start: int, end: int) -> None:
        if op is sre.LITERAL:
            self._steps[start].append((frozenset(chr(argument)), end))
        elif op is sre.IN:
            self._steps[start].append((frozenset(_digits_of(argument)), end))
        elif op is sre.SUBPATTERN:
            self._add(argument[-1], start, end)
        elif op is sre.BRANCH:
            for branch in argument[1]:
                self._add(branch, start, end)
        elif op is sre.MAX_REPEAT:
            least, most, repeated = argument
            here = start
            for count in range(most):
                if count >= least:
                    self._empty[here].append(end)
                there = self._state()
                self._add(repeated, here, there)
                here = there
            self._empty[here].append(end)
        else:
            raise NotImplementedError(f"{op} in a phone number pattern")


def _digits_of(members: Any) -> Iterator[str]:
    for op, argument in members:
        if op is sre.LITERAL:
            yield chr(argument)
        elif op is sre.RANGE:
            yield from map(chr, range(argument[0], argument[1] + 1))
        elif op is sre.CATEGORY and argument is sre.CATEGORY_DIGIT:
            yield from DIGITS
        else:
            raise NotImplementedError(f"{op} {argument} in a phone number pattern")


class Claim:
    """What one region claims of its calling code's numbers."""

    def __init__(self, region: str) -> None:
        metadata: Any = PhoneMetadata.metadata_for_region(region)
        self.region = region
        self.by_leading_digits = metadata.leading_digits is not None
        descriptions = [getattr(metadata, name) for name in NUMBER_TYPES]
        patterns = [d.national_number_pattern for d in descriptions if d is not None and d.national_number_pattern]
        self._automaton = Automaton(metadata.leading_digits if self.by_leading_digits else "|".join(patterns))
        self.start = self._automaton.start

    def step(self, states: States, digit: str) -> States:
        """What is left of the claim after ``digit``; leading digits once seen stay seen."""
        return states if self.owns_all(states) else self._automaton.step(states, digit)

    def owns_all(self, states: States) -> bool:
        return self.by_leading_digits and self._automaton.accepts(states)

    def owns_this(self, states: States) -> bool:
        return self._automaton.accepts(states)


def shared_prefixes(calling_code: str, regions: tuple[str, ...]) -> dict[str, str]:
    """Prefixes that tell the regions of one calling code apart; the bare code means the first region."""
    claims = [Claim(region) for region in regions]

    @cache
    def shares(position: tuple[States, ...]) -> Counter[str]:
        """How many numbers below a position each region gets."""
        alive: Counter[str] = Counter()
        for claim, states in zip(claims, position, strict=True):
            if claim.owns_all(states) and not any(s for s in position[: claims.index(claim)]):
                return Counter({claim.region: 1})
            if claim.owns_this(states):
                alive[claim.region] += 1
                break
        if any(states and not c.owns_all(states) for c, states in zip(claims, position, strict=True)):
            for digit in DIGITS:
                alive += shares(step(position, digit))
        return alive

    def step(position: tuple[States, ...], digit: str) -> tuple[States, ...]:
        return tuple(claim.step(states, digit) for claim, states in zip(claims, position, strict=True))

    found = {calling_code: regions[0]}

    def walk(prefix: str, position: tuple[States, ...], inherited: str) -> None:
        owners = shares(position)
        if not owners:
            return
        if len(owners) == 1 or len(prefix) - len(calling_code) == NATIONAL_DIGITS_MAX:
            owner = owners.most_common(1)[0][0]
            if owner != inherited:
                found[prefix] = owner
            return
        for digit in DIGITS:
            walk(prefix + digit, step(position, digit), inherited)

    walk(calling_code, tuple(claim.start for claim in claims), regions[0])
    return found


def make_table() -> dict[str, str]:
    table: dict[str, str] = {}
    for calling_code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        if len(regions) == 1:
            table[str(calling_code)] = regions[0]
        else:
            table |= shared_prefixes(str(calling_code), regions)
    return dict(sorted(table.items()))


def examples() -> Iterator[tuple[str, str, str]]:
    """``(digits, region by phonenumbers, number type)`` for every example number there is."""
    for number_type in PhoneNumberType.values():
        for region in sorted(phonenumbers.SUPPORTED_REGIONS):
            number = phonenumbers.example_number_for_type(region, number_type)
            if number is not None:
                yield *_identify(number), PhoneNumberType.to_string(number_type)
    for calling_code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        yield *_identify(phonenumbers.example_number_for_non_geo_entity(calling_code)), "NON_GEOGRAPHIC"


def _identify(number: Any) -> tuple[str, str]:
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return digits, phonenumbers.region_code_for_number(number) or ""


def longest_match(table: dict[str, str], digits: str) -> str:
    return next((table[digits[:n]] for n in range(len(digits), 0, -1) if digits[:n] in table), "")


def main() -> int:
    table = make_table()
    checked = exceptions = 0
    for digits, region, number_type in examples():
        checked += 1
        if longest_match(table, digits) != region:
            exceptions += 1
            print(f"{digits} ({number_type}): {region} by phonenumbers, {longest_match(table, digits)} here")
    lines = [
        '"""Leading digits of a number and the region they mean; generated by ``tools/make_prefixes.py``, do not edit.',
        "",
        f"Made from phonenumbers {phonenumbers.__version__}: {len(table)} prefixes; of its {checked} example numbers "
        f"{checked - exceptions} get the same region from both.",
        '"""',
        "",
        "PREFIXES: dict[str, str] = {",
        *(f'    "{prefix}": "{region}",' for prefix, region in table.items()),
        "}",
        "",
    ]
    OUTPUT.write_text("\n".join(lines), encoding="ascii")
    by_code = Counter(
        next(p[:n] for n in (1, 2, 3) if p[:n].isdigit() and int(p[:n]) in COUNTRY_CODE_TO_REGION_CODE) for p in table
    )
    shared = {code: count for code, count in by_code.items() if count > 1}
    print(f"{len(table)} prefixes; {checked} examples, {exceptions} exceptions; shared codes: {shared}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
