"""Which script, and so which language, a text is written in.

Script first: two letters of Arabic script in a line of Latin brand names are still Arabic. Urdu and
Persian share that script, so the letters only they use are looked for before a text is called
Arabic. Latin script reads as English: the languages we answer in are English and Arabic.
"""

from collections import Counter

LATIN, ARABIC, CYRILLIC, DEVANAGARI = "latin", "arabic", "cyrillic", "devanagari"

_RANGES = (
    (0x0041, 0x024F, LATIN), (0x1E00, 0x1EFF, LATIN), (0x0370, 0x03FF, "greek"), (0x0400, 0x052F, CYRILLIC),
    (0x0590, 0x05FF, "hebrew"), (0x0600, 0x06FF, ARABIC), (0x0750, 0x077F, ARABIC), (0x08A0, 0x08FF, ARABIC),
    (0xFB50, 0xFDFF, ARABIC), (0xFE70, 0xFEFE, ARABIC), (0x0900, 0x097F, DEVANAGARI), (0x0980, 0x09FF, "bengali"),
    (0x0B80, 0x0BFF, "tamil"), (0x0D00, 0x0D7F, "malayalam"), (0x0E00, 0x0E7F, "thai"), (0x3040, 0x30FF, "kana"),
    (0x4E00, 0x9FFF, "han"), (0xAC00, 0xD7AF, "hangul"),
)  # fmt: skip
_LANGUAGES = {
    LATIN: "en", ARABIC: "ar", CYRILLIC: "ru", DEVANAGARI: "hi", "greek": "el", "hebrew": "he", "bengali": "bn",
    "tamil": "ta", "malayalam": "ml", "thai": "th", "kana": "ja", "han": "zh", "hangul": "ko",
}  # fmt: skip

URDU_LETTERS = frozenset("ٹڈڑںہۂےۓ")
"""Letters Urdu writes and neither Arabic nor Persian does."""
PERSIAN_LETTERS = frozenset("پچژگیک")
"""Letters Persian (and Urdu) write and Arabic does not."""


def language_of(text: str) -> str | None:
    """ISO code of the language a text is written in; None when it holds no letters.

    Arabic script wins from a third of the letters on, because Arabic customers mix Latin names in.
    """
    counts = Counter(script for letter in text if (script := script_of(letter)))
    if not counts:
        return None
    if counts[ARABIC] * 3 >= counts.total():
        return _of_arabic_script(text)
    script = "kana" if counts["kana"] else counts.most_common(1)[0][0]
    return _LANGUAGES[script]


def script_of(text: str) -> str | None:
    """The script of the first letter of `text`; None when there is none we know."""
    for letter in text:
        if letter.isalpha():
            point = ord(letter)
            return next((name for low, high, name in _RANGES if low <= point <= high), None)
    return None


def _of_arabic_script(text: str) -> str:
    if any(letter in URDU_LETTERS for letter in text):
        return "ur"
    persian = sum(letter in PERSIAN_LETTERS for letter in text)
    arabic = sum(letter in "يكةأإؤئىض" for letter in text)
    return "fa" if persian > arabic else "ar"
