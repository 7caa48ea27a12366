"""A copy of the store as it is at one moment, made beside the running server; sealed as the store is."""

from pathlib import Path

import apsw

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreFailed
from smsagg.history.reader import open_connection
from smsagg.store.key_files import sync_file, sync_folder, write_private
from smsagg.store.seal_file import SealFile
from smsagg.store.sqlite.errors import store_error


def back_up(store: StoreSettings, target: Path) -> None:
    """Write the copy to ``target``, and the file with its key, if it has one, beside it; raises :class:`StoreFailed`.

    A copy that was cut off does not stand under the name. The store's WAL is not started over meanwhile.
    """
    seal, copied_seal = SealFile(store.path), SealFile(str(target))
    if target.exists() or copied_seal.exists():
        raise StoreFailed(f"{target} is there already")
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        with open_connection(store.path, store.encryption) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        sync_file(unfinished)
        if seal.exists():
            write_private(copied_seal.path, seal.path.read_bytes())
        unfinished.rename(target)
        sync_folder(target)
    except apsw.Error as error:
        raise StoreFailed(f"{target}: {store_error(error)}") from error
    except OSError as error:
        raise StoreFailed(f"{target}: {error.strerror}") from error
