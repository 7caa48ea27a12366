"""Which of SQLite's errors are the medium's fault, and what the port calls them."""

import errno

import apsw

from smsagg.errors import StoreError, StoreFailed, StoreFull

OUR_OWN_FAULT = (
    apsw.ConstraintError,
    apsw.SQLError,
    apsw.MisuseError,
    apsw.MismatchError,
    apsw.RangeError,
    apsw.BindingsError,
    apsw.ThreadingViolationError,
)
"""These say that a statement or a record of ours is wrong: no retry can help, so they end the program."""


def store_error(error: apsw.Error | OSError) -> StoreError:
    """The port's word for ``error``; raises it again when it is our own fault."""
    if isinstance(error, OUR_OWN_FAULT):
        raise error
    if isinstance(error, apsw.FullError) or getattr(error, "errno", None) == errno.ENOSPC:
        return StoreFull("no space left for the database")
    return StoreFailed(f"the database failed: {type(error).__name__}: {error}")


def needs_reopening(error: apsw.Error) -> bool:
    """Whether the connection that raised ``error`` is not to be trusted any further."""
    return not isinstance(error, apsw.FullError | apsw.BusyError | apsw.LockedError)
