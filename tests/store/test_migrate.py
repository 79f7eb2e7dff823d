"""The schema's version, known without loading Alembic."""

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from leadkeeper.errors import SchemaMismatch
from leadkeeper.store import migrate
from leadkeeper.store.database import Database


def test_the_numbers_in_the_file_names_are_the_line_alembic_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.VERSIONS.parent))
    scripts = ScriptDirectory.from_config(config)

    assert migrate.newest() == scripts.get_current_head()
    assert migrate._known() == {script.revision for script in scripts.walk_revisions()}


def test_a_database_is_brought_forward_once(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'new.db'}")

    first, second = migrate.upgrade(db), migrate.upgrade(db)

    db.close()
    assert first == (None, migrate.newest())
    assert second == (migrate.newest(), migrate.newest())


def test_a_current_database_passes(db: Database) -> None:
    db.read_now(migrate.check)


def test_an_empty_database_is_refused_with_what_to_run(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    db.write_now(lambda conn: conn.execute(text("create table something (id integer)")))

    with pytest.raises(SchemaMismatch, match=r"schema none.*run `leadkeeper migrate`"):
        db.read_now(migrate.check)
    db.close()


def test_a_newer_database_is_refused_by_check_and_by_upgrade(db: Database) -> None:
    db.write_now(lambda conn: conn.execute(text("update alembic_version set version_num = '9999'")))

    for act in (lambda: db.read_now(migrate.check), lambda: migrate.upgrade(db)):
        with pytest.raises(SchemaMismatch, match="newer than this program"):
            act()


def test_a_program_without_migrations_says_that_it_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "VERSIONS", tmp_path)

    with pytest.raises(SchemaMismatch, match="damaged"):
        migrate.newest()
