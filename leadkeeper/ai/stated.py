"""What people state about themselves in plain words: name, e-mail, phone, numbers. Pure, total."""

import re
import unicodedata
from collections.abc import Iterator

from leadkeeper.ai.dates import fold

COUNTED = ("partners", "visas")
MOST_COUNTED = 500


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "واحد": 1, "واحده": 1, "واحدة": 1, "اثنين": 2, "اثنان": 2, "ثلاثة": 3, "ثلاث": 3, "اربعة": 4, "اربع": 4, "خمسة": 5, "خمس": 5,
    "ستة": 6, "ست": 6, "سبعة": 7, "سبع": 7, "ثمانية": 8, "ثمان": 8, "تسعة": 9, "تسع": 9, "عشرة": 10, "عشر": 10,
}  # fmt: skip
_NUMBER = r"(\d{1,3}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")"
_COUNTS = {
    "partners": re.compile(rf"(?<![\w.,]){_NUMBER}\s+(?:\w+\s+)?(?:partners?|share\s?holders?|owners?|شركاء|شريك)(?!\w|\s+visa)"),
    "visas": re.compile(
        rf"(?<![\w.,]){_NUMBER}\s+(?:(?!days?|weeks?|months?|years?)\w+\s+)?(?:visas|visa\s+quota|تاشيرات|فيز|اقامات)(?!\w)"
    ),
}
_DUALS = {
    "partners": re.compile(r"(?<!\w)(?:شريكين|شريكان)(?!\w)"),
    "visas": re.compile(r"(?<!\w)(?:تاشيرتين|فيزتين|اقامتين)(?!\w)"),
}

_EMAIL = re.compile(r"(?<![\w.+-])([A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.)+[A-Za-z]{2,24})(?![\w@])")
_NUMBERED = re.compile(
    r"(?:\b(?:order|ref(?:erence)?|invoice|ticket|case|file|application|request|tracking|passport|licen[cs]e|permit|eid|id|uid"
    r"|account|iban|card|transaction|receipt|trn)|طلب|مرجع|فاتوره|فاتورة|معامله|معاملة|جواز|رخصه|رخصة|هويه|هوية|حساب|بطاقه|بطاقة)"
    r"(?:[\s.:#=(]|number|num|no|nr|is|رقم|رقمها|رقمه|هو|هي)*$"
)
"""What stands before a number that is not a telephone's."""
_PHONE = re.compile(r"(?<![\w/.\-@])(\+|00)?\(?(\d[\d\s().\-]{6,20}\d)(?![\w/@])")

_NAME = re.compile(
    r"(?:\bmy (?:full )?name(?:'s|’s| is|s|:| =)|\bname\s?[:=]|\bi am called|\bthis is"
    r"|(?<!\w)اسمي(?: هو)?|(?<!\w)الاسم\s?[:=]?|(?<!\w)معك(?:م)?)\s*"
    r"((?:[^\W\d_][\w'’.\-]*)(?: [^\W\d_][\w'’.\-]*){0,3})",
    re.IGNORECASE,
)
_ENDS_NAME = _listed(
    "and i im i'm from my the a an in at of for to is are was am want need looking calling writing please pls here "
    "with regarding about but can could would do does how what when where who why contact phone email number "
    "mobile speaking again sir madam not who's urgent important very really so too just still only also now today "
    "it its your our this that there و انا من في على عن اريد ابي ابغى محتاج ورقمي وانا هل"
)
_NOT_NAMES = _listed(
    "hi hello hey yes no ok okay thanks thank hmm why what who where when how visa help price cost unknown user "
    "customer test none nothing later skip sure good fine great نعم لا مرحبا اهلا السلام شكرا تمام كم ليش لماذا"
)
_NATIONALITY = re.compile(
    r"(?:\bi(?:'|’)?\s?a?m(?: an?| from)?|\bwe are(?: from)?|\bnationality(?: is| =|:)?|\bcitizen of|\bi hold an?"
    r"|\bi have an?|\bmy passport is|\bi come from"
    r"|(?<!\w)(?:انا من|انا|جنسيتي|الجنسيه|الجنسية|احمل الجنسيه|احمل الجنسية)(?:\s?[:=])?)\s+([^\n,.;،!?؟]{2,40})",
)
_AFTER_NATIONALITY = _listed(
    "national nationality citizen citizens passport passports and but by i im i'm we who living working based residing "
    "looking need want with holder in here now currently born و لكن اعيش مقيم مقيمه مقيمة في الجنسيه الجنسية ابي اريد"
)


