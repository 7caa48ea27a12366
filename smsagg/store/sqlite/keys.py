"""Which keys the store needs: those under which something in it may be sealed.

A key is noted in the transaction of the first thing that it sealed, and forgotten when nothing is sealed with it any
more; so a store whose keys are not all there is found out when it is opened, not when the first text cannot be read.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw

from smsagg.errors import StoreFailed
from smsagg.protection import Cipher


def number_of(key_id: bytes) -> int:
    """As the database holds it: never 0, which stands for no key."""
    return int.from_bytes(key_id, "big") or 1


class NeededKeys:
    """Used by the writer thread only. Raises :class:`StoreFailed` when a key that is needed is not there."""

    def __init__(self, connection: apsw.Connection, cipher: Cipher) -> None:
        self._cipher = cipher
        self._number = number_of(cipher.key_id)
        needed = needed_keys(connection.execute)
        missing = needed - {number_of(key_id) for key_id in cipher.key_ids}
        if missing:
            names = ", ".join(f"{number:08x}" for number in sorted(missing))
            raise StoreFailed(
                f"sealed with key {names}, which is not there: put it back into the key file, or name its place in"
                " store.encryption.keys"
            )
        self._is_noted = self._number in needed
        self._is_noting = False

    def note(self, cursor: apsw.Cursor) -> None:
        """In a transaction that may hold the first thing that was sealed; :meth:`committed` must follow."""
        self._is_noting = self._cipher.has_sealed  # what is sealed from here on comes with a later transaction
        if self._is_noting and not self._is_noted:
            cursor.execute("INSERT OR IGNORE INTO store_keys VALUES (?)", (self._number,))

    def committed(self) -> None:
        self._is_noted = self._is_noted or self._is_noting


def needed_keys(ask: Callable[[str, Sequence[Any]], Iterable[Any]]) -> set[int]:
    """Those that have been noted."""
    return {row[0] for row in ask("SELECT key_id FROM store_keys", ())}
