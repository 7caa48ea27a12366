"""``/v1/templates``: texts that are written once and sent often; ``/v1/admin/templates``: approving them."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import attrs
from fastapi import APIRouter, Path, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from smsagg.api.v1.access import account_of, actor_of, operator_of, require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.description import json_of
from smsagg.api.v1.messages.reading import read_as
from smsagg.api.v1.paging import Cursor, Limit, page_of
from smsagg.api.v1.problem import Problem, problems
from smsagg.api.v1.templates.shapes import (
    Approval,
    NewPreview,
    NewTemplate,
    ParameterShape,
    PreviewAnswer,
    Rejection,
    TemplateAnswer,
    TemplatesAnswer,
    VersionStep,
    WaitingsAnswer,
)
from smsagg.api.v1.templates.viewing import bad_values, changed, version_of, view_of
from smsagg.config.schema import MessageClassSettings
from smsagg.directory.caller import Caller
from smsagg.engine import Engine
from smsagg.engine.accounts import Account
from smsagg.engine.templates.templates import NewVersion
from smsagg.policy.encoding import encoding_rules
from smsagg.templates import BadValues, Parameter, Step, Template, Version, VersionState, preview
from smsagg.text import Rules

READ, WRITE = "templates:read", "templates:write"
NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Name = Annotated[str, Path(pattern=NAME_PATTERN)]

_NEW: TypeAdapter[NewTemplate] = TypeAdapter(NewTemplate)
_STEP: TypeAdapter[VersionStep] = TypeAdapter(VersionStep)
_APPROVAL: TypeAdapter[Approval] = TypeAdapter(Approval)
_REJECTION: TypeAdapter[Rejection] = TypeAdapter(Rejection)
_PREVIEW: TypeAdapter[NewPreview] = TypeAdapter(NewPreview)
_EXAMPLE = {
    "texts": {
        "en": "{shop}: your parcel comes on {day}.",
        "de": "{shop}: Ihr Paket kommt am {day}.",
    },
    "default_locale": "en",
    "parameters": {"shop": {"type": "text", "max_length": 20}, "day": {"type": "date"}},
    "message_type": "transactional",
}  # fmt: skip
_VALUES = {"params": {"shop": "ACME", "day": "2030-01-15"}}


class TemplateEndpoints:
    """Over an engine."""

    def __init__(self, engine: Engine, turn: Callable[[], Awaitable[None]]) -> None:
        """``turn`` waits until there may be worked on one text more."""
        self._engine = engine
        self._turn = turn
        self._templates = engine.templates
        self.router = router = APIRouter(tags=["templates"])
        router.get(
            "/templates",
            response_model=TemplatesAnswer,
            responses=problems(422),
            operation_id="list_templates",
            summary="List the account's templates",
        )(self.list)
        router.get(
            "/templates/{name}",
            response_model=TemplateAnswer,
            responses=problems(404, 422),
            operation_id="get_template",
            summary="Look at a template and its versions",
        )(self.show)
        router.put(
            "/templates/{name}",
            response_model=TemplateAnswer,
            responses=problems(409, 415, 422),
            openapi_extra=json_of(NewTemplate, {"two languages": _EXAMPLE}),
            operation_id="put_template",
            summary="Make a template, or a new version of one",
        )(self.put)
        router.delete(
            "/templates/{name}",
            status_code=204,
            responses=problems(404, 409, 422),
            operation_id="delete_template",
            summary="Delete a template with all its versions",
        )(self.delete)
        router.post(
            "/templates/{name}/preview",
            response_model=PreviewAnswer,
            responses=problems(404, 415, 422),
            openapi_extra=json_of(NewPreview, {"all languages": _VALUES, "one": {**_VALUES, "locale": "de-AT"}}),
            operation_id="preview_template",
            summary="See the texts, their alphabets and segments",
        )(self.preview)
        for step in (Step.SUBMIT, Step.RETIRE):
            router.post(
                f"/templates/{{name}}/{step}",
                response_model=TemplateAnswer,
                responses=problems(404, 409, 415, 422),
                openapi_extra=json_of(VersionStep, {"the latest": {}, "another": {"version": 2}}),
                operation_id=f"{step}_template",
                summary="Have a draft used and approved" if step is Step.SUBMIT else "Have a version used no more",
            )(getattr(self, step))
        router.get(
            "/admin/templates",
            response_model=WaitingsAnswer,
            responses=problems(422),
            operation_id="admin_list_templates",
            summary="List the versions that wait for approval",
        )(self.waiting)
        router.post(
            "/admin/templates/{account}/{name}/approve",
            response_model=TemplateAnswer,
            responses=problems(404, 409, 415, 422),
            openapi_extra=json_of(Approval, {"one that was looked at": {"version": 2}}),
            operation_id="admin_approve_template",
            summary="Approve a version",
        )(self.approve)
        router.post(
            "/admin/templates/{account}/{name}/reject",
            response_model=TemplateAnswer,
            responses=problems(404, 409, 415, 422),
            openapi_extra=json_of(Rejection, {"the latest": {"reason": "The sender is not named."}}),
            operation_id="admin_reject_template",
            summary="Reject a version",
        )(self.reject)

    async def list(self, request: Request, cursor: Cursor = "", limit: Limit = 50) -> Response:
        """By name."""
        account = self._account(request, READ)
        templates = self._templates.of_account(account.name)
        page, next_cursor = page_of(templates, lambda template: template.name, cursor, limit)
        return answered({"templates": [view_of(template) for template in page], "next_cursor": next_cursor})

    async def show(self, request: Request, name: Name) -> Response:
        """Each version with its state."""
        return answered(view_of(self._found(self._account(request, READ), name)))

    async def put(self, request: Request, name: Name) -> Response:
        """Used from the answer on, where no approval is needed. What says the same as the latest version makes none."""
        account = self._account(request, WRITE)
        new = await read_as(request, _NEW)
        version = NewVersion(
            texts=new.texts,
            default_locale=new.default_locale,
            parameters={key: _parameter(shape) for key, shape in new.parameters.items()},
            message_type=new.message_type,
            is_draft=new.draft,
        )
        return answered(view_of(await changed(self._templates.put(actor_of(request), account.name, name, version))))

    async def delete(self, request: Request, name: Name) -> Response:
        """Messages that were taken are sent all the same."""
        account = self._account(request, WRITE)
        if not await changed(self._templates.delete(actor_of(request), account.name, name)):
            raise _unknown()
        return Response(status_code=204)

    async def preview(self, request: Request, name: Name) -> Response:
        """In one language, or in each. Any version can be looked at, whatever its state."""
        account = self._account(request, READ)
        template, wanted = self._found(account, name), await read_as(request, _PREVIEW)
        version = _version_of(template, wanted.version)
        rules, previews = self._rules_of(account, version), []
        try:
            for locale in [wanted.locale] if wanted.locale else version.texts:
                await self._turn()
                previews += preview(version, wanted.params, rules, locale)
        except BadValues as error:
            raise bad_values(error) from error
        return answered({"version": version.number, "previews": [attrs.asdict(one) for one in previews]})

    async def submit(self, request: Request, name: Name) -> Response:
        """It may be used where no approval is needed, and waits for it elsewhere."""
        return await self._step(request, self._account(request, WRITE).name, name, Step.SUBMIT)

    async def retire(self, request: Request, name: Name) -> Response:
        """The version before it that may be used is in force again."""
        return await self._step(request, self._account(request, WRITE).name, name, Step.RETIRE)

    async def waiting(self, request: Request, cursor: Cursor = "", limit: Limit = 50) -> Response:
        """The latest of each template that waits, by account and name."""
        operator_of(request.state.caller, "admin:read")
        pending = [
            (f"{account}/{template.name}", account, template.name, version)
            for account, template in self._templates.all()
            for version in template.versions[-1:]
            if version.state is VersionState.PENDING
        ]
        page, next_cursor = page_of(pending, lambda one: one[0], cursor, limit)
        waiting = [
            {"account": account, "template": name, "version": version_of(version)} for _, account, name, version in page
        ]
        return answered({"waiting": waiting, "next_cursor": next_cursor})

    async def approve(self, request: Request, account: str, name: Name) -> Response:
        """From the answer on it is used where approval is needed."""
        operator_of(request.state.caller, "compliance:write")
        approval = await read_as(request, _APPROVAL)
        return await self._stepped(request, account, name, Step.APPROVE, approval.version)

    async def reject(self, request: Request, account: str, name: Name) -> Response:
        """It is used nowhere any more."""
        operator_of(request.state.caller, "compliance:write")
        rejection = await read_as(request, _REJECTION)
        return await self._stepped(request, account, name, Step.REJECT, rejection.version, rejection.reason)

    async def _step(self, request: Request, account: str, name: str, step: Step) -> Response:
        return await self._stepped(request, account, name, step, (await read_as(request, _STEP)).version)

    async def _stepped(
        self, request: Request, account: str, name: str, step: Step, version: int | None, reason: str = ""
    ) -> Response:
        by = actor_of(request)
        template = await changed(self._templates.step(by, account, name, step, version, reason))
        if template is None:
            raise _unknown()
        return answered(view_of(template))

    def _account(self, request: Request, scope: str) -> Account:
        caller: Caller = request.state.caller
        require(caller, scope)
        return account_of(caller, self._engine.accounts)

    def _found(self, account: Account, name: str) -> Template:
        template = self._templates.find(account.name, name)
        if template is None:
            raise _unknown()
        return template

    def _rules_of(self, account: Account, version: Version) -> Rules:
        classes = self._engine.core.config.message_classes
        name = version.message_type if version.message_type in classes else account.settings.message_class
        return encoding_rules(account.settings, classes.get(name or "", MessageClassSettings())) or Rules()


def _version_of(template: Template, number: int | None) -> Version:
    version = template.latest if number is None else template.version(number)
    if version is None:
        raise _unknown()
    return version


def _parameter(shape: ParameterShape) -> Parameter:
    return Parameter(shape.type, shape.max_length, shape.places, tuple(shape.choices), tuple(shape.hosts))


def _unknown() -> Problem:
    return Problem(404, "unknown-template", "There is no such template, or no such version of it.")
