"""The fixed texts customers may read, in the languages we write. An operator's own wording comes from rules."""

FALLBACK = "en"

TEXTS: dict[str, dict[str, str]] = {
    "handover": {
        "en": "Thank you for your message. I am passing it to a colleague, who will answer you here.",
        "ar": "شكرًا لرسالتك. سأحوّلها إلى أحد زملائي وسيردّ عليك هنا.",
    },
    "handover_media": {
        "en": "Thank you, we received your file. A colleague will look at it and answer you here.",
        "ar": "شكرًا لك، لقد استلمنا ملفك. سيطّلع عليه أحد زملائي ويردّ عليك هنا.",
    },
    "welcome_named": {
        "en": "Hello {name}, thank you for writing to {business}.",
        "ar": "مرحبًا {name}، شكرًا لتواصلك مع {business}.",
    },
    "welcome": {"en": "Hello, thank you for writing to {business}.", "ar": "مرحبًا، شكرًا لتواصلك مع {business}."},
}

LANGUAGES = ("en", "ar")


def say(key: str, language: str, **values: str) -> str:
    """The text of `key` in the customer's language, or in English where we do not write that language."""
    texts = TEXTS[key]
    return texts.get(language, texts[FALLBACK]).format(**values)
