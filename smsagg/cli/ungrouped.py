"""What goes wrong in nurseries, as commands tell it."""

from collections.abc import Iterator
from contextlib import contextmanager

from smsagg.errors import SmsaggError


@contextmanager
def ungrouped() -> Iterator[None]:
    """Lets an SmsaggError out of nurseries' groups as itself; a group that holds anything else stays what it is.

    Not by ``except*``: what is raised there comes out in a group again before Python 3.11.4.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        own, others = group.split(SmsaggError)
        if own is None or others is not None:
            raise
        error: BaseException = own
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
