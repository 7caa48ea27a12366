"""Every exception that smsagg raises on purpose; the type says who is to blame.

Expected fates of a message are values (see :mod:`smsagg.model`), never exceptions.
"""


class SmsaggError(Exception):
    """Base of all errors that smsagg raises on purpose."""


class ConfigError(SmsaggError):
    """The operator's configuration is wrong; the text names file, key path and reason, a line for each problem."""

    sound_part: object = None
    """The configuration without what is wrong with it, when enough of it is left to look at what it names."""


class StoreError(SmsaggError):
    """The store did not make a write durable, or cannot be used; nothing of the write is visible."""


class StoreFull(StoreError):
    """No space left for the write (SQLITE_FULL, ENOSPC); it may succeed later."""


class StoreFailed(StoreError):
    """The store's medium failed (I/O error, read-only, corrupt); it may or may not recover."""


class StoreInUse(StoreError):
    """Another process holds the store."""


class SealError(SmsaggError):
    """What was sealed cannot be opened: its key is not there, or it is not what was sealed."""


class ErasuresFull(SmsaggError):
    """As many erasures are under way as may be."""


class ControlError(SmsaggError):
    """An operator's command to a running server cannot be carried out; the text says why."""


class NoServerError(ControlError):
    """No server answers where its control socket should be."""


class InventoryError(SmsaggError):
    """What was asked of the number inventory cannot be: a number that somebody else has, a pool that is not there."""


class CarrierError(SmsaggError):
    """A carrier or the network to it misbehaved."""


class PeerError(SmsaggError):
    """The peer of an SMPP session misbehaved or vanished; only that session ends."""


class RegisterError(SmsaggError):
    """What was asked of the register cannot be; nothing has changed."""


class StaleValue(RegisterError):
    """What was to be changed is not as the caller saw it."""


class ProvidedByFile(RegisterError):
    """The configuration's files say what it is: it is changed there."""


class NotInForce(RegisterError):
    """The configuration's files are others than those in force: which come first, somebody has to say."""


class RegisterFull(RegisterError):
    """A kind has as many entries as it may."""


class EndpointError(SmsaggError):
    """What was asked of an account's endpoints cannot be; nothing has changed."""

    def __init__(self, kind: str, text: str) -> None:
        """``kind`` tells it from others: ``"from-file"``."""
        super().__init__(text)
        self.kind = kind
