"""All endpoints by name: those of the configuration file, those made at run time, and what callbacks are.

Where both have one of a name, the file's is in force. What was made at run time is kept by the register, under
``account/hook`` (for callbacks under ``account``), its secrets sealed with the store's key. Memory: one entry each; the
desk and the configuration say how many there may be.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import structlog
from attrs import evolve

from smsagg.config.schema import Config
from smsagg.config.webhook_settings import WebhookSettings
from smsagg.engine.directory.register import Register
from smsagg.errors import SealError
from smsagg.events.endpoint import Endpoint, Source, account_of, is_callback
from smsagg.protection import Cipher

KIND = "webhook"
CALLBACKS_KIND = "callback-secret"
CALLBACKS = "callbacks"
"""The hook of what an account's callbacks have in common."""
_CONTEXT = "webhook-secret"
NOWHERE = "https://callback.invalid/"
"""Stands for the places that messages name."""

log = structlog.get_logger("smsagg.webhooks")


class Endpoints:
    """One for the process."""

    def __init__(self, config: Callable[[], Config], register: Register, cipher: Cipher) -> None:
        self._config = config
        self._register = register
        self._cipher = cipher
        self._kept: dict[str, Endpoint] = {}
        self._kept_callbacks: dict[str, Endpoint] = {}
        self._by_name: dict[str, Endpoint] = {}
        self._by_account: dict[str, dict[str, Endpoint]] = {}
        self._callbacks: dict[str, Endpoint] = {}
        self.on_changed: list[Callable[[], None]] = []
        """Each is called when they have become others, or stand otherwise."""
        self._is_loading = False
        self.reconfigure()

    def load(self) -> None:
        """Take up what the register keeps, and follow it; once, when it is loaded."""
        self._is_loading = True
        self._register.follow(KIND, self._on_kept)
        self._register.follow(CALLBACKS_KIND, self._on_kept_callbacks)
        self._is_loading = False
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration from now on."""
        accounts = self._config().accounts
        found = {name: one for name, one in self._kept.items() if one.account in accounts}
        self._callbacks = {name: one for name, one in self._kept_callbacks.items() if name in accounts}
        for account, settings in accounts.items():
            hooks = (Endpoint(account, hook, webhook) for hook, webhook in settings.webhooks.items())
            found.update((one.name, one) for one in hooks)
            if settings.callbacks is not None:
                said = settings.callbacks
                common = WebhookSettings(
                    NOWHERE, said.secret, said.old_secret, rate=said.rate, concurrency=said.concurrency
                )
                self._callbacks[account] = Endpoint(account, CALLBACKS, common)
        self._by_name, self._by_account = found, {}
        for one in found.values():
            self._by_account.setdefault(one.account, {})[one.hook] = one
        self.tell()

    def tell(self) -> None:
        """Tell whoever wants to know that they have become others, or stand otherwise."""
        for told in self.on_changed:
            told()

    def get(self, name: str) -> Endpoint | None:
        """``None``: nobody is told anything under this name."""
        if not is_callback(name):
            return self._by_name.get(name)
        common = self._callbacks.get(account_of(name))
        if common is None:
            return None
        url = name[len(common.account) + 1 :]
        return evolve(common, hook=url, settings=evolve(common.settings, url=url), source=Source.CALLBACK)

    def of(self, account: str) -> Mapping[str, Endpoint]:
        """An account's, by the name that they have within it; no callbacks."""
        return self._by_account.get(account, {})

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._by_name.values())

    def callbacks_of(self, account: str) -> Endpoint | None:
        """What the callbacks of ``account`` have in common; ``None``: its messages may name none."""
        return self._callbacks.get(account)

    # --- what is kept ---

    def value_of(self, endpoint: Endpoint) -> dict[str, Any]:
        """As the register keeps it."""
        settings = endpoint.settings
        return {
            "url": settings.url,
            "secret": self._seal(settings.secret),
            "old_secret": self._seal(settings.old_secret),
            "old_secret_until": endpoint.old_secret_until,
            "events": list(settings.events),
            "rate": settings.rate,
            "concurrency": settings.concurrency,
            "batch_max": settings.batch_max,
            "created_at": endpoint.created_at,
        }

    def _seal(self, secret: str) -> str:
        return self._cipher.seal_text(secret, _CONTEXT) if secret else ""

    def _open(self, token: str) -> str:
        return self._cipher.open_text(token, _CONTEXT) if token else ""

    def _endpoint_of(self, account: str, hook: str, value: Mapping[str, Any]) -> Endpoint | None:
        try:
            secret, old_secret = self._open(value["secret"]), self._open(value["old_secret"])
        except SealError as error:
            log.error("webhook_secret_unreadable", endpoint=f"{account}/{hook}", reason=str(error))
            return None
        members = {name: value[name] for name in ("url", "rate", "concurrency", "batch_max")}
        settings = WebhookSettings(secret=secret, old_secret=old_secret, events=tuple(value["events"]), **members)
        return Endpoint(account, hook, settings, Source.API, value["old_secret_until"], value["created_at"])

    def _on_kept(self, key: str, value: Mapping[str, Any] | None) -> None:
        account, _, hook = key.rpartition("/")
        self._take(self._kept, key, None if value is None else self._endpoint_of(account, hook, value))

    def _on_kept_callbacks(self, key: str, value: Mapping[str, Any] | None) -> None:
        self._take(self._kept_callbacks, key, None if value is None else self._endpoint_of(key, CALLBACKS, value))

    def _take(self, kept: dict[str, Endpoint], key: str, endpoint: Endpoint | None) -> None:
        if endpoint is None:
            kept.pop(key, None)
        else:
            kept[key] = endpoint
        if not self._is_loading:
            self.reconfigure()
