"""Whether people want what an account sends: how many of its messages do not arrive, and how many are answered with a
STOP.

Theory of operation. Messages that are over, those of them that failed, and opt-outs are counted, decayed: what is an
hour old counts half. When enough are over and the share of either is above its limit, that is a finding, and counting
begins anew, so that the next one rests on other messages. An opt-out counts whichever message it answers, for what
moves people to say it is the account as a whole. Memory: three numbers an account.
"""

from attrs import define

HALF_LIFE_MS = 3_600_000


@define
class Reputation:
    """One account's."""

    bounces_share: float | None
    """Above it is a finding; ``None``: bounces are not looked at. Likewise the next."""
    opt_outs_share: float | None
    messages_min: int
    """That are over before anything is said."""
    _at: int = 0
    _messages: float = 0.0
    _bounces: float = 0.0
    _opt_outs: float = 0.0

    def ended(self, delivered: bool, now: int) -> float | None:
        """A message is over, at ``now`` (UTC milliseconds); the share of bounces when it is a finding."""
        self._decay(now)
        self._messages += 1.0
        if delivered:
            return None
        self._bounces += 1.0
        return self._found(self._bounces, self.bounces_share)

    def opted_out(self, now: int) -> float | None:
        """Somebody opted out; the share of opt-outs when it is a finding."""
        self._decay(now)
        self._opt_outs += 1.0
        return self._found(self._opt_outs, self.opt_outs_share)

    def _found(self, count: float, limit: float | None) -> float | None:
        if limit is None or self._messages < self.messages_min or count <= limit * self._messages:
            return None
        share = count / self._messages
        self._messages = self._bounces = self._opt_outs = 0.0
        return share

    def _decay(self, now: int) -> None:
        if now > self._at:
            share = 0.5 ** ((now - self._at) / HALF_LIFE_MS)
            self._messages *= share
            self._bounces *= share
            self._opt_outs *= share
            self._at = now
