"""Which sessions there are: counts for limits, who is bound for which account, and how all of them are stopped."""

from collections import Counter
from typing import Protocol

from smsagg.model import CarrierAlert

UNCOUNTED = ""
"""Instead of an address: a trusted balancer's own connections have no limit but the one on all."""


class BoundSession(Protocol):
    """What the registry asks of a session."""

    def probe(self) -> None:
        """Find out soon whether the peer is still there."""
        ...

    def alert(self, alert: CarrierAlert) -> bool:
        """Tell the peer that a handset can be reached again; False when it does not receive."""
        ...


class Sessions:
    """All connections of the listener, bound or not."""

    def __init__(self, sessions_max: int, per_address_max: int) -> None:
        self._sessions_max = sessions_max
        self._per_address_max = per_address_max
        self._by_address: Counter[str] = Counter()
        self._by_account: dict[str, list[BoundSession]] = {}
        self._bind_types: Counter[tuple[str, ...]] = Counter()
        self.connections = 0

    def set_limit(self, per_address_max: int) -> None:
        """Another limit for each address, on connections that come from now on."""
        self._per_address_max = per_address_max

    def enter(self) -> bool:
        """Count a new connection; False when there are too many in all. :meth:`leave` ends what True began."""
        if self.connections >= self._sessions_max:
            return False
        self.connections += 1
        return True

    def leave(self) -> None:
        self.connections -= 1

    def claim(self, address: str) -> bool:
        """Count a connection under its address; False when that has too many. :meth:`release` ends what True began."""
        if address == UNCOUNTED:
            return True
        if self._by_address[address] >= self._per_address_max:
            return False
        self._by_address[address] += 1
        return True

    def release(self, address: str) -> None:
        if address == UNCOUNTED:
            return
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def bind(self, account: str, bind_type: str, session: BoundSession, binds_max: int) -> bool:
        """Count a bind; False when the account has its number. Then its other sessions are probed, so that
        dead ones make room within the response timer."""
        bound = self._by_account.setdefault(account, [])
        if len(bound) >= binds_max:
            for other in bound:
                other.probe()
            return False
        bound.append(session)
        self._bind_types[account, bind_type] += 1
        return True

    def unbind(self, account: str, bind_type: str, session: BoundSession) -> None:
        self._by_account[account].remove(session)
        self._bind_types[account, bind_type] -= 1

    def alert(self, account: str, alert: CarrierAlert) -> int:
        """Tell all of the account's sessions that receive; how many."""
        return sum(session.alert(alert) for session in self._by_account.get(account, ()))

    def counts(self) -> dict[tuple[str, ...], int]:
        """Bound sessions by (account, bind type)."""
        return dict(self._bind_types)
