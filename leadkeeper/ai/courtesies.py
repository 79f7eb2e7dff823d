"""Messages that are only a greeting or only thanks: they ask nothing, so no document is searched. Pure."""

from leadkeeper.knowledge.words import words

_GREETINGS = (
    "hi", "hello", "hey", "hiya", "heya", "hi there", "hello there", "hey there", "good morning", "good afternoon",
    "good evening", "good day", "greetings", "salam", "salaam", "assalamu alaikum", "as salam alaikum", "salam alaikum",
    "asalamualaikum", "marhaba",
    "hi team", "hello team", "hi dear", "hello dear", "dear sir", "hello sir", "hi sir",
    "مرحبا", "مرحبا بك", "أهلا", "اهلا", "أهلا وسهلا", "اهلين", "هلا", "هلا والله", "هاي", "هلو", "السلام عليكم", "سلام عليكم",
    "سلام", "السلام عليكم ورحمة الله", "السلام عليكم ورحمة الله وبركاته", "صباح الخير", "مساء الخير", "صباح النور",
    "مساء النور", "تحياتي", "يعطيك العافية", "حياك الله",
)  # fmt: skip
_THANKS = (
    "thanks", "thank you", "thankyou", "thx", "tnx", "ty", "cheers", "many thanks", "thanks a lot", "thank you so much",
    "thank you very much", "thanks so much", "ok thanks", "okay thanks", "ok thank you", "okay thank you", "great thanks",
    "great thank you", "perfect thanks", "perfect thank you", "got it thanks", "noted thanks", "noted with thanks", "thanks bye",
    "appreciate it", "much appreciated", "thanks for your help", "thank you for your help", "thanks again",
    "alright thanks", "thank you sir", "thanks sir", "thanks dear", "thanks team", "ok", "okay", "got it", "noted",
    "great", "perfect",
    "شكرا", "شكرا لك", "شكرا لكم", "شكرا جزيلا", "شكرا كثيرا", "شكرا كتير", "الف شكر", "ألف شكر", "مشكور", "مشكورين",
    "مشكورة", "تسلم", "تسلمي", "تسلمون", "يسلمو", "يسلموا", "جزاك الله خيرا", "جزاكم الله خيرا", "الله يعطيك العافية",
    "ممتاز شكرا", "تمام شكرا", "حسنا شكرا", "أشكرك", "اشكرك", "أشكركم", "تمام", "حسنا", "أوكي", "اوكي", "ممتاز",
)  # fmt: skip


def is_greeting(text: str) -> bool:
    """True when the whole message is a greeting, in English or Arabic; signs and emoji do not matter."""
    return _whole(text) in _WHOLE_GREETINGS


def is_thanks(text: str) -> bool:
    """True when the whole message is thanks or an acknowledgement: nothing needs to be said."""
    return _whole(text) in _WHOLE_THANKS


def _whole(text: str) -> str:
    """The folded words of a message, drawn-out letters made short ("hiiii" is "hi")."""
    return " ".join(_short(word) for word in words(text))


def _short(word: str) -> str:
    kept = [letter for place, letter in enumerate(word) if place < 2 or not letter == word[place - 1] == word[place - 2]]
    single = "".join(kept)
    return single[:-1] if len(single) > 2 and single[-1] == single[-2] and len(single) < len(word) else single


_WHOLE_GREETINGS = frozenset(map(_whole, _GREETINGS))
_WHOLE_THANKS = frozenset(map(_whole, _THANKS))
