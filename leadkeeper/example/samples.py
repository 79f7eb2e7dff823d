"""Questions with what must come of them: for the phone on the screen, for the demo, and for the tests."""

from dataclasses import dataclass
from functools import cache

from leadkeeper.example.business import read


@dataclass(frozen=True, slots=True)
class Sample:
    """A question. `expect`: answer (its answer `holds` a text), handover (not in the documents), person (asks for one)."""

    language: str
    text: str
    expect: str
    holds: str = ""


@cache
def samples() -> tuple[Sample, ...]:
    """Every sample question."""
    return tuple(Sample(**row) for row in read("sample_questions.json"))


def of(language: str, expect: str) -> list[Sample]:
    """The samples of one language that must come to one end."""
    return [sample for sample in samples() if (sample.language, sample.expect) == (language, expect)]
