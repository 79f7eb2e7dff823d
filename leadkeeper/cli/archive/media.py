"""The media files that rows name, and whether each is still the file its row describes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from leadkeeper.store.schema import messages

PAGE = 2_000
"""Messages looked at with one statement."""


@dataclass(frozen=True, slots=True)
class Medium:
    """A file as a message names it; `file` is relative to the media folder."""

    message_id: int
    file: str
    sha256: str | None


def named(conn: Connection) -> Iterator[Medium]:
    """Every stored medium, each file once, in the order of the messages."""
    seen: set[str] = set()
    after = 0
    while True:
        query = select(messages.c.id, messages.c.media).where(messages.c.id > after, messages.c.media.is_not(None))
        rows = conn.execute(query.order_by(messages.c.id).limit(PAGE)).all()
        for row in rows:
            file = row.media.get("file")
            if row.media.get("state") == "stored" and isinstance(file, str) and file not in seen:
                seen.add(file)
                yield Medium(row.id, file, row.media.get("sha256"))
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def names(conn: Connection, medium: Medium) -> bool:
    """True while its message still names this file: one may have been deleted since the snapshot."""
    about = conn.execute(select(messages.c.media).where(messages.c.id == medium.message_id)).scalar()
    return isinstance(about, dict) and about.get("file") == medium.file


def path_of(folder: Path, file: str) -> Path | None:
    """Where the file is; None for what is no regular file inside the folder."""
    path = (folder / file).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
