"""What smart encoding may do to the texts of an account: its own settings, else those of its message class."""

from smsagg.config.schema import AccountSettings, MessageClassSettings
from smsagg.text import Language, Rules, Transliteration

DEFAULT_TRANSLITERATION = Transliteration.LATIN


def encoding_rules(account: AccountSettings, message_class: MessageClassSettings) -> Rules | None:
    """The rules for :func:`smsagg.text.encode_smart`; ``None``: bodies are left as they are."""
    if (account.encoding or message_class.encoding) != "smart":
        return None
    level = account.transliterate or message_class.transliterate
    languages = account.national_languages or message_class.national_languages
    return Rules(
        Transliteration[level.upper()] if level else DEFAULT_TRANSLITERATION,
        tuple(Language[language.upper()] for language in languages),
    )
