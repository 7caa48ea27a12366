"""The templates of all accounts: kept in the register, read once, and changed one version at a time.

A change is made of what the template was when it was asked for, and refused when somebody else changed it meanwhile.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define

from smsagg.clock import Clock
from smsagg.directory.audit import Actor
from smsagg.engine.directory.register import Register, Value, tag_of
from smsagg.errors import RegisterFull
from smsagg.templates import (
    Parameter,
    Step,
    Template,
    Version,
    VersionState,
    check_version,
    template_from_record,
    template_record,
)

KIND = "template"
TEMPLATES_MAX = 1_000
"""Of an account."""
TEXTS_CHARACTERS_MAX = 5_000_000
"""Of all texts of an account's templates, which are in memory."""
NeedsApproval = Callable[[str, str], bool]
"""``(country, message_class)``: whether a template must be approved before it is used there."""


@define(frozen=True)
class NewVersion:
    """What a version is to say."""

    texts: Mapping[str, str]
    default_locale: str
    parameters: Mapping[str, Parameter]
    message_type: str | None
    is_draft: bool


class Templates:
    """By account and name."""

    def __init__(self, register: Register, clock: Clock, needs_approval: NeedsApproval) -> None:
        self._register = register
        self._clock = clock
        self.needs_approval = needs_approval
        self._templates: dict[str, dict[str, Template]] = {}
        register.follow(KIND, self._on_template)

    def find(self, account: str, name: str) -> Template | None:
        """As it is in force."""
        return self._templates.get(account, {}).get(name)

    def of_account(self, account: str) -> list[Template]:
        """In no order."""
        return list(self._templates.get(account, {}).values())

    def all(self) -> list[tuple[str, Template]]:
        """With the account of each, in no order."""
        return [(account, one) for account, templates in self._templates.items() for one in templates.values()]

    async def put(self, by: Actor, account: str, name: str, new: NewVersion) -> Template:
        """Make a version, unless the latest says the same and is of use; returns after the commit. Raises
        :class:`~smsagg.templates.BadWording`, :class:`~smsagg.templates.BadStep`, and what the register raises."""
        check_version(new.texts, new.default_locale, new.parameters)
        template = self.find(account, name)
        if template is None and len(self._templates.get(account, {})) >= TEMPLATES_MAX:
            raise RegisterFull(f"the account has {TEMPLATES_MAX} templates already")
        state = VersionState.DRAFT if new.is_draft else VersionState.PENDING
        version = Version(
            number=1 if template is None else template.latest.number + 1,
            texts=new.texts,
            default_locale=new.default_locale,
            parameters=new.parameters,
            message_type=new.message_type,
            created_at=self._clock.now_ms(),
            state=state,
        )
        if template is not None:
            latest = template.latest
            if latest.is_like(version) and latest.state in (state, VersionState.APPROVED):
                return template
        after = Template(name, (version,)) if template is None else template.with_version(version)
        others = sum(one.characters for one in self.of_account(account) if one is not template)
        if others + after.characters > TEXTS_CHARACTERS_MAX:
            raise RegisterFull(f"the account's would have more than {TEXTS_CHARACTERS_MAX} characters")
        return await self._keep(by, account, after, f"{KIND}.put", {"version": version.number, "state": str(state)})

    async def step(
        self, by: Actor, account: str, name: str, step: Step, number: int | None = None, reason: str = ""
    ) -> Template | None:
        """Do ``step`` with the version ``number``, or the latest; returns after the commit, ``None``: there is no such
        version. Raises :class:`~smsagg.templates.BadStep` and what the register raises."""
        template = self.find(account, name)
        version = None if template is None else template.latest if number is None else template.version(number)
        if template is None or version is None:
            return None
        after = template.stepped(version.number, step, reason)
        details = {"version": version.number} | ({"reason": reason} if reason else {})
        return await self._keep(by, account, after, f"{KIND}.{step}", details)

    async def delete(self, by: Actor, account: str, name: str) -> bool:
        """With all its versions; False: there is none."""
        return await self._register.delete(by, KIND, f"{account}/{name}")

    async def _keep(
        self, by: Actor, account: str, template: Template, action: str, details: Mapping[str, Any]
    ) -> Template:
        key, record = f"{account}/{template.name}", template_record(template)
        tag = tag_of(self._register.get(KIND, key))
        await self._register.put(by, KIND, key, record, tag=tag, action=action, details=details)
        return template

    def _on_template(self, key: str, value: Value | None) -> None:
        account, _, name = key.partition("/")
        templates = self._templates.setdefault(account, {})
        if value is None:
            templates.pop(name, None)
        else:
            templates[name] = template_from_record(name, value)
