"""What is not put back: anything that is not exactly what was backed up, and anything where something is already."""

import gzip
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from leadkeeper.cli.archive.parts import MANIFEST, ArchiveDamaged, BackupFailed
from leadkeeper.errors import Conflict
from leadkeeper.store import restores
from leadkeeper.worker.identity import Identity
from tests.cli.archive.conftest import NAME, Content, House, bodies, content_of, lose_everything, rewritten


def test_an_installation_that_is_not_empty_is_refused_and_says_what_to_do(house: House) -> None:
    file = house.backup("--no-verify")

    with pytest.raises(Conflict, match=r"is not empty: .*add --replace: what is here is moved aside"):
        house.run("restore", str(file))
    db = house.open()
    assert bodies(db) == ["[photo]"]
    assert db.read_now(restores.last) is None
    db.close()


@pytest.mark.parametrize("part", ["database", "secret.key", f"media/{NAME}"])
def test_a_part_that_is_not_what_it_was_is_named_and_nothing_is_changed(house: House, part: str) -> None:
    file = house.backup("--no-verify")
    whole = next(name for name in content_of(file) if name.startswith(part))
    lose_everything(house)

    def spoil(content: Content) -> None:
        found = content[whole]
        content[whole] = found[: len(found) // 2] + bytes([found[len(found) // 2] ^ 1]) + found[len(found) // 2 + 1 :]

    with pytest.raises(ArchiveDamaged) as refused:
        house.run("restore", str(rewritten(file, spoil)))

    assert refused.value.part == whole
    assert whole in refused.value.message
    assert sorted(path.name for path in house.data.iterdir()) == ["backups"]


def test_a_file_that_was_cut_off_or_holds_something_else_is_refused(house: House, tmp_path: Path) -> None:
    file = house.backup("--no-verify")
    lose_everything(house)
    cut, flipped, text_file = tmp_path / "cut", tmp_path / "flipped", tmp_path / "text"
    cut.write_bytes(file.read_bytes()[:-300])
    middle = len(file.read_bytes()) // 2
    flipped.write_bytes(file.read_bytes()[:middle] + b"\0\0\0\0\0\0\0\0" + file.read_bytes()[middle + 8 :])
    text_file.write_text("no backup")

    def add_escape(content: Content) -> None:
        content["../outside"] = b"x"

    def forget_the_key(content: Content) -> None:
        del content["secret.key"]

    def spoil_the_manifest(content: Content) -> None:
        content[MANIFEST] = content[MANIFEST][:-2]

    changed = [rewritten(file, change) for change in (add_escape, forget_the_key, spoil_the_manifest)]
    for wrong in (cut, flipped, text_file, *changed):
        with pytest.raises(ArchiveDamaged):
            house.run("restore", str(wrong))
    with pytest.raises(BackupFailed, match="nothing-here"):
        house.run("restore", "nothing-here.tar.gz")
    assert not (tmp_path / "outside").exists()
    assert sorted(path.name for path in house.data.iterdir()) == ["backups"]


def test_a_backup_of_a_newer_program_or_of_another_engine_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    file = house.backup("--no-verify")
    lose_everything(house)

    def newer(content: Content) -> None:
        content[MANIFEST] = json.dumps({**json.loads(content[MANIFEST]), "schema": "9999", "product": "7.1"}).encode()

    with pytest.raises(BackupFailed, match=r"Leadkeeper 7\.1 \(schema 9999\).*install that version"):
        house.run("restore", str(rewritten(file, newer)))
    if house.url.startswith("postgresql"):
        monkeypatch.setenv("LEADKEEPER_DATABASE_URL", f"sqlite:///{house.data}/other.db")
        with pytest.raises(BackupFailed, match="this backup is of PostgreSQL"):
            house.run("restore", str(file))


def test_while_leadkeeper_runs_nothing_is_put_back(house: House) -> None:
    file = house.backup("--no-verify")
    worker = Identity(house.data)

    with pytest.raises(Conflict, match="stop it first"):
        house.run("restore", str(file), "--replace")
    with pytest.raises(Conflict, match="stop it first"):
        house.run("restore", "--by-hand")
    worker.give_up()
    db = house.open()
    db.write_now(lambda conn: conn.execute(text("update messages set body = 'x'")))  # a web server alone holds no lock
    with pytest.raises(Conflict, match="stop"):
        house.run("restore", str(file), "--replace")
    db.close()


def test_the_checksum_behind_the_last_part_is_looked_at_too(house: House, tmp_path: Path) -> None:
    file = house.backup("--no-verify")
    lose_everything(house)
    whole = bytearray(file.read_bytes())
    whole[-6] ^= 1
    wrong = tmp_path / "wrong"
    wrong.write_bytes(whole)

    with pytest.raises(gzip.BadGzipFile), gzip.open(wrong) as packed:
        packed.read()
    with pytest.raises(ArchiveDamaged, match="its end"):
        house.run("restore", str(wrong))