def clean(text: str) -> str:
    """The text without control characters and with single spaces; lone surrogates are gone."""
    kept = "".join(letter if unicodedata.category(letter) not in ("Cc", "Cs") else " " for letter in text)
    return " ".join(kept.split())


def name(text: str) -> str | None:
    """The name somebody states: "my name is Ravi Kumar and I need ..." gives "Ravi Kumar"."""
    for match in _NAME.finditer(text):
        words: list[str] = []
        for word in match.group(1).split():
            if fold(word).strip(".'’-") in _ENDS_NAME:
                break
            words.append(word.strip(".'’-"))
        plain = match.group(0).lower().startswith("this is")
        if words and not (plain and not words[0][0].isupper() and words[0].isascii()) and _fits(words):
            return " ".join(words)
    return None


def bare_name(text: str) -> str | None:
    """A message that is nothing but a name, as the answer to our question for it."""
    words = text.strip(" .!،,").split()
    letters = all(letter.isalpha() or letter in " .'’-" or unicodedata.category(letter)[0] == "M" for letter in " ".join(words))
    return " ".join(words) if 1 <= len(words) <= 4 and letters and _fits(words) else None


def email(text: str) -> str | None:
    """The first e-mail address in the text, lower-cased."""
    match = _EMAIL.search(text)
    return match.group(1).rstrip(".").lower() if match else None


def phone(text: str) -> str | None:
    """The first phone number: +digits when it is written internationally, else its digits (9 to 12).

    The number of an order, a passport, an account or a card is none.
    """
    folded = fold(text)
    for match in _PHONE.finditer(folded):
        if _NUMBERED.search(folded[: match.start()]):
            continue
        digits = re.sub(r"\D", "", match.group(2))
        if match.group(1) and 8 <= len(digits) <= 15:
            return f"+{digits}"
        if not match.group(1) and 9 <= len(digits) <= 12 and not re.search(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", match.group(2)):
            return digits
    return None


def counts(text: str) -> dict[str, int]:
    """Partners and visas that are counted in the text."""
    folded = fold(text)
    found: dict[str, int] = {}
    for kind in COUNTED:
        match = _COUNTS[kind].search(folded)
        number = _number(match.group(1)) if match else (2 if _DUALS[kind].search(folded) else None)
        if number is not None:
            found[kind] = number
    return found


def bare_number(text: str) -> int | None:
    """The one number a short answer holds."""
    found = [value for word in re.findall(r"\w+", fold(text)) if (value := _number(word)) is not None]
    return found[0] if len(set(found)) == 1 else None


def nationality_clauses(text: str) -> Iterator[str]:
    """The words that follow "I am", "nationality:", "أنا" and the like: where a nationality is stated."""
    for match in _NATIONALITY.finditer(fold(text)):
        yield match.group(1)


def ends_statement(clause: str, at: int) -> bool:
    """True when a nationality ending before word `at` of `clause` stands alone: "Indian", not "Indian restaurant"."""
    words = clause.split()
    return at >= len(words) or words[at].startswith("و") or words[at].strip("'’-()") in _AFTER_NATIONALITY


def _number(word: str) -> int | None:
    if word.isascii() and word.isdigit():
        value = int(word) if len(word) <= 4 else MOST_COUNTED + 1
    elif word in _NUMBERS:
        value = _NUMBERS[word]
    else:
        return None
    return value if value <= MOST_COUNTED else None


def _fits(words: list[str]) -> bool:
    joined = " ".join(words)
    return sum(letter.isalpha() for letter in joined) >= 2 and len(joined) <= 80 and fold(words[0]) not in _NOT_NAMES
