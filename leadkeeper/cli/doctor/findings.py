"""What the doctor finds: one line each, with cause and fix where something is to be done."""

from dataclasses import asdict, dataclass
from typing import Literal

from leadkeeper.config import Settings
from leadkeeper.store.database import Database

Mark = Literal["✓", "!", "✗"]
_WORDS = {"✓": "fine", "!": "look", "✗": "broken"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`mark`: ✓ fine, ! worth a look, ✗ broken. `cause` says why it matters, `fix` what to do."""

    mark: Mark
    about: str
    found: str
    cause: str = ""
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """The finding for machines: its state is a word."""
        return {"state": _WORDS[self.mark], **{name: value for name, value in asdict(self).items() if name != "mark"}}


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at: the settings, and the database when it could be opened and has our schema."""

    settings: Settings
    db: Database | None


def fine(about: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding("✓", about, found)


def look(about: str, found: str, cause: str, fix: str) -> Finding:
    """It works, but somebody should know."""
    return Finding("!", about, found, cause, fix)


def broken(about: str, found: str, cause: str, fix: str) -> Finding:
    """It does not work until this is mended."""
    return Finding("✗", about, found, cause, fix)
