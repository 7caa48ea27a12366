"""Routes of messages from handsets, checked against the rest of the file."""

import pytest
from test_config_check import SOUND, account, told

from smsagg.config.schema import MoRouteSettings as Route

ACCOUNTS = {"a": account(mo_numbers=("1", "44*")), "b": account(system_id="b")}


def problems(*routes: Route) -> list[str]:
    return told(accounts=ACCOUNTS, mo_routes=routes)


def test_sound_routes() -> None:
    """One number may have several routes as long as keyword or carrier tell them apart."""
    assert (
        problems(
            Route("a", "53849"),
            Route("b", "53849", "win"),
            Route("b", "53849", "WINTER"),
            Route("b", "53849", "", "one"),
            Route("b", "44*", "win"),
            Route("b", "*"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("routes", "problem"),
    [
        ([Route("c", "1234")], 'mo_routes[0].account: "c" is no account in this file; known: a, b'),
        ([Route("a", "1234", carrier="on")], 'mo_routes[0].carrier: "on" is no carrier in this file; did you mean'),
        ([Route("a", "+1")], "mo_routes[0].number: must be an address of 1 to 20 digits or letters, such a prefix"),
        ([Route("b", "1")], 'mo_routes[0]: number "1" belongs to accounts.a already'),
        ([Route("b", "44*")], 'mo_routes[0]: number "44*" belongs to accounts.a already'),
        (
            [Route("a", "2", "stop"), Route("b", "2", "STOP!")],
            'mo_routes[1]: number "2" with keyword "STOP!" belongs to mo_routes[0] already',
        ),
        (
            [Route("a", "2"), Route("b", "2", carrier="one"), Route("b", "2", carrier="two")],
            "mo_routes[0]: nothing reaches it: each carrier has a route of its own for that",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(routes: list[Route], problem: str) -> None:
    """With the key of the route that breaks the relation."""
    (line,) = problems(*routes)
    assert line.startswith(problem)
    assert SOUND.mo_routes == ()


@pytest.mark.parametrize("keyword", ["two words", " stop"])
def test_a_keyword_is_one_word(keyword: str) -> None:
    """More could never match the first word of a text."""
    with pytest.raises(ValueError, match="must be one word"):
        Route("a", "1", keyword)
