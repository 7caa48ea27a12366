"""Has everything that single keys sealed sealed with the newest one, when a store is opened.

That is little, however large the store is: the key of the database (:mod:`smsagg.store.seal_file`), the tokens in what
is kept by name, and secret texts that are not over. Codes are kept as digests, which cannot be made anew: the key that
made them is needed until those that are pending have ended, minutes later, and is forgotten at the start after that.

Batches of :data:`BATCH` rows are transactions of their own; what is cut off goes on at the next start, since a key is
forgotten last.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import apsw

from smsagg.errors import SealError
from smsagg.protection import Cipher
from smsagg.protection.cipher import DIGEST_OCTETS, key_ids_of_tokens
from smsagg.store.sqlite.keys import needed_keys, number_of
from smsagg.store.sqlite.rows import Row
from smsagg.store.sqlite.sealing import SECRET_TEXT

BATCH = 500

Ask = Callable[[str, Sequence[Any]], list[Row]]

_ENTITIES = """
    SELECT kind, entity_key, value FROM entities
    WHERE instr(value, CAST('sealed:' AS BLOB)) > 0 AND (kind, entity_key) > (?, ?) ORDER BY kind, entity_key LIMIT ?
"""
_TEXTS = "SELECT seq, body FROM messages WHERE is_secret AND body <> x'' AND seq > ? ORDER BY seq LIMIT ?"
_DIGESTS = "SELECT digests FROM verifications INDEXED BY verifications_pending WHERE state = 'pending'"


def reseal(connection: apsw.Connection, cipher: Cipher) -> None:
    """Nothing at all, unless there are several keys.

    Then the newest one is noted at once: that shows that it seals now, and that an older one may go.
    """
    newest = number_of(cipher.key_id)
    if len(cipher.key_ids) == 1:
        return
    connection.execute("INSERT OR IGNORE INTO store_keys VALUES (?)", (newest,))
    if needed_keys(connection.execute) == {newest}:
        return
    _reseal_entities(connection, cipher)
    _reseal_texts(connection, cipher)
    pending = {number_of(key_id) for key_id in _of_digests(connection)}
    for key in needed_keys(connection.execute) - pending - {newest}:
        connection.execute("DELETE FROM store_keys WHERE key_id = ?", (key,))


def sealed_by(ask: Ask) -> Counter[bytes]:
    """How many values each key seals, in one snapshot of the store."""
    counted: Counter[bytes] = Counter()
    for (value,) in ask("SELECT value FROM entities WHERE instr(value, CAST('sealed:' AS BLOB)) > 0", ()):
        counted.update(key_ids_of_tokens(value))
    counted.update(
        Cipher.key_id_of(body) for (body,) in ask("SELECT body FROM messages WHERE is_secret AND body <> x''", ())
    )
    counted.update(key_id for (digests,) in ask(_DIGESTS, ()) for key_id in _key_ids(digests))
    return counted


def _reseal_entities(connection: apsw.Connection, cipher: Cipher) -> None:
    place: Row = ("", "")
    while rows := _rows(connection, _ENTITIES, (*place, BATCH)):
        with connection:
            for kind, key, value in rows:
                values = (cipher.reseal_tokens(value), kind, key)
                connection.execute("UPDATE entities SET value = ? WHERE kind = ? AND entity_key = ?", values)
        place = rows[-1][:2]


def _reseal_texts(connection: apsw.Connection, cipher: Cipher) -> None:
    seq = 0
    while rows := _rows(connection, _TEXTS, (seq, BATCH)):
        with connection:
            for seq, body in rows:
                try:
                    sealed = cipher.seal(cipher.open(body, SECRET_TEXT), SECRET_TEXT)
                except SealError:
                    continue  # it has been changed, and opens as an empty text
                connection.execute("UPDATE messages SET body = ? WHERE seq = ?", (sealed, seq))


def _rows(connection: apsw.Connection, text: str, bindings: Sequence[Any]) -> list[Row]:
    return connection.execute(text, bindings).fetchall()


def _of_digests(connection: apsw.Connection) -> set[bytes]:
    return {key_id for (digests,) in _rows(connection, _DIGESTS, ()) for key_id in _key_ids(digests)}


def _key_ids(digests: bytes) -> list[bytes]:
    return [Cipher.key_id_of(digests[start:]) for start in range(0, len(digests), DIGEST_OCTETS)]
