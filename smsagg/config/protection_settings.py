"""The table of the configuration file that says what is sealed; part of :mod:`smsagg.config.schema`."""

import re
from typing import Any

from attrs import define, field

from smsagg.config.validators import each

_SOURCE = re.compile(r"file:.+|env:[A-Za-z_][A-Za-z0-9_]*")


def key_source(_instance: Any, _attribute: Any, value: Any) -> None:
    """``file:PATH`` or ``env:NAME``; the value is not quoted, since it may be a key that was put here by mistake."""
    if not _SOURCE.fullmatch(value):
        raise ValueError('must hold "file:PATH" or "env:NAME", where keys are; a key itself has no place here')


@define(frozen=True)
class EncryptionSettings:
    """``[store.encryption]``: texts and numbers in the store's file are sealed."""

    enabled: bool = False
    """Without it only secrets are: texts with codes, secrets of webhooks."""
    keys: tuple[str, ...] = field(default=(), validator=each(key_source))
    """``"file:PATH"`` and ``"env:NAME"``, the newest key first; none: the file beside the store, its path and ``.key``,
    which is made at the first start."""
