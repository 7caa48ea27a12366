"""All endpoints by name: those of the configuration file, and the callbacks of accounts that have a secret for them."""

from collections.abc import Callable, Iterator, Mapping

from smsagg.config.schema import AccountSettings, Config
from smsagg.config.webhook_settings import WebhookSettings
from smsagg.events.endpoint import Endpoint, Source, account_of, is_callback


class Endpoints:
    """One for the process."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self._by_name: dict[str, Endpoint] = {}
        self.on_changed: list[Callable[[], None]] = []
        """Each is called when they have become others."""
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration from now on."""
        accounts = self._config().accounts
        self._by_name = {one.name: one for account, settings in accounts.items() for one in _of_file(account, settings)}
        for told in self.on_changed:
            told()

    def get(self, name: str) -> Endpoint | None:
        """``None``: nobody is told anything under this name."""
        found = self._by_name.get(name)
        return self._callback(name) if found is None and is_callback(name) else found

    def of(self, account: str) -> Mapping[str, Endpoint]:
        """An account's, by the name that they have within it; no callbacks."""
        return {one.hook: one for one in self._by_name.values() if one.account == account}

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._by_name.values())

    def takes_callbacks(self, account: str) -> bool:
        """Whether messages of ``account`` may name a callback: there is a secret that signs."""
        settings = self._config().accounts.get(account)
        return settings is not None and settings.callbacks is not None

    def _callback(self, name: str) -> Endpoint | None:
        account = account_of(name)
        if not self.takes_callbacks(account):
            return None
        callbacks = self._config().accounts[account].callbacks
        assert callbacks is not None
        settings = WebhookSettings(
            name[len(account) + 1 :],
            callbacks.secret,
            callbacks.old_secret,
            rate=callbacks.rate,
            concurrency=callbacks.concurrency,
        )
        return Endpoint(account, settings.url, settings, Source.CALLBACK)


def _of_file(account: str, settings: AccountSettings) -> Iterator[Endpoint]:
    for hook, webhook in settings.webhooks.items():
        yield Endpoint(account, hook, webhook)
