"""``/v1/keys`` and ``/v1/clients``, and the operator's ``/v1/admin/keys`` and ``/v1/admin/clients``: what lets in."""

from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import actor_of
from smsagg.api.v1.answering import JSON, answered
from smsagg.api.v1.asking import asked
from smsagg.api.v1.danger import PARAMETER, dangerous
from smsagg.api.v1.description import json_of
from smsagg.api.v1.directory.key_shapes import (
    KeyAnswer,
    KeysAnswer,
    NewKey,
    NewKeyAnswer,
    NewUserKey,
    Rotation,
    roles_of,
)
from smsagg.api.v1.directory.key_views import name_in_file, view_of_file, view_of_key
from smsagg.api.v1.directory.sides import Side
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.paging import Cursor, Limit, page_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.times import milliseconds_of
from smsagg.clock import Clock
from smsagg.directory.caller import Caller
from smsagg.directory.key import Key
from smsagg.directory.roles import scopes_of
from smsagg.engine.directory.credentials import Credential
from smsagg.engine.directory.directory import Directory
from smsagg.engine.directory.keyring import Keyring
from smsagg.errors import RegisterFull, StaleValue

_ROTATION: TypeAdapter[Rotation] = TypeAdapter(Rotation)


class Keys:
    """The endpoints for one kind, on one side."""

    def __init__(self, directory: Directory, keyring: Keyring, side: Side, clock: Clock) -> None:
        self._directory = directory
        self._keyring = keyring
        self._side = side
        self._clock = clock
        self._is_client = keyring is directory.clients
        self._noun = noun = "OAuth client" if self._is_client else "API key"
        self._shape: TypeAdapter[NewKey] = TypeAdapter(NewKey if self._is_client else NewUserKey)
        self.router = router = APIRouter(tags=["directory"])
        path, kind = f"{side.prefix}/{keyring.kind}s", keyring.kind
        example = {"name": "crm", "scopes": ["messages:write"], "networks": ["192.0.2.0/24"]}
        body = json_of(NewKey if self._is_client else NewUserKey, {"for sending": example})
        said = {"parameters": side.parameters}
        changing = {"parameters": [*side.parameters, PARAMETER]}
        router.post(
            path,
            status_code=201,
            response_model=NewKeyAnswer,
            responses=problems(404, 409, 415, 422, 429),
            openapi_extra={**body, **changing},
            operation_id=side.operation("create", kind),
            summary=f"Make an {noun}",
        )(self.create)
        router.get(
            path,
            response_model=KeysAnswer,
            responses=problems(404, 422),
            openapi_extra=said,
            operation_id=side.operation("list", f"{kind}s"),
            summary=f"All {noun}s",
        )(self.list)
        router.get(
            f"{path}/{{name}}",
            response_model=KeyAnswer,
            responses=problems(404),
            openapi_extra=said,
            operation_id=side.operation("get", kind),
            summary=f"Look at an {noun}",
        )(self.show)
        router.delete(
            f"{path}/{{name}}",
            status_code=204,
            responses=problems(404, 409, 429),
            openapi_extra=changing,
            operation_id=side.operation("revoke", kind),
            summary=f"Revoke an {noun}",
        )(self.revoke)
        router.post(
            f"{path}/{{name}}/rotate",
            response_model=NewKeyAnswer,
            responses=problems(404, 409, 415, 422, 429),
            openapi_extra={**json_of(Rotation, {"within a day": {"overlap_s": 86_400}}), **changing},
            operation_id=side.operation("rotate", kind),
            summary=f"Give an {noun} a new secret",
        )(self.rotate)

    async def create(self, request: Request) -> Response:
        """The secret is shown in this answer and never again; only its hash is kept."""
        account = self._side.enter(request, "write")
        key = self._key(request, account, await read_as(request, self._shape))
        if not self._is_client and self._from_file(account, key.name) is not None:
            raise _taken(key.name)
        await dangerous(request, "keys")
        try:
            made = await asked(self._directory.create_key(actor_of(request), self._keyring, key))
        except StaleValue:
            raise _taken(key.name) from None
        except RegisterFull as full:
            raise Problem(409, "too-many-keys", f"No more can be made: {full}.") from None
        if made is None:
            raise _unknown_user()
        return self._shown(201, *made)

    async def list(self, request: Request, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """Those that were made here, and those of the configuration file, by name; nothing is told of secrets."""
        account = self._side.enter(request, "read")
        found: list[Key | Credential] = [*self._keyring.all(account)]
        if not self._is_client:
            found += self._directory.credentials.from_file(account)
        page, next_cursor = page_of(found, _name_of, cursor, limit)
        views = [self._view(one) if isinstance(one, Key) else view_of_file(one) for one in page]
        return answered({"keys": views, "next_cursor": next_cursor})

    async def show(self, request: Request, name: str) -> Response:
        """What it may do, where it comes from, when it was last used; nothing of its secret."""
        account = self._side.enter(request, "read")
        key = self._keyring.find(account, name)
        view = self._view(key) if key is not None else self._from_file(account, name)
        if view is None:
            raise self._unknown()
        return answered(view)

    async def revoke(self, request: Request, name: str) -> Response:
        """From the answer on it lets nobody in, and streams that it opened end."""
        account = self._side.enter(request, "write")
        self._changeable(account, name)
        await dangerous(request, "keys")
        if not await asked(self._keyring.revoke(actor_of(request), account, name)):
            raise self._unknown()
        return Response(status_code=204)

    async def rotate(self, request: Request, name: str) -> Response:
        """The new secret is shown in this answer and never again; the old one is good for `overlap_s` seconds more, one
        that was replaced before not at all. A key may rotate itself, by its newest secret, without `users:write`."""
        account = self._account_of_own(request, name) or self._side.enter(request, "write")
        key = self._changeable(account, name)
        overlap_s = (await read_as(request, _ROTATION)).overlap_s
        self._side.grants(request.state.caller, account, key.allowed(self._role(key)))
        await dangerous(request, "keys")
        try:
            made = await asked(self._keyring.rotate(actor_of(request), account, name, overlap_s * 1_000))
        except StaleValue:
            raise Problem(409, "changed-meanwhile", "Somebody else has changed it just now.") from None
        if made is None:
            raise self._unknown()
        return self._shown(200, *made)

    def _key(self, request: Request, account: str, wanted: NewKey) -> Key:
        """What is wanted, as far as the caller may give it; raises :class:`Problem`."""
        if wanted.burst is not None and wanted.rate is None:
            raise _wrong("burst", "means nothing without a rate")
        if wanted.certificate and not self._side.asks_for_certificates:
            raise _wrong("certificate", "no client is asked for one without [server.https] client_ca_file")
        user = wanted.user if isinstance(wanted, NewUserKey) else ""
        role = self._role_of_new(account, user, wanted)
        most = scopes_of(role, account) if user or not account else scopes_of("owner", account)
        beyond = [scope for scope in wanted.scopes if scope not in most]
        if beyond:
            raise _wrong("scopes", f"{', '.join(beyond)}: not for this one")
        key = Key(
            account=account,
            name=wanted.name,
            secrets=(),
            role=role,
            scopes=tuple(sorted(set(wanted.scopes))),
            user=user,
            expires_at=self._expires_at(wanted),
            networks=tuple(wanted.networks),
            certificate=wanted.certificate,
            rate=wanted.rate,
            burst=wanted.burst,
        )
        self._side.grants(request.state.caller, account, key.allowed(role))
        return key

    def _role_of_new(self, account: str, user: str, wanted: NewKey) -> str:
        found = self._directory.users.find(account, user) if user else None
        if user and found is None:
            raise _unknown_user()
        role = found.role if found is not None else wanted.role or ("developer" if account else "operator")
        if role not in roles_of(account):
            raise _wrong("role", f"there are {', '.join(roles_of(account))}")
        return role

    def _expires_at(self, wanted: NewKey) -> int | None:
        if wanted.expires_at is None:
            return None
        expires_at = milliseconds_of(wanted.expires_at, "expires_at")
        if expires_at <= self._clock.now_ms():
            raise _wrong("expires_at", "is over already")
        return expires_at

    def _account_of_own(self, request: Request, name: str) -> str:
        """The caller's account, if it is this key that they show, with its newest secret; else empty."""
        caller: Caller = request.state.caller
        key = None if self._side.is_operators else self._keyring.find(caller.account, name)
        is_own = key is not None and caller.credential == key.secrets[0].digest
        return caller.account if is_own else ""

    def _changeable(self, account: str, name: str) -> Key:
        key = self._keyring.find(account, name)
        if key is not None:
            return key
        if self._from_file(account, name) is not None:
            raise Problem(409, "read-only", "The configuration file has this key; it is changed there.")
        raise self._unknown()

    def _from_file(self, account: str, name: str) -> dict[str, Any] | None:
        if self._is_client:
            return None
        found = (view_of_file(credential) for credential in self._directory.credentials.from_file(account))
        return next((view for view in found if view["name"] == name), None)

    def _view(self, key: Key) -> dict[str, Any]:
        directory = self._directory
        used_at = directory.tokens.last_used(key) if self._is_client else directory.credentials.last_used(key.path)
        return view_of_key(key, self._role(key), used_at, self._clock.now_ms(), is_client=self._is_client)

    def _role(self, key: Key) -> str:
        user = self._directory.users.find(key.account, key.user) if key.user else None
        return user.role if user is not None else key.role

    def _shown(self, status: int, key: Key, secret: str) -> Response:
        document = orjson.dumps({**self._view(key), "secret": secret})
        return Response(document, status, {"Cache-Control": "no-store"}, JSON)

    def _unknown(self) -> Problem:
        return Problem(404, "unknown-key", f"There is no such {self._noun}.")


def _name_of(one: Key | Credential) -> str:
    return one.name if isinstance(one, Key) else name_in_file(one)


def _taken(name: str) -> Problem:
    return Problem(409, "name-taken", f"There is one named {name} already.")


def _unknown_user() -> Problem:
    return _wrong("user", "there is nobody of that name")


def _wrong(member: str, reason: str) -> Problem:
    errors = [{"path": member, "detail": reason}]
    return Problem(422, "invalid-request", "The request is not as it must be.", errors)
