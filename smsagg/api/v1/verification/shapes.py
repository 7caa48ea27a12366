"""What requests and answers about verifications look like."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from smsagg.api.v1.messages.shapes import PARAMS_MAX, REFERENCE_CHARACTERS_MAX, Body
from smsagg.templates.locales import LOCALE_CHARACTERS_MAX
from smsagg.templates.locales import PATTERN as LOCALE_PATTERN
from smsagg.templates.parameters import is_plain
from smsagg.verification.codes import LENGTH_MAX, LENGTH_MIN, TYPED_CHARACTERS_MAX
from smsagg.verification.texts import BRAND_CHARACTERS_MAX

Status = Literal["pending", "approved", "failed", "expired", "cancelled"]


def _is_plain(text: str) -> str:
    if not is_plain(text):
        raise ValueError("holds a control character")
    return text


class NewVerification(Body):
    """A code to be sent."""

    to: Annotated[str, Field(min_length=3, max_length=32, examples=["+447700900123"])]
    """Whose number it is said to be: international with or without ``+``, or as people write it in ``region``."""
    region: Annotated[str | None, Field(pattern="^[A-Z]{2}$", examples=["GB"])] = None
    """Country that ``to`` is written in the way of; needed for national numbers."""
    sender: Annotated[str, Field(alias="from", max_length=20, pattern="^[ -~]*$", examples=["ACME"])] = ""
    """A name, a number or a short code; empty: the account's default."""
    channel: Literal["sms"] = "sms"
    brand: Annotated[str, Field(max_length=BRAND_CHARACTERS_MAX, examples=["ACME"]), AfterValidator(_is_plain)] = ""
    """Who asks: *Your ACME code is 123456.*, in the language of ``locale``; or ``template``."""
    template: Annotated[str | None, Field(min_length=1, max_length=64, examples=["login"])] = None
    """The name of one with a parameter ``code``, which is written here."""
    params: Annotated[dict[str, object], Field(default_factory=dict, max_length=PARAMS_MAX, examples=[{"minutes": 10}])]
    """Values for the template's other parameters."""
    locale: Annotated[
        str, Field(pattern=LOCALE_PATTERN, max_length=LOCALE_CHARACTERS_MAX, examples=["de-AT"], default="en")
    ]
    """Language of the text: this one, else without its last part, else English."""
    code_length: Annotated[int, Field(ge=LENGTH_MIN, le=LENGTH_MAX)] = 6
    alphabet: Literal["numeric", "alphanumeric"] = "numeric"
    """Alphanumeric codes have no characters that look like others."""
    ttl: Annotated[int | None, Field(ge=30, le=86_400, examples=[600])] = None
    """Seconds in which the code is of use; ``null``: as the configuration says."""
    reference: Annotated[str, Field(max_length=REFERENCE_CHARACTERS_MAX, examples=["login-4711"])] = ""
    """Your own name for it."""


class NewCheck(Body):
    """A code that somebody typed in."""

    code: Annotated[str, Field(min_length=1, max_length=TYPED_CHARACTERS_MAX, examples=["493817"])]
    """Spaces and hyphens in it, and whether letters are capitals, do not matter."""


class VerificationAnswer(BaseModel):
    """A verification."""

    id: Annotated[str, Field(examples=["ver_5f2b8c1e0d7a49f3a6b1c2d3e4f50617"])]
    status: Status
    to: str
    country: str
    """ISO 3166 alpha-2; empty when unknown."""
    channel: Literal["sms"]
    attempts_left: int
    messages: list[str]
    """The ids of the messages that carried a code, the first one first."""
    messages_left: int
    """So many more may be sent, ``resend_at`` at the earliest."""
    reference: str
    created_at: datetime
    expires_at: datetime
    resend_at: datetime | None
    """``null``: there will be no further one."""
    done_at: datetime | None


class CheckAnswer(BaseModel):
    """What became of a code that was typed in."""

    id: str
    status: Status
    """``approved``: it was right. ``pending``: it was wrong, and there are attempts left. ``failed``: it was wrong, and
    that was the last."""
    attempts_left: int
