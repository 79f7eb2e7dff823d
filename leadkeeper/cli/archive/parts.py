"""The shape of a backup file: a compressed tar whose last member, the manifest, names every other with its hash.

A file that was cut off has no manifest, so it can never pass for a whole one.
"""

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from leadkeeper.errors import LeadkeeperError
from leadkeeper.store import migrate
from leadkeeper.store.durable import sync

FORMAT, VERSION = "leadkeeper-backup", 1
MANIFEST = "manifest.json"
KEY = "secret.key"
MEDIA = "media/"
DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
_MEDIUM = re.compile(r"media(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
CHUNK = 1024 * 1024
LEVEL = 3
"""Of gzip: 6 takes three times as long for a tenth less (docs/decisions/0019)."""

Progress = Callable[[int], None]
"""Told how many bytes more are done."""


class BackupFailed(LeadkeeperError):
    """No backup was made, or it is not one; says why and what to do."""

    code = "backup_failed"


class ArchiveDamaged(LeadkeeperError):
    """A backup file is not what it was when it was made. `part` names what is wrong."""

    code = "archive_damaged"

    def __init__(self, part: str, why: str) -> None:
        super().__init__(f"the backup is damaged: {part} {why}. Take another backup file")
        self.part = part


@dataclass(frozen=True, slots=True)
class Part:
    """One member of the file: its size in bytes and the SHA-256 of its content, in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `taken_at`: the moment of its snapshot (ISO, UTC); `tables`: rows by table;
    `missing`: messages whose file was not there, or not the one their row names, when the backup was made."""

    product: str
    schema: str
    engine: str
    taken_at: str
    line: str
    boots: int
    tables: dict[str, int]
    parts: list[Part] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The content of the manifest's file."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    @classmethod
    def of(cls, content: bytes) -> "Manifest":
        """Read it. Raises ArchiveDamaged for what is none, BackupFailed for one of a newer program."""
        try:
            told = json.loads(content)
            form, version = told.pop("format"), told.pop("version")
            parts = [Part(**part) for part in told.pop("parts")]
            manifest = cls(**told, parts=parts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArchiveDamaged(MANIFEST, "cannot be read") from error
        if form != FORMAT:
            raise ArchiveDamaged(MANIFEST, "is of another program")
        if version > VERSION or not migrate.knows(manifest.schema):
            newer = f"this backup was made by Leadkeeper {manifest.product} (schema {manifest.schema})"
            raise BackupFailed(f"{newer}, which is newer than this program: install that version, then restore")
        return manifest


class Writer:
    """Adds parts to a new file, reading each once. `done` hears of progress."""

    def __init__(self, tar: tarfile.TarFile, done: Progress) -> None:
        self._tar = tar
        self._done = done
        self.parts: list[Part] = []

    def add(self, name: str, path: Path) -> Part:
        """A file as it is now, which nobody may change meanwhile. Raises OSError, also when it grows or shrinks."""
        with path.open("rb") as file:
            member = tarfile.TarInfo(name)
            member.size, member.mode = path.stat().st_size, 0o600
            hashing = _Hashing(file, self._done)
            self._tar.addfile(member, hashing)
        part = Part(name, member.size, hashing.hexdigest())
        self.parts.append(part)
        return part

    def finish(self, manifest: Manifest) -> None:
        """The last member."""
        content = json.dumps(manifest.as_json(), indent=1).encode()
        member = tarfile.TarInfo(MANIFEST)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))


@contextmanager
def writing(path: Path, done: Progress) -> Iterator[Writer]:
    """A new file, readable by us alone, whole and synced at the end of the block."""
    with path.open("xb") as raw:
        path.chmod(0o600)
        with gzip.GzipFile("", "wb", LEVEL, raw) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
            yield Writer(tar, done)
    sync(path)


def unpack(path: Path, folder: Path, *, media: bool, done: Progress) -> Manifest:
    """Put every part into `folder` and compare it with its hash; without `media` those are only compared.

    Raises ArchiveDamaged naming the part, BackupFailed for a newer program's.
    """
    found: dict[str, Part] = {}
    manifest: Manifest | None = None
    part = "its beginning"
    try:
        with gzip.open(path, "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            for member in tar:
                part = member.name
                if not member.isreg() or not _known(part):
                    raise ArchiveDamaged(repr(part), "does not belong into a backup")
                content = tar.extractfile(member)
                if content is None:
                    raise ArchiveDamaged(part, "has no content")
                if part == MANIFEST:
                    manifest = Manifest.of(content.read())
                else:
                    keep = folder / part if media or not part.startswith(MEDIA) else None
                    found[part] = _copy(part, content, keep, done)
            part = "its end"
            while packed.read(CHUNK):  # to the checksum behind the last member
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise ArchiveDamaged(part, f"cannot be read ({error})") from error
    return _compared(manifest, found)


def _known(name: str) -> bool:
    return name in (MANIFEST, KEY, *DATABASES.values()) or _MEDIUM.fullmatch(name) is not None


def _copy(name: str, content: IO[bytes], target: Path | None, done: Progress) -> Part:
    hashing = _Hashing(content, done)
    if target is None:
        while hashing.read(CHUNK):
            pass
        return Part(name, hashing.size, hashing.hexdigest())
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with target.open("xb") as file:
        target.chmod(0o600)
        while chunk := hashing.read(CHUNK):
            file.write(chunk)
    sync(target)
    return Part(name, hashing.size, hashing.hexdigest())


def _compared(manifest: Manifest | None, found: dict[str, Part]) -> Manifest:
    if manifest is None:
        raise ArchiveDamaged(MANIFEST, "is missing: the file was cut off, or is no backup")
    for named in manifest.parts:
        there = found.pop(named.name, None)
        if there is None:
            raise ArchiveDamaged(named.name, "is missing")
        if there != named:
            raise ArchiveDamaged(named.name, "is not what it was when the backup was made")
    if found:
        raise ArchiveDamaged(min(found), "is not named by the manifest")
    if DATABASES.get(manifest.engine) not in {part.name for part in manifest.parts}:
        raise ArchiveDamaged("the database", "is missing")
    return manifest


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes], done: Progress) -> None:
        self._file = file
        self._done = done
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = CHUNK) -> bytes:
        chunk = self._file.read(size)
        self._digest.update(chunk)
        self.size += len(chunk)
        self._done(len(chunk))
        return chunk

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
