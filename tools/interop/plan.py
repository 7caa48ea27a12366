"""What every client is asked to do: one plan, so that what reached the carrier can be compared.

A client gets the plan as JSON in its first argument and prints a line of JSON for each check: ``check``, ``ok``
(``null``: this client cannot do it, and ``detail`` says why) and ``detail``.
"""

from typing import Any

PATIENCE_S = 30.0
PASSWORD = "interop"
SOURCE = "ACME"

TEXTS = {
    "plain": "Your code is 492817. Do not share it with anybody.",
    "vietnamese": "Tiếng Việt đầy đủ dấu: Đường phố Hà Nội, trời đẹp quá, ngõ nhỏ ở phường Nguyễn Du.",
    "chinese": "您的验证码是 492817，请勿泄露给任何人。",
    "emoji": "Chúc mừng năm mới 🎉🇻🇳👍🏽 恭喜",
    "long": "".join(f"{n}. Kính gửi quý khách: đơn hàng 恭喜 🎉 đã được giao. " for n in range(1, 8)),
    "mo": "Xin chào từ điện thoại 😀",
}
"""``long`` has some 390 characters of UCS-2: six segments by a user data header."""

BINDS = ("bind_transmitter", "bind_receiver", "bind_transceiver")
TEXT_CHECKS = ("plain", "vietnamese", "chinese", "emoji", "long_udh", "long_sar", "long_payload")
OPERATIONS = ("data_sm", "submit_multi", "query", "cancel", "replace")
CHECKS = (*BINDS, "wrong_password", "enquire_link", *TEXT_CHECKS, "receipt", *OPERATIONS, "mo", "unbind")
SECOND = "submit_multi, second"
"""The other destination of the submit_multi."""
BODIES = (*TEXT_CHECKS, "data_sm", "submit_multi", "replace")
"""Checks whose text must have reached the carrier."""

KANNEL_CHECKS = ("fakesmsc traffic",)
"""What Kannel does beside them."""


def text_of(check: str) -> str:
    """What the carrier must have read."""
    return TEXTS["long" if check.startswith("long_") else check if check in TEXTS else "plain"]


def plan_for(index: int, name: str, host: str, port: int, *, has_mo: bool = True) -> dict[str, Any]:
    """The plan of the client ``name``, whose numbers and short code nobody else uses; no short code without MO."""
    return {
        "host": host,
        "port": port,
        "system_id": name,
        "password": PASSWORD,
        "patience_s": PATIENCE_S,
        "texts": TEXTS,
        "to": {
            check: f"4477009{index:02d}{number:03d}" for number, check in enumerate((*CHECKS, *KANNEL_CHECKS, SECOND))
        },
        "short_code": short_code_of(index) if has_mo else "",
    }


def short_code_of(index: int) -> str:
    return f"538{index:02d}"
