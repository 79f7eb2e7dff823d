"""Who the example business is and who writes to it. Every name, price and number here is invented."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from leadkeeper.knowledge.documents import NewDocument

NAME = "Saffron Gate Business Centre"
TIMEZONE = "Asia/Dubai"
HOURS = {**{day: ["09:00", "20:00"] for day in ("mon", "tue", "wed", "thu", "fri")}, "sat": ["10:00", "17:00"]}

_DOCUMENTS = (
    ("questions.csv", "Questions and answers", "faq"),
    ("questions-ar.csv", "أسئلة وأجوبة", "faq"),
    ("company-setup.md", "Setting up a company", "guidance"),
    ("visa-guide.md", "Visa guide", "guidance"),
    ("policies.txt", "How we work", "policies"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """An invented customer. `wa_id` lies in a range that no network has given out."""

    wa_id: str
    name: str
    language: str
    nationality: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """A lead of the example that has not written yet: `expiry` in days from now, `follow_up` in hours."""

    person: Person
    stage: str
    service: str
    notes: str
    expiry_kind: str | None = None
    expiry_days: int = 0
    follow_up_hours: int | None = None


@cache
def documents() -> tuple[NewDocument, ...]:
    """The training documents, as somebody would upload them."""
    folder = files("leadkeeper.example") / "documents"
    return tuple(
        NewDocument(title, kind, (folder / name).read_text(encoding="utf-8"), name.rpartition(".")[2], name)
        for name, title, kind in _DOCUMENTS
    )


@cache
def people() -> tuple[Person, ...]:
    """Everybody who writes in the example, in a fixed order."""
    return tuple(Person(f"97160000{number:04d}", *row) for number, row in enumerate(read("people.json"), 1001))


@cache
def prospects() -> tuple[Prospect, ...]:
    """The leads that have not written yet."""
    return tuple(
        Prospect(Person(f"97160000{number:04d}", *row["person"]), **{name: row[name] for name in row if name != "person"})
        for number, row in enumerate(read("prospects.json"), 2001)
    )


def read(name: str) -> Any:
    """A JSON file of this package."""
    return json.loads((files("leadkeeper.example") / name).read_text(encoding="utf-8"))
