"""``/v1/admin/number-pools``: from which numbers messages get their senders."""

from collections.abc import Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import actor_of, operator_of
from smsagg.api.v1.answering import answered
from smsagg.api.v1.danger import PARAMETER as TOTP
from smsagg.api.v1.danger import dangerous
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.paging import Cursor, Limit, page_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.resources.changing import Name
from smsagg.api.v1.resources.number_shapes import NumberPoolAnswer, NumberPoolsAnswer, NumberPoolSettings
from smsagg.api.v1.resources.numbers import inventory, noted
from smsagg.engine import Engine
from smsagg.engine.numbers.number_desk import NumberDesk
from smsagg.inventory.number import NumberType
from smsagg.inventory.pool import NumberPool

_SETTINGS: TypeAdapter[NumberPoolSettings] = TypeAdapter(NumberPoolSettings)


class NumberPools:
    """The endpoints, over an engine."""

    def __init__(self, engine: Engine, desk: NumberDesk) -> None:
        self._engine = engine
        self._desk = desk
        self.router = router = APIRouter(tags=["numbers"])
        path, one = "/admin/number-pools", "/admin/number-pools/{name}"
        router.get(
            path,
            response_model=NumberPoolsAnswer,
            responses=problems(422),
            operation_id="admin_list_number_pools",
            summary="Each number pool",
        )(self.list)
        router.get(
            one,
            response_model=NumberPoolAnswer,
            responses=problems(404),
            operation_id="admin_get_number_pool",
            summary="Look at a number pool",
        )(self.show)
        router.put(
            one,
            response_model=NumberPoolAnswer,
            responses=problems(409, 415, 422),
            openapi_extra=json_of(NumberPoolSettings, {"one": {"country": "GB", "rotation": "sticky"}}),
            operation_id="admin_put_number_pool",
            summary="Make a number pool, or change its rules",
        )(self.put)
        router.delete(
            one,
            status_code=204,
            responses=problems(404, 409, 422),
            openapi_extra={"parameters": [TOTP]},
            operation_id="admin_delete_number_pool",
            summary="Remove a number pool without numbers",
        )(self.delete)

    async def list(self, request: Request, cursor: Cursor = "", limit: Limit = 100) -> Response:
        """By name, with how many of its numbers are free."""
        operator_of(request.state.caller, "admin:read")
        pools = self._engine.numbers.inventory.pools
        page, next_cursor = page_of(pools.values(), lambda pool: pool.name, cursor, limit)
        return answered({"pools": [self._view(pool) for pool in page], "next_cursor": next_cursor})

    async def show(self, request: Request, name: str) -> Response:
        """Its rules, and how many of its numbers are free."""
        operator_of(request.state.caller, "admin:read")
        return answered(self._view(self._found(name)))

    async def put(self, request: Request, name: Annotated[str, Name]) -> Response:
        """All of its rules: what is left out is as the default says."""
        operator_of(request.state.caller, "admin:write")
        settings = await read_as(request, _SETTINGS)
        pool = NumberPool(
            name=name,
            country=settings.country,
            purpose=settings.purpose,
            types=tuple(map(NumberType, settings.types)),
            rotation=settings.rotation,
            limit=settings.limit,
            period=settings.period_s * 1_000,
            quarantine=None if settings.quarantine_s is None else settings.quarantine_s * 1_000,
            low_mark=settings.low_mark,
            fallback=tuple(settings.fallback),
        )
        await self._done(request, self._desk.set_pool(pool), "pool_set", name)
        return answered(self._view(self._found(name)))

    async def delete(self, request: Request, name: Annotated[str, Name]) -> Response:
        """409 while it has numbers, or something speaks of it."""
        operator_of(request.state.caller, "admin:write")
        self._found(name)
        await dangerous(request, "delete")
        await self._done(request, self._desk.remove_pool(name), "pool_remove", name)
        return Response(status_code=204)

    async def _done(self, request: Request, doing: Coroutine[Any, Any, Any], action: str, name: str) -> None:
        noting = self._engine.register.noting(actor_of(request), f"numbers.{action}", name, {})
        await inventory(noted(doing, noting))

    def _found(self, name: str) -> NumberPool:
        pool = self._engine.numbers.inventory.pools.get(name)
        if pool is None:
            raise Problem(404, "unknown-number-pool", "There is no such number pool.")
        return pool

    def _view(self, pool: NumberPool) -> dict[str, Any]:
        found = self._engine.numbers.inventory
        return {
            "name": pool.name,
            "country": pool.country,
            "purpose": pool.purpose,
            "types": [str(type_) for type_ in pool.types],
            "rotation": pool.rotation,
            "limit": pool.limit,
            "period_s": pool.period // 1_000,
            "quarantine_s": None if pool.quarantine is None else pool.quarantine // 1_000,
            "low_mark": pool.low_mark,
            "fallback": list(pool.fallback),
            "numbers": found.pool_size(pool.name),
            "available": found.available[pool.name],
        }
