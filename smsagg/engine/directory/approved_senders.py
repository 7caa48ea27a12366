"""Senders that the operator approved at run time, as rules of countries ask about them."""

from smsagg.config.overlay import SENDER, Entity, Value, is_laid
from smsagg.engine.directory.register import Register


class ApprovedSenders:
    """Of all accounts."""

    def __init__(self, register: Register) -> None:
        self._names: set[str] = set()
        register.follow(SENDER, self._on_sender)

    def has(self, account: str, sender: str) -> bool:
        """Whether ``account`` may send from this very ``sender``, by the operator's word."""
        return f"{account}/{sender}" in self._names

    def _on_sender(self, key: str, value: Value | None) -> None:
        if is_laid(Entity(SENDER, key), value):
            self._names.add(key)
        else:
            self._names.discard(key)
