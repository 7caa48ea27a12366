"""Which rules a message can meet at all, by what never changes about it: account, class, country, network, prefix.

Theory of operation. A set of rules is a whole number: bit i is rule i of the file. For each value that some rule names
there is the set of the rules that take it, and one set for all values that no rule names. The rules that a message can
meet are the intersection of five such sets, found in five look-ups whatever the number of rules; the lowest bit is the
first rule. A prefix has the rules of all shorter prefixes, too, so the longest prefix that is found says all.

Memory: a set of n rules takes n / 8 octets, and like sets are kept once; 10,000 prefixes and 500 rules are some 2 MB.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from smsagg.routing.networks import MCC_DIGITS
from smsagg.routing.prefix import PrefixTable
from smsagg.routing.rules.rule import Rule

Mask = int
"""A set of rules."""


class RuleIndex:
    """Sets of rules by values. Disabled rules are in none."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        enabled = [(index, rule) for index, rule in enumerate(rules) if rule.enabled]
        self.any_account, self.accounts = _by_value((index, rule.accounts) for index, rule in enabled)
        self.any_class, self.classes = _by_value((index, rule.classes) for index, rule in enabled)
        self.any_country, self.countries = _by_value((index, rule.countries) for index, rule in enabled)
        self.any_network, by_network = _by_value((index, rule.networks) for index, rule in enabled)
        self.mccs = {network: mask for network, mask in by_network.items() if len(network) == MCC_DIGITS}
        self.networks = {network: mask | self.mccs.get(network[:MCC_DIGITS], 0) for network, mask in by_network.items()}
        self.any_prefix, self.prefixes = _by_prefix((index, rule.prefixes) for index, rule in enabled)
        self.of_digits: Callable[[str], Mask] = PrefixTable(self.prefixes, self.any_prefix).find

    def of_network(self, network: str) -> Mask:
        """The rules that take ``network`` (MCC and MNC, or ``""``)."""
        mask = self.networks.get(network)
        return self.mccs.get(network[:MCC_DIGITS], self.any_network) if mask is None else mask


def members(mask: Mask) -> Iterator[int]:
    """The rules in a set, in order."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _by_value(asked: Iterable[tuple[int, Iterable[str]]]) -> tuple[Mask, dict[str, Mask]]:
    """``(rules that take every value, rules by value)``."""
    anyone, by_value = 0, dict[str, int]()
    for index, values in asked:
        values = list(values)
        for value in values:
            by_value[value] = by_value.get(value, 0) | 1 << index
        if not values:
            anyone |= 1 << index
    return anyone, {value: mask | anyone for value, mask in by_value.items()}


def _by_prefix(asked: Iterable[tuple[int, Iterable[str]]]) -> tuple[Mask, dict[str, Mask]]:
    anyone, by_prefix = _by_value(asked)
    same: dict[Mask, Mask] = {}
    for prefix in sorted(by_prefix):  # shorter ones first
        for length in range(len(prefix) - 1, 0, -1):
            if prefix[:length] in by_prefix:
                by_prefix[prefix] |= by_prefix[prefix[:length]]
                break
        by_prefix[prefix] = same.setdefault(by_prefix[prefix], by_prefix[prefix])
    return anyone, by_prefix
