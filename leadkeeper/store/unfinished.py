"""A note in the data folder that a restore is under way: whoever finds it does not start on what is half there."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from leadkeeper.errors import Misconfigured
from leadkeeper.store import durable

FILE = "restore-unfinished.json"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The backup `file` that is put back; `asides`: where what was here before has been moved to."""

    file: str
    asides: Sequence[str] = ()

    @property
    def where(self) -> str | None:
        """The asides as a person reads them; None when nothing was here before."""
        return ", ".join(dict.fromkeys(self.asides)) or None

    @property
    def what_to_do(self) -> str:
        """One sentence."""
        kept = f"; what was here before is in {self.where}" if self.asides else ""
        return f"run `leadkeeper restore {self.file}` again, which completes it{kept}"


def of_folder(folder: Path) -> Unfinished | None:
    """The restore that has not come to its end; None when there is none."""
    try:
        kept = json.loads((folder / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Unfinished(kept["file"], tuple(kept["asides"]))


def refuse(folder: Path) -> None:
    """Raises Misconfigured, saying what to do, while a restore is unfinished here."""
    found = of_folder(folder)
    if found is not None:
        raise Misconfigured(f"a restore was interrupted here: {found.what_to_do}")


def write(folder: Path, begun: Unfinished, asides: Sequence[str]) -> Unfinished:
    """Leave the note, before the first change; returns it with what goes aside now."""
    note = Unfinished(begun.file, (*begun.asides, *asides))
    durable.write_whole(folder / FILE, json.dumps(asdict(note)).encode())
    return note


def remove(folder: Path) -> None:
    """The restore is complete."""
    (folder / FILE).unlink()
    durable.sync(folder)
