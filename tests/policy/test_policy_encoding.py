"""Whose texts are encoded anew, and how."""

from typing import Any

import pytest

from smsagg.config.schema import NATIONAL_LANGUAGES, TRANSLITERATIONS, AccountSettings, MessageClassSettings
from smsagg.policy.encoding import encoding_rules
from smsagg.text import Language, Rules, Transliteration


def rules(account: dict[str, Any], message_class: dict[str, Any]) -> Rules | None:
    return encoding_rules(AccountSettings("acme", "hash", **account), MessageClassSettings(**message_class))


@pytest.mark.parametrize(
    ("account", "message_class", "expected"),
    [
        ({}, {}, None),
        ({"encoding": "as_is"}, {"encoding": "smart"}, None),
        ({}, {"encoding": "smart"}, Rules(Transliteration.LATIN)),
        ({"encoding": "smart"}, {}, Rules(Transliteration.LATIN)),
        ({"encoding": "smart"}, {"transliterate": "all"}, Rules(Transliteration.ALL)),
        ({"transliterate": "none"}, {"encoding": "smart", "transliterate": "all"}, Rules(Transliteration.NONE)),
        (
            {"encoding": "smart", "national_languages": ("urdu", "hindi")},
            {"national_languages": ("turkish",)},
            Rules(Transliteration.LATIN, (Language.URDU, Language.HINDI)),
        ),
    ],
)
def test_the_account_comes_before_its_class(
    account: dict[str, Any], message_class: dict[str, Any], expected: Rules | None
) -> None:
    """Key by key; by default nothing is touched."""
    assert rules(account, message_class) == expected


def test_every_word_of_the_configuration_is_known() -> None:
    """The words and the tables are the same."""
    assert [level.name.lower() for level in Transliteration] == list(TRANSLITERATIONS)
    assert [language.name.lower() for language in Language] == list(NATIONAL_LANGUAGES)
