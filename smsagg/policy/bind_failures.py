"""What failed binds cost who makes them: answers that come later and later, then a ban for a time.

Two counts are kept. One is of an address with one system_id: its ban stops guessing at one account, and since the
address is part of the key, nobody can have an account banned anywhere but at his own address. The other is of an
address with all system_ids together, for who tries many of them; its ban spares binds whose account names that network
as its own, and those that were right from there before (``is_known``), so that a tenant who shares an address with an
attacker goes on binding.

==================  ===========================================  ===========================================
Count               Delay of refusals                            Ban
==================  ===========================================  ===========================================
address, system_id  from the failure after ``free`` on:          at ``ban_after`` failures, those counted in
                    ``delay_first``, doubled with each failure   that are being checked this moment
                    up to ``delay_max``
address             ``delay_max`` from half of the limit on      at ``address_ban_after`` failures
==================  ===========================================  ===========================================

A ban lasts ``ban`` from the failure that began it: binds refused because of it neither count nor make it longer. After
it the count stands where it stood: the next failure bans again, and ``forget_after`` without a failure clears it. A
right bind clears the count of its address and system_id, never that of the address.

Refusals only are delayed, and to an instant that does not depend on what was wrong: a banned bind, whose password is
not looked at, is answered when a wrong password would be.

Memory: ``remembered_max`` entries of each kind; who failed longest ago is forgotten first. Instants are monotonic
seconds.
"""

from collections import Counter
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

from attrs import define

from smsagg.config.schema import BindFailureSettings

Key = TypeVar("Key", bound=Hashable)

_DOUBLINGS_MAX = 32
"""More would reach any ``delay_max``, and at last no float could hold them."""


class Bans(NamedTuple):
    """Which bans a failure began."""

    of_bind: bool
    of_address: bool


@define
class _Record:
    failures: int = 0
    failed_at: float = 0.0
    banned_until: float = 0.0


class _Records(Generic[Key]):
    """Failures by key, in the order of the last one."""

    def __init__(self, ban_after: int, settings: BindFailureSettings) -> None:
        self._ban_after = ban_after
        self._settings = settings
        self._by_key: dict[Key, _Record] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def set_limits(self, ban_after: int, settings: BindFailureSettings) -> None:
        self._ban_after = ban_after
        self._settings = settings

    def failures(self, key: Key, now: float) -> int:
        record = self._by_key.get(key)
        return 0 if record is None or self._is_over(record, now) else record.failures

    def is_banned(self, key: Key, now: float) -> bool:
        record = self._by_key.get(key)
        return record is not None and now < record.banned_until

    def add(self, key: Key, now: float) -> bool:
        """Count a failure; whether it began a ban."""
        record = self._by_key.pop(key, None)
        if record is None or self._is_over(record, now):
            record = _Record()
        self._by_key[key] = record
        record.failures += 1
        record.failed_at = now
        begins = record.failures >= self._ban_after and now >= record.banned_until
        if begins:
            record.banned_until = now + self._settings.ban
        self._forget(now)
        return begins

    def clear(self, key: Key) -> None:
        self._by_key.pop(key, None)

    def banned(self, now: float) -> int:
        return sum(now < record.banned_until for record in self._by_key.values())

    def _is_over(self, record: _Record, now: float) -> bool:
        return now >= record.banned_until and now >= record.failed_at + self._settings.forget_after

    def _forget(self, now: float) -> None:
        """Drop from the front what is over, and what is too much."""
        while self._by_key:
            first = next(iter(self._by_key))
            if len(self._by_key) <= self._settings.remembered_max and not self._is_over(self._by_key[first], now):
                return
            del self._by_key[first]


class BindFailures:
    """Addresses are whatever the caller counts by, see :func:`smsagg.policy.networks.subscriber_of`."""

    def __init__(self, settings: BindFailureSettings) -> None:
        self._settings = settings
        self._binds: _Records[tuple[str, str]] = _Records(settings.ban_after, settings)
        self._addresses: _Records[str] = _Records(settings.address_ban_after, settings)
        self._checking: Counter[tuple[str, str]] = Counter()
        self._known: dict[tuple[str, str], None] = {}

    def set_limits(self, settings: BindFailureSettings) -> None:
        """Other settings from now on. What was counted stays, and a ban that is in force lasts as long as it was to."""
        self._settings = settings
        self._binds.set_limits(settings.ban_after, settings)
        self._addresses.set_limits(settings.address_ban_after, settings)

    def is_banned(self, address: str, system_id: str, now: float, *, is_listed: bool) -> bool:
        """Whether a bind may not be looked at now. ``is_listed``: the account names this network as its own."""
        if self._binds.is_banned((address, system_id), now):
            return True
        is_spared = is_listed or self.is_known(address, system_id)
        return not is_spared and self._addresses.is_banned(address, now)

    def is_known(self, address: str, system_id: str) -> bool:
        """Whether this system_id was right from this address before, and that is remembered."""
        return (address, system_id) in self._known

    def begin(self, address: str, system_id: str, now: float) -> bool:
        """Whether a password may be checked now; then ``end`` must follow. Many at once get as many as one by one."""
        bind = address, system_id
        if self._checking[bind] >= max(self._settings.ban_after - self._binds.failures(bind, now), 1):
            return False
        self._checking[bind] += 1
        return True

    def end(self, address: str, system_id: str) -> None:
        """The check is over, whatever came out of it."""
        bind = address, system_id
        self._checking[bind] -= 1
        if not self._checking[bind]:
            del self._checking[bind]

    def failed(self, address: str, system_id: str, now: float) -> Bans:
        """Count a bind that was refused for what it said."""
        return Bans(self._binds.add((address, system_id), now), self._addresses.add(address, now))

    def succeeded(self, address: str, system_id: str) -> None:
        """A bind was right."""
        bind = address, system_id
        self._binds.clear(bind)
        self._known.pop(bind, None)
        if len(self._known) >= self._settings.remembered_max:
            del self._known[next(iter(self._known))]
        self._known[bind] = None

    def delay_s(self, address: str, system_id: str, now: float) -> float:
        """How long after a bind request its refusal is to be sent."""
        settings = self._settings
        if 2 * self._addresses.failures(address, now) >= settings.address_ban_after:
            return settings.delay_max
        above = self._binds.failures((address, system_id), now) - settings.free
        if above <= 0:
            return 0.0
        return min(settings.delay_first * 2.0 ** min(above - 1, _DOUBLINGS_MAX), settings.delay_max)

    def bans(self, now: float) -> dict[str, int]:
        """Bans in force, by what they are of."""
        return {"bind": self._binds.banned(now), "address": self._addresses.banned(now)}
