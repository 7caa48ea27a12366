"""Who is told what happens: endpoints of accounts, and servers that single messages name (callbacks). Pure."""

from enum import StrEnum
from hashlib import sha256
from urllib.parse import urlsplit

from attrs import define

from smsagg.config.webhook_settings import WebhookSettings


class Source(StrEnum):
    """Where an endpoint comes from."""

    FILE = "file"
    """The configuration: the API reads it only."""
    API = "api"
    CALLBACK = "callback"
    """Messages name it."""


@define(frozen=True)
class Endpoint:
    """One of them."""

    account: str
    hook: str
    """Its name within the account; of a callback the server: ``https://host:port``."""
    settings: WebhookSettings
    source: Source = Source.FILE
    old_secret_until: int = 0
    """When ``old_secret`` signs no more, UTC milliseconds; 0: it does as long as it is there."""
    created_at: int = 0
    """UTC milliseconds; 0: it stands in the file."""

    @property
    def name(self) -> str:
        return name_of(self.account, self.hook)

    @property
    def digest(self) -> str:
        """What tells its settings, without the secrets, from others."""
        return sha256(repr(self.settings).encode()).hexdigest()[:16]

    def secrets(self, now: int) -> tuple[str, ...]:
        """Those that sign, the newest first."""
        old = self.settings.old_secret
        if not old or (self.old_secret_until and now >= self.old_secret_until):
            return (self.settings.secret,)
        return self.settings.secret, old


def name_of(account: str, hook: str) -> str:
    """What an endpoint is known by in the store and in logs."""
    return f"{account}/{hook}"


def callback_name(account: str, url: str) -> str:
    """The endpoint that ``url`` of a message of ``account`` stands for: one for all of a server's."""
    parts = urlsplit(url)
    return name_of(account, f"{parts.scheme}://{parts.netloc.lower()}")


def is_callback(name: str) -> bool:
    return "://" in name


def account_of(name: str) -> str:
    """Whose endpoint or callback this is."""
    return name.partition("://")[0].rpartition("/")[0]
