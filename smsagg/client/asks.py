"""Questions as values, which either client asks: one request with the shape of its answer, or a list in pages.

``client.ask(verifications.look(id))``, ``for key in client.each(keys.all())``. What has no function of its own (the
operator's side, say) is asked by :func:`request`.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx2
from attrs import define, evolve, fields, has
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from smsagg.client.calls import Call, params_of, written

T = TypeVar("T")
WIRE_NAME = "name"
"""In the metadata of a field: what the API calls it, where that is no name in Python."""
_converter = Converter()
_converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))


@_converter.register_structure_hook_factory(has)
def _renaming(shape: type) -> Callable[[Any, Any], Any]:
    named = {one.name: one.metadata[WIRE_NAME] for one in fields(shape) if WIRE_NAME in one.metadata}
    renamed: Any = {ours: override(rename=wire) for ours, wire in named.items()}
    return make_dict_structure_fn(shape, _converter, **renamed)


@define(frozen=True)
class Ask(Generic[T]):
    """One request."""

    call: Call
    read: Callable[[httpx2.Response], T]


@define(frozen=True)
class Listing(Generic[T]):
    """A list that comes in pages."""

    call: Call
    """For its first page."""
    member: str
    """Of an answer, that holds the page."""
    shape: type[T]

    def page(self, cursor: str) -> Call:
        """The call for a page; ``cursor`` is ``""`` for the first one."""
        return evolve(self.call, params={**self.call.params, "cursor": cursor}) if cursor else self.call

    def read(self, document: Mapping[str, Any]) -> list[T]:
        """What is on a page."""
        return [_converter.structure(one, self.shape) for one in document[self.member]]


def shaped(shape: type[T]) -> Callable[[httpx2.Response], T]:
    """Reads an answer in JSON; members that the shape does not know are left out."""
    return lambda response: _converter.structure(response.json(), shape)


def nothing(_response: httpx2.Response) -> None:
    """There is no answer but that it was done."""


def get(path: str, **params: Any) -> Call:
    return Call("GET", path, params=params_of(params))


def delete(path: str, headers: Mapping[str, str] | None = None, **params: Any) -> Call:
    return Call("DELETE", path, params=params_of(params), headers=headers or {})


def saying(method: str, path: str, document: Mapping[str, Any], *, is_repeatable: bool = False) -> Call:
    """With ``document`` as it is."""
    body = json.dumps(document, default=written).encode()
    return Call(method, path, body=body, headers={"Content-Type": "application/json"}, is_repeatable=is_repeatable)


def post(
    path: str,
    document: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    is_repeatable: bool = False,
) -> Call:
    """With the members of ``document`` that are not ``None``."""
    said = {name: value for name, value in (document or {}).items() if value is not None}
    call = saying("POST", path, said, is_repeatable=is_repeatable)
    return evolve(call, headers={**call.headers, **headers}) if headers else call


def post_once(path: str, document: Mapping[str, Any], idempotency_key: str) -> Call:
    """Done once, however often it is asked for."""
    headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
    return post(path, document, headers, is_repeatable=True)


def request(method: str, path: str, document: Mapping[str, Any] | None = None, **params: Any) -> Ask[Any]:
    """Anything that the API has, answered as it comes; asked again only where nothing can happen twice."""
    is_repeatable = method in ("GET", "PUT", "DELETE")
    call = Call(method, path, params=params_of(params), is_repeatable=is_repeatable)
    if document is not None:
        call = evolve(saying(method, path, document, is_repeatable=is_repeatable), params=call.params)
    return Ask(call, lambda response: response.json() if response.content else None)


def place(path: str, name: str, *more: str) -> str:
    """The path of one thing, whatever characters its name has."""
    if not name or name in (".", ".."):
        raise ValueError(f"nothing has the name {name!r}")
    return "/".join([path, quote(name, safe=""), *more])
