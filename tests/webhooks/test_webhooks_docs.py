"""The verifiers that we hand out, of docs/webhooks.md and of the receiver in tools, against our signatures."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from smsagg.signing import signed_headers
from tools import webhook_receiver

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
SECRET, OTHER = "whsec_" + "QUFB" * 10, "whsec_" + "QUFC" * 10
BODY = b'{"type":"message.delivered"}'

Verifier = Callable[[str, Mapping[str, str], bytes], bool]


def of_the_page() -> Verifier:
    """The code that is printed there."""
    (code,) = re.findall(r"### Verifying\n\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(code.split("def ")[1].splitlines()) <= 10
    names: dict[str, Any] = {}
    exec(code, names)
    verified: Verifier = names["verified"]
    return verified


def signed(*secrets: str, at: float = 0) -> dict[str, str]:
    headers = signed_headers(secrets, "evt_1", int(time.time() + at), BODY)
    return {name.decode(): value.decode() for name, value in headers}


@pytest.mark.parametrize("verified", [of_the_page(), webhook_receiver.verified], ids=["page", "tool"])
def test_what_we_sign_is_verified_and_nothing_else(verified: Verifier) -> None:
    """Also by one of two secrets; not another body, another secret's, nor what is old."""
    assert verified(SECRET, signed(SECRET), BODY)
    assert verified(SECRET, signed(OTHER, SECRET), BODY)
    assert not verified(SECRET, signed(SECRET), BODY + b" ")
    assert not verified(SECRET, signed(OTHER), BODY)
    assert not verified(SECRET, signed(SECRET, at=-301), BODY)
