"""What the tests of backups share: an installation with a few messages, a file one of them names, and a key."""

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text
from typer.testing import CliRunner, Result

from leadkeeper import clock
from leadkeeper.cli.main import app
from leadkeeper.config import Settings
from leadkeeper.crm import accounts, contacts, conversations, leads, messages
from leadkeeper.jobs.first_start import prepare
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.database import Database
from leadkeeper.store.schema import messages as message_table

PHOTO = b"\xff\xd8\xff\xe0 a photo"
NAME = "ab/abcdef.jpg"


@dataclass(frozen=True, slots=True)
class House:
    """An installation nobody works on."""

    url: str
    data: Path

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False)

    def backup(self, *arguments: str) -> Path:
        """A backup that must succeed."""
        before = set(self.backups())
        done = self.run("backup", *arguments)
        assert done.exit_code == 0, done.output
        (made,) = set(self.backups()) - before
        return made

    def backups(self) -> Sequence[Path]:
        return sorted((self.data / "backups").glob("*.tar.gz"))

    def open(self) -> Database:
        return Database(self.url)


@pytest.fixture
def house(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", database_url)
    monkeypatch.setenv("LEADKEEPER_DATA_DIR", str(data))
    monkeypatch.chdir(tmp_path)
    settings = Settings(data_dir=data, database_url=database_url)
    db = Database(database_url)
    try:
        db.write_now(prepare, settings, SecretBox.open(data))
        db.write_now(photo)
    finally:
        db.close()
    (data / "media" / NAME).parent.mkdir(parents=True)
    (data / "media" / NAME).write_bytes(PHOTO)
    (data / "media" / "ab" / "of-nobody.jpg").write_bytes(b"left over")
    return House(database_url, data)


def photo(conn: Connection) -> None:
    """A customer sent a photo."""
    now = clock.now()
    account = accounts.ensure(conn, "test", "test", "Test account")
    contact = contacts.resolve(conn, account, [("sara", "test")], {"name": "Sara"})
    lead = leads.for_contact(conn, contact, "test", None)
    conversation, _ = conversations.open_one(
        conn, contact_id=contact, account_id=account, lead_id=lead, address="sara", language="en"
    )
    media = {"state": "stored", "file": NAME, "sha256": hashlib.sha256(PHOTO).hexdigest()}
    said = {"conversation_id": conversation, "account_id": account, "kind": "image", "body": "[photo]", "media": media}
    messages.store_inbound(conn, {**said, "occurred_at": now})


def bodies(db: Database) -> list[str]:
    return db.read_now(lambda conn: list(conn.execute(select(message_table.c.body).order_by(message_table.c.id)).scalars()))


Content = dict[str, bytes]


def content_of(file: Path) -> Content:
    with tarfile.open(file) as tar:
        return {member.name: found.read() for member in tar if (found := tar.extractfile(member))}


def rewritten(file: Path, change: Callable[[Content], Any]) -> Path:
    """The same backup with other content, in a file that is sound as such."""
    content = content_of(file)
    change(content)
    other = file.with_name(f"other-{change.__name__}.tar.gz")
    with tarfile.open(other, "w:gz") as tar:
        for name, found in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(found)
            tar.addfile(member, io.BytesIO(found))
    return other


def lose_everything(house: House) -> None:
    """The database, the media and the key are gone; the backups lie elsewhere."""
    for path in house.data.iterdir():
        if path.name != "backups":
            subprocess.run(["rm", "-rf", str(path)], check=True)
    if house.url.startswith("postgresql"):
        db = house.open()
        drop_tables(db)
        db.close()


def drop_tables(db: Database) -> None:
    """A PostgreSQL database is empty again."""
    db.write_now(lambda conn: conn.execute(text("drop schema public cascade")))
    db.write_now(lambda conn: conn.execute(text("create schema public")))
