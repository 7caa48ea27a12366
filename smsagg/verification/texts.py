"""What a code is told in when an application has no template of its own: one sentence a language, with its brand."""

from collections.abc import Mapping

from smsagg.templates.locales import fallbacks

DEFAULT_LOCALE = "en"
BRAND_CHARACTERS_MAX = 30

TEXTS: Mapping[str, str] = {
    "ar": "رمز التحقق الخاص بك في {brand} هو {code}",
    "cs": "Váš kód pro {brand} je {code}.",
    "da": "Din kode til {brand} er {code}.",
    "de": "Ihr Code für {brand} lautet {code}.",
    "en": "Your {brand} code is {code}.",
    "es": "Su código de {brand} es {code}.",
    "fr": "Votre code {brand} est {code}.",
    "id": "Kode {brand} Anda adalah {code}.",
    "it": "Il tuo codice {brand} è {code}.",
    "ja": "{brand}の認証コードは{code}です。",
    "ko": "{brand} 인증번호는 {code}입니다.",
    "nl": "Je code voor {brand} is {code}.",
    "pl": "Twój kod {brand} to {code}.",
    "pt": "O seu código {brand} é {code}.",
    "ru": "Ваш код {brand}: {code}.",
    "sv": "Din kod för {brand} är {code}.",
    "th": "รหัส {brand} ของคุณคือ {code}",
    "tr": "{brand} kodunuz: {code}.",
    "uk": "Ваш код {brand}: {code}.",
    "uz": "{brand} kodingiz: {code}.",
    "vi": "Mã {brand} của bạn là {code}.",
    "zh": "您的{brand}验证码是{code}。",
}


def code_text(brand: str, code: str, locale: str) -> str:
    """The sentence for ``locale``, in English where it is not spoken here."""
    found = next(one for one in fallbacks(locale, DEFAULT_LOCALE) if one in TEXTS)
    before, _, after = TEXTS[found].partition("{code}")
    return f"{before.replace('{brand}', brand)}{code}{after.replace('{brand}', brand)}"
