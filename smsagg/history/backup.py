"""A copy of the store as it is at one moment, made beside the running server; sealed as the store is."""

from contextlib import suppress
from pathlib import Path

import apsw

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.history.reader import key_of, open_connection
from smsagg.store.key_files import load_cipher, sync_file, sync_folder
from smsagg.store.seal_file import SealFile
from smsagg.store.sqlite.errors import store_error


def back_up(store: StoreSettings, target: Path) -> None:
    """Write the copy to ``target``, and the file with its key, if it has one, beside it; raises :class:`StoreFailed`.

    A copy that was cut off does not stand under the name. The store's WAL is not started over meanwhile.
    """
    seal = SealFile(str(target))
    for path in (target, seal.path):
        if path.exists():
            raise StoreFailed(f"{path} is there already")
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        database_key = key_of(store.path, store.encryption)
        unfinished.unlink(missing_ok=True)
        unfinished.touch(0o600)
        with open_connection(store.path, database_key) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        if database_key:
            seal.write(load_cipher(store), [database_key])
        sync_file(unfinished, target)
        unfinished.rename(target)
        sync_folder(target)
    except (apsw.Error, OSError, StoreFailed) as error:
        for path in (unfinished, seal.path, target):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        if isinstance(error, StoreFailed):
            raise
        reason = store_error(error) if isinstance(error, apsw.Error) else error.strerror
        raise StoreFailed(f"{target}: {reason}") from error
