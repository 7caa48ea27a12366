"""Prefixes in which far fewer messages are delivered than elsewhere in the same country.

Theory of operation. Of each prefix, and of each country, two decayed counts are kept: messages that are over, and those
of them that were delivered; what is an hour old counts half. A prefix has collapsed when its rate is below ``share`` of
the rate of the rest of its country, and both rest on enough messages. The rest is the country less the prefix, so a
prefix that is most of a country's traffic does not hide in it.

A message is over when its final state is known, which for one that nobody reports on is at the end of its life: a
collapse is seen that late.
"""

from smsagg.abuse.bounded import RecentKeys

HALF_LIFE_MS = 3_600_000


class Tally:
    """Delivered, of how many; decayed."""

    __slots__ = ("_at", "delivered", "messages")

    def __init__(self) -> None:
        self._at = 0
        self.messages = 0.0
        self.delivered = 0.0

    def add(self, delivered: bool, now: int) -> None:
        """One more, at ``now`` (UTC milliseconds)."""
        self.decay(now)
        self.messages += 1.0
        if delivered:
            self.delivered += 1.0

    def decay(self, now: int) -> None:
        """As of ``now``."""
        if now > self._at:
            if self.messages:
                share = 0.5 ** ((now - self._at) / HALF_LIFE_MS)
                self.messages *= share
                self.delivered *= share
            self._at = now


class CountryTallies:
    """What all accounts that look for collapses found, by country; there are some 250."""

    __slots__ = ("_tallies",)

    def __init__(self) -> None:
        self._tallies: RecentKeys[str, Tally] = RecentKeys(1_000, Tally)

    def __getitem__(self, country: str) -> Tally:
        return self._tallies[country]


class Collapses:
    """One account's prefixes."""

    __slots__ = ("_countries", "_messages", "_prefixes", "_share")

    def __init__(self, share: float, messages: int, countries: CountryTallies, prefixes_max: int) -> None:
        self._share = share
        self._messages = messages
        self._countries = countries
        self._prefixes: RecentKeys[str, Tally] = RecentKeys(prefixes_max, Tally)

    def __len__(self) -> int:
        return len(self._prefixes)

    @property
    def forgotten(self) -> int:
        """How many were dropped for want of room."""
        return self._prefixes.forgotten

    def note(self, prefix: str, country: str, delivered: bool, now: int) -> tuple[float, float] | None:
        """A message is over, ``now`` (UTC milliseconds); the delivery rates of the prefix and of the rest of its
        country when the prefix has collapsed."""
        own, all_of_country = self._prefixes[prefix], self._countries[country]
        own.add(delivered, now)
        all_of_country.add(delivered, now)
        if delivered or own.messages < self._messages:
            return None
        rest = all_of_country.messages - own.messages
        if rest < self._messages:
            return None
        own_rate = own.delivered / own.messages
        rest_rate = max(all_of_country.delivered - own.delivered, 0.0) / rest
        return (own_rate, rest_rate) if own_rate < self._share * rest_rate else None

    def forget(self, prefix: str) -> None:
        """Begin anew."""
        self._prefixes.pop(prefix)
