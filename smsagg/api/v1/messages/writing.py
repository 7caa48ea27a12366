"""From what an application asks for to a message that may be admitted: number, sender, text, life."""

from typing import NamedTuple

import phonenumbers
from attrs import evolve

from smsagg.api.v1.messages.shapes import NewMessage
from smsagg.api.v1.problem import Problem
from smsagg.api.v1.templates.viewing import written
from smsagg.api.v1.times import milliseconds_of
from smsagg.config.schema import AccountSettings, Config, MessageClassSettings, SenderSettings
from smsagg.engine.accounts import Account
from smsagg.engine.endpoints.endpoints import Endpoints
from smsagg.engine.templates.templates import Templates
from smsagg.model import Message, Refusal
from smsagg.policy.encoding import encoding_rules
from smsagg.policy.sender_rules import SenderRules
from smsagg.policy.submit_rules import lifetime
from smsagg.routing.destination import NPI_ISDN, TON_INTERNATIONAL, BadDestination, e164_digits
from smsagg.routing.prefix import country_of
from smsagg.smpp.status import ESME_RINVSRCADR
from smsagg.templates import Version
from smsagg.text import Rules, encode_text
from smsagg.webhooks.egress import Egress, Forbidden

_NOTHING_REPLACED = Rules()


class Written(NamedTuple):
    """A message ready for :meth:`~smsagg.engine.admission.admission.Admission.admit`."""

    message: Message
    digits: str
    asked_until: int | None
    """The end that was asked for."""


class Writer:
    """Writes messages under one configuration."""

    def __init__(self, config: Config, endpoints: Endpoints, templates: Templates) -> None:
        """``endpoints`` know which accounts' messages may name a callback."""
        self._templates = templates
        self._endpoints = endpoints
        self._egress = Egress(config.webhooks.allowed_networks)
        self._classes = config.message_classes
        self._rules = {
            (name, message_class): self._rules_of(settings, message_class)
            for name, settings in config.accounts.items()
            for message_class in {settings.message_class, *self._classes}
        }
        self._senders = {
            name: SenderRules(evolve(settings.senders or SenderSettings(), set_ton_npi=True))
            for name, settings in config.accounts.items()
        }

    def write(self, asked: NewMessage, account: Account, now: int) -> Written | Refusal:
        """The message, not numbered yet; raises :class:`Problem` for what only HTTP can get wrong."""
        digits = digits_of(asked)
        if asked.callback_url:
            self._check_callback(account.name, asked.callback_url)
        sender = self._senders[account.name].apply(0, 0, asked.sender)
        if sender is None:
            return Refusal(ESME_RINVSRCADR)
        settings = account.settings
        text, name = self._text_of(asked, account, digits)
        message_class = self._classes.get(name, account.message_class)
        ttl_at = None if asked.ttl is None else now + asked.ttl * 1000
        send_at = None if asked.send_at is None else milliseconds_of(asked.send_at, "send_at")
        if send_at is not None and ttl_at is not None:
            ttl_at = max(send_at, now) + (asked.ttl or 0) * 1000
        life = lifetime(now, send_at, ttl_at, message_class)
        if isinstance(life, Refusal):
            return life
        body, data_coding, esm_class = encode_text(text, self._rules[account.name, name])
        message = Message(
            seq=0,
            message_id="",
            account=account.name,
            message_class=name,
            service_type="",
            source_addr_ton=sender.ton,
            source_addr_npi=sender.npi,
            source_addr=sender.address,
            dest_addr_ton=TON_INTERNATIONAL,
            dest_addr_npi=NPI_ISDN,
            destination_addr=digits,
            esm_class=esm_class,
            protocol_id=0,
            priority=min(asked.priority, settings.priority_max),
            registered_delivery=0,
            data_coding=data_coding,
            sm_default_msg_id=0,
            body=body,
            in_payload=False,
            tlvs=b"",
            country="",
            pool="",
            accepted_at=now,
            not_before=life.not_before,
            expires_at=life.expires_at,
            origin="http",
            reference=asked.reference,
            callback_url=asked.callback_url,
        )
        message.in_payload = len(body) > 254
        return Written(message, digits, ttl_at)

    def _check_callback(self, account: str, url: str) -> None:
        """Raises :class:`Problem` when nobody could be told there."""
        if self._endpoints.callbacks_of(account) is None:
            reason = "has no secret for callbacks; see POST /v1/callback-secret"
            raise Problem(422, "no-callback-secret", f"The account {reason}.", [_callback_error(reason)])
        try:
            self._egress.check_url(url)
        except Forbidden as error:
            detail = f"The callback cannot be gone to: {error}."
            raise Problem(422, "invalid-callback", detail, [_callback_error(str(error))]) from error

    def _text_of(self, asked: NewMessage, account: Account, digits: str) -> tuple[str, str]:
        """What it says, and its class."""
        if asked.text is not None and asked.template is None and asked.params is None:
            return asked.text, self._class_of(asked, account)
        if asked.template is None or asked.text is not None:
            detail = "a message has a text, or a template with params"
            raise Problem(422, "invalid-request", f"This cannot be written: {detail}.", [_error("text", detail)])
        template = self._templates.find(account.name, asked.template)
        if template is None:
            raise Problem(422, "unknown-template", "There is no such template.", [_error("template", "unknown")])
        version = template.in_force(needs_approval=False)
        name = self._class_of(asked, account, version)
        needs_approval = self._templates.needs_approval(country_of(digits), name)
        if needs_approval:
            version = template.in_force(needs_approval)
            name = self._class_of(asked, account, version)
        if version is None:
            detail = "no version of it is approved" if needs_approval else "no version of it may be used"
            raise Problem(422, "template-not-approved", f"The template: {detail}.", [_error("template", detail)])
        return written(version, asked.params or {}, asked.locale), name

    def _class_of(self, asked: NewMessage, account: Account, version: Version | None = None) -> str:
        """The message class of the type that is asked for, or that the template has, if there is one."""
        message_type = asked.message_type or (None if version is None else version.message_type)
        return message_type if message_type in self._classes else account.settings.message_class

    def _rules_of(self, settings: AccountSettings, message_class: str) -> Rules:
        return encoding_rules(settings, self._classes.get(message_class, MessageClassSettings())) or _NOTHING_REPLACED


def _callback_error(detail: str) -> dict[str, str]:
    return {"path": "callback_url", "detail": detail}


def digits_of(asked: NewMessage) -> str:
    if asked.region is None:
        compact = asked.to.translate(_WRITTEN)
        digits = e164_digits(compact, TON_INTERNATIONAL, NPI_ISDN)
        if not isinstance(digits, BadDestination):
            return digits
        raise _bad_number(f"{digits.value}; write it internationally, or say which region it is of")
    try:
        number = phonenumbers.parse(asked.to, asked.region)
    except phonenumbers.NumberParseException as error:
        raise _bad_number(f"it cannot be read as a number of {asked.region}") from error
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


_WRITTEN = str.maketrans("", "", " ()-./\u00a0\u2011")
"""What people put between digits."""


def _error(path: str, detail: str) -> dict[str, str]:
    return {"path": path, "detail": detail}


def _bad_number(reason: str) -> Problem:
    return Problem(422, "invalid-number", f"The recipient is no number: {reason}.", [{"path": "to", "detail": reason}])
