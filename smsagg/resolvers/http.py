"""The resolver ``http``: asks a look-up service by GET, and finds the network in its JSON.

A service answers 200 with JSON, or 404 for a number of which it knows nothing. Where in the JSON the network stands is
said by JSON pointers (RFC 6901), whose values are put together: ``["/data/mccmnc"]``, or ``["/mcc", "/mnc"]``. A value
that is missing, null or empty means that nothing is known. Anything else is a :class:`ResolverError`, and so are
answers of more than :data:`ANSWER_OCTETS_MAX` and redirects.
"""

import os
from typing import Any, ClassVar

import httpx2
import orjson
import trio
from attrs import Factory, define, field

from smsagg.config.units import Duration
from smsagg.config.validators import above, at_least, each, not_empty
from smsagg.errors import ConfigError
from smsagg.resolvers.base import ResolverError
from smsagg.routing.networks import is_network

ANSWER_OCTETS_MAX = 65_536
NUMBER = "{msisdn}"
_FOUND, _NOT_FOUND = 200, 404
_SECRET_WORDS = ("auth", "cookie", "key", "password", "secret", "token")
"""Of names of headers."""


def _template(_instance: Any, _attribute: Any, value: Any) -> None:
    if NUMBER not in value or not value.startswith(("https://", "http://")):
        raise ValueError(f'must be an http or https URL with {NUMBER} where the number goes, not "{value}"')
    try:
        host = httpx2.URL(value.replace(NUMBER, "0")).host
    except httpx2.InvalidURL as error:
        raise ValueError(f"is no URL: {error}") from error
    if not host:
        raise ValueError(f'must be a URL with a host, not "{value}"')


def _pointer(_instance: Any, _attribute: Any, value: Any) -> None:
    if not value.startswith("/"):
        raise ValueError(f'must hold JSON pointers such as "/data/mccmnc", not "{value}"')


def _no_secrets(_instance: Any, _attribute: Any, value: Any) -> None:
    for name in value:
        if any(word in name.lower() for word in _SECRET_WORDS):
            raise ValueError(f'"{name}" looks like a secret: write it as token, or name its variable in headers_env')


@define(frozen=True)
class HttpResolverSettings:
    """Keys of ``[routing.lookup]`` with ``type = "http"``."""

    url: str = field(validator=_template, repr=False)
    """With ``{msisdn}`` where the number goes (E.164, no plus)."""
    answer: tuple[str, ...] = field(default=("/mccmnc",), validator=[not_empty, each(_pointer)])
    """JSON pointers of the network in the answer; of several the values are put together."""
    token: str = field(default="", repr=False)
    """Sent as ``Authorization: Bearer``."""
    headers: dict[str, str] = field(factory=dict, validator=_no_secrets)
    """Sent with each question. They are no place for secrets: versions of the configuration keep them."""
    headers_env: dict[str, str] = Factory(dict)
    """The same, each from the environment variable that is named."""
    timeout: Duration = field(default=Duration(2.0), validator=above(0))
    """Of connecting, of each read and write; ``deadline`` is for the whole of it."""
    connections_max: int = field(default=20, validator=at_least(1))


class HttpResolver:
    """See :class:`~smsagg.resolvers.base.Resolver`."""

    Settings: ClassVar[type[HttpResolverSettings]] = HttpResolverSettings

    def __init__(self, settings: HttpResolverSettings) -> None:
        self._settings = settings
        missing = [variable for variable in settings.headers_env.values() if variable not in os.environ]
        if missing:
            raise ConfigError(f"routing.lookup.headers_env: not in the environment: {', '.join(missing)}")
        from_environment = {name: os.environ[variable] for name, variable in settings.headers_env.items()}
        bearer = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        self._headers = {"Accept": "application/json"} | bearer | settings.headers | from_environment
        self._client: httpx2.AsyncClient | None = None

    def known(self, digits: str) -> str | None:
        return None

    async def resolve(self, digits: str) -> str:
        if self._client is None:
            raise ResolverError("the resolver is not running")
        try:
            async with self._client.stream("GET", self._settings.url.replace(NUMBER, digits)) as response:
                if response.status_code == _NOT_FOUND:
                    return ""
                if response.status_code != _FOUND:
                    raise ResolverError(f"HTTP status {response.status_code}")
                octets = await _read(response)
        except httpx2.HTTPError as error:
            raise ResolverError(f"{type(error).__name__}: {error}") from error
        return network_in(octets, self._settings.answer)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        most = self._settings.connections_max
        limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
        async with httpx2.AsyncClient(
            headers=self._headers, timeout=self._settings.timeout, limits=limits, follow_redirects=False
        ) as client:
            self._client = client
            try:
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._client = None


async def _read(response: httpx2.Response) -> bytes:
    octets = bytearray()
    async for chunk in response.aiter_bytes():
        octets += chunk
        if len(octets) > ANSWER_OCTETS_MAX:
            raise ResolverError(f"the answer has more than {ANSWER_OCTETS_MAX} octets")
    return bytes(octets)


def network_in(octets: bytes, pointers: tuple[str, ...]) -> str:
    """The network in a JSON answer, ``""`` when it has none. Raises :class:`ResolverError` when it makes no sense."""
    try:
        document = orjson.loads(octets)
    except orjson.JSONDecodeError as error:
        raise ResolverError(f"the answer is not JSON: {error}") from error
    values = [_value_at(document, pointer) for pointer in pointers]
    if None in values or "" in values:
        return ""
    network = "".join(values).replace("-", "").replace(" ", "")
    if not is_network(network):
        raise ResolverError(f'"{network[:20]}" is no MCC and MNC')
    return network


def _value_at(document: Any, pointer: str) -> Any:
    """The text of what stands there, ``None`` for nothing."""
    value = document
    for part in pointer[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return None
    if isinstance(value, bool) or not isinstance(value, (str, int, type(None))):
        raise ResolverError(f"{pointer} is neither text nor number")
    return None if value is None else str(value)
