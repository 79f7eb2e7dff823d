"""What a message says about its writer: service, nationality, dates, name, address, counts. No model, no guess.

Runs before anything is decided. A value is taken only when the message states it, or when it answers
the question we asked; what is not said stays unknown. Pure and total: any text gives a result.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from leadkeeper.ai import dates, stated

LONGEST_READ = 4_000
"""Characters of a message that are read; the rest says nothing new about its writer."""

SHORT_ANSWER = 6
"""A message of at most this many words may be the bare answer to our question."""

NEAR = 60
"""Characters between the word for a document and its date, at most."""

_EXPIRES = re.compile(
    r"\b(expir\w*|valid(?:ity)?(?:\s+(?:until|till|to|up\s?to))?|ends?\s+on|ending\s+on|renew\w*\s+(?:by|before|on)|due\s+on|until|till)\b"
    r"|ينتهي|تنتهي|انتهاء|تخلص|يخلص|صالح|صلاحي|ساري|تاريخ الانتهاء|لغايه|لغاية"
)
_NOT_EXPIRY = re.compile(
    r"\b(born|birth|dob|d\.o\.b|issued?|issue date|start(?:s|ed|ing)?|from|arriv\w*|travel\w*|appointment|meeting)\b"
    r"|\b(entered|entry)\b"
    r"|ميلاد|الاصدار|صدر|موعد|وصول|دخول|سفر"
)


class Hit(Protocol):
    """A phrase of a word list found in a text."""

    @property
    def list(self) -> str:
        """The list it belongs to."""

    @property
    def value(self) -> str:
        """What it stands for."""

    @property
    def phrase(self) -> str:
        """The phrase of the list."""

    @property
    def start(self) -> int:
        """First word."""

    @property
    def end(self) -> int:
        """Word after the last."""


class Words(Protocol):
    """Compiled word lists (the rules' lexicon fits)."""

    def find(self, name: str, text: str) -> Sequence[Hit]:
        """Hits of one list in `text`, in order, the longest of overlapping ones."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was stated. `expiries` is kind -> date; `counts` is name -> number; the rest None when not said."""

    service: str | None = None
    service_text: str | None = None
    nationality: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    expiries: dict[str, date] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """Only what was said, as `crm.leads.merge` takes it."""
        single = {
            "service": self.service,
            "service_text": self.service_text,
            "nationality": self.nationality,
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
        }
        found: dict[str, Any] = {name: value for name, value in single.items() if value is not None}
        if self.expiries:
            found["expiries"] = dict(self.expiries)
        return {**found, **self.counts}


def extract(text: str, words: Words, pending_question: str | None, today: date) -> Extracted:
    """Read one message. `pending_question` is the key of what we asked last: name, service, nationality,
    email, phone, partners, visas, or expiry:<kind>; a short message is read as its answer.
    """
    said = stated.clean(text[:LONGEST_READ])
    asked = pending_question if len(said.split()) <= SHORT_ANSWER else None
    service, wording = _service(said, words)
    return Extracted(
        service=service,
        service_text=wording if service else (said[:300] if asked == "service" and said else None),
        nationality=_nationality(said, words, asked),
        name=stated.name(said) or (stated.bare_name(said) if asked == "name" else None),
        email=stated.email(said),
        phone=stated.phone(said),
        expiries=_expiries(said, words, asked, today),
        counts=stated.counts(said) | _asked_count(said, asked),
    )


def _service(text: str, words: Words) -> tuple[str | None, str | None]:
    """The service named by the longest phrase (the first of equals), and the customer's own words."""
    hits = words.find("service", text)
    if not hits:
        return None, None
    best = max(hits, key=lambda hit: (hit.end - hit.start, -hit.start))
    return best.value, text[:300]


def _nationality(text: str, words: Words, asked: str | None) -> str | None:
    """A nationality that is stated as one, or the one country a short answer names."""
    for clause in stated.nationality_clauses(text):
        hits = words.find("nationality", clause)
        if hits and hits[0].start == 0 and stated.ends_statement(clause, hits[0].end):
            return hits[0].value
    if asked == "nationality":
        values = {hit.value for hit in words.find("nationality", text)}
        if len(values) == 1:
            return values.pop()
    return None


def _expiries(text: str, words: Words, asked: str | None, today: date) -> dict[str, date]:
    """Explicit dates tied to what they end: "my visa expires on 12/03/2027"; never a date alone."""
    found: dict[str, date] = {}
    folded = dates.fold(text)
    every = dates.find(text, today)
    begins, spoken_of = 0, None
    for dated in every:
        before = folded[max(begins, dated.start - NEAR) : dated.start]
        begins = dated.end
        hits = words.find("expiry", before)
        spoken_of = hits[-1].value if hits else spoken_of
        if spoken_of and _EXPIRES.search(before) and not _NOT_EXPIRY.search(_last_clause(before)):
            found[spoken_of] = dated.date
    kind = asked.removeprefix("expiry:") if asked and asked.startswith("expiry:") else None
    if kind and kind not in found and len(every) == 1:
        found[kind] = every[0].date
    return found


def _last_clause(text: str) -> str:
    return re.split(r"[,.;،؛\n]|\band\b|\bbut\b", text)[-1]


def _asked_count(text: str, asked: str | None) -> dict[str, int]:
    number = stated.bare_number(text) if asked in stated.COUNTED else None
    return {asked: number} if asked and number is not None else {}
