"""What is put at run time, laid over the configuration's files."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.load import parse_config
from smsagg.config.overlay import (
    ACCOUNT,
    KEYWORD,
    NO_OVERLAY,
    POOL,
    ROUTE,
    SENDER,
    Entity,
    Laid,
    Overlay,
    Value,
    fitting,
)
from smsagg.errors import ConfigError
from smsagg.testing.carrier import FakeSettings

HASH = "$argon2id$v=19$m=1024,t=1,p=1$MTIzNDU2Nzg$LMg8Rjvn0oGAxEkXeQPJcMUpAKx5ThTWPJ2ghmDqYuA"
MAIN = f"""
[accounts.demo]
system_id = "demo"
password_hash = "{HASH}"
senders = {{ allowed = ["ACME"] }}
[carriers.alpha]
type = "fake"
[pools.gb]
carriers = ["alpha"]
"""


def parsed(entities: dict[tuple[str, str], Value]) -> Any:
    overlay = Overlay({Entity(*name): value for name, value in entities.items()})
    return parse_config(MAIN, "f.toml", lambda _type: FakeSettings, overlay)


def test_entities_stand_beside_those_of_the_file() -> None:
    """Tables by name, keywords after the file's, approved senders among those allowed."""
    config = parsed(
        {
            (ACCOUNT, "crm"): {"system_id": "crm", "password_hash": HASH},
            (POOL, "vn"): {"carriers": ["alpha"], "countries": ["VN"]},
            (KEYWORD, "win"): {"account": "crm", "number": "44*", "keyword": "WIN"},
            (SENDER, "demo/NEW"): {"status": "approved"},
            (SENDER, "demo/NOTYET"): {"status": "pending"},
        }
    )
    assert list(config.accounts) == ["demo", "crm"]
    assert config.pools["vn"].countries == ("VN",)
    assert config.mo_routes[-1].keyword == "WIN"
    assert config.accounts["demo"].senders.allowed == ("ACME", "NEW")


@pytest.mark.parametrize(
    ("entity", "value", "line"),
    [
        ((ACCOUNT, "crm"), {"system_id": "crm", "password_hash": HASH, "price": 1}, "account crm: price: is unknown"),
        ((ACCOUNT, "crm"), {"system_id": "demo", "password_hash": HASH}, "account crm: system_id: "),
        ((POOL, "vn"), {"carriers": ["nobody"]}, "pool vn: carriers[0]: "),
        ((KEYWORD, "win"), {"account": "nobody"}, "keyword win: account: "),
        ((POOL, "gb"), {"carriers": ["alpha"]}, "pool gb: was put at run time, and the files have it, too"),
    ],
)
def test_what_is_wrong_with_an_entity_is_told_by_its_name(entity: Any, value: Value, line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parsed({entity: value})
    (told,) = str(raised.value).splitlines()
    assert told.startswith(line)


def test_rules_have_their_place() -> None:
    """Those below 0 before the file's, the others after them, then by name."""
    rules = {"c": -1, "b": 0, "a": 7, "d": -5}
    overlay = Overlay({Entity(ROUTE, name): {"place": place, "pool": "gb"} for name, place in rules.items()})
    before, after = overlay.rules()
    assert [rule["name"] for rule in before] == ["d", "c"]
    assert after == [{"name": "b", "pool": "gb"}, {"name": "a", "pool": "gb"}]


def _tables(inner: Any) -> Any:
    return st.dictionaries(st.sampled_from(["accounts", "pools", "mo_routes", "senders", "allowed", "a", "b"]), inner)


values: Any = st.recursive(st.integers() | st.text(max_size=5), lambda inner: st.lists(inner) | _tables(inner))


@given(_tables(values))
def test_no_document_breaks_it_and_none_is_changed(document: dict[str, Any]) -> None:
    """Whatever the file says at places where tables should be: who checks it says what is wrong."""
    before = deepcopy(document)
    entities = {
        Entity(ACCOUNT, "a"): {"b": 1},
        Entity(POOL, "b"): {},
        Entity(KEYWORD, "k"): {},
        Entity(SENDER, "a/x"): {"status": "approved"},
    }
    Laid(document, Overlay(entities))
    assert document == before


names = st.sets(st.integers(0, 30), max_size=20)


@given(names, names, st.dictionaries(st.integers(0, 30), st.integers(0, 30)))
def test_all_that_fits_is_kept_and_nothing_else(put: set[int], bad: set[int], needs: dict[int, int]) -> None:
    """Bad ones are left out, and those that need one that is not there; each with its reason."""
    others: dict[Entity, Value] = {Entity(POOL, f"{number:02}"): {} for number in put}

    def why_not(overlay: Overlay) -> str:
        present = {int(key) for key in overlay.of(POOL)}
        wrong = [number for number in present if number in bad or needs.get(number, number) not in present]
        return f"wrong: {wrong}" if wrong else ""

    good = put - bad
    while lacking := {number for number in good if needs.get(number, number) not in good}:
        good -= lacking
    found = fitting(NO_OVERLAY, others, why_not)
    kept = {int(key) for key in found.kept.of(POOL)}
    assert why_not(found.kept) == ""
    assert kept <= good
    assert kept | {int(entity.key) for entity in found.left_out} == put
    assert all(found.left_out.values())
    if not any(needs.get(number, number) > number for number in good):  # none needs one that comes later
        assert kept == good


def test_few_checks_find_one_that_is_wrong_among_many() -> None:
    """Some twice the logarithm of their number; one when all fit."""
    asked = 0

    def why_not(overlay: Overlay) -> str:
        nonlocal asked
        asked += 1
        return "wrong" if "700" in overlay.of(POOL) else ""

    others: dict[Entity, Value] = {Entity(POOL, str(number)): {} for number in range(1_024)}
    assert list(fitting(NO_OVERLAY, others, why_not).left_out) == [Entity(POOL, "700")]
    assert asked <= 24
    asked = 0
    del others[Entity(POOL, "700")]
    fitting(NO_OVERLAY, others, why_not)
    assert asked == 1
