"""`leadkeeper migrate` and what opens a database."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from leadkeeper.cli.main import app
from leadkeeper.cli.opening import open_database
from leadkeeper.errors import Misconfigured, SchemaMismatch
from leadkeeper.store import migrate as schema
from tests.cli.conftest import Terminal


def test_a_new_database_is_made_and_a_second_time_there_is_nothing_to_do() -> None:
    first, second = (CliRunner().invoke(app, ["migrate"], catch_exceptions=False) for _ in range(2))

    assert first.stdout == f"schema none -> {schema.newest()}\n"
    assert second.stdout == f"schema {schema.newest()}, nothing to do\n"
    assert Path("data/leadkeeper.db").exists()


def test_a_command_does_not_make_a_database_by_looking_for_one() -> None:
    with pytest.raises(SchemaMismatch, match="there is no database"), open_database():
        pytest.fail("opened what is not there")

    assert not Path("data").exists()


def test_a_command_refuses_a_database_of_another_schema(terminal: Terminal) -> None:
    from sqlalchemy import text

    terminal.db.write_now(lambda conn: conn.execute(text("update alembic_version set version_num = '9999'")))

    with pytest.raises(SchemaMismatch, match="newer than this program"):
        terminal.run("user", "list")


@pytest.mark.parametrize(
    ("folder", "why"), [("/proc/none", "No such file"), ("a-file", "it is a file"), ("a-file/data", "Not a dir")]
)
def test_a_data_folder_that_cannot_be_used_is_told_with_what_to_do(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, folder: str, why: str
) -> None:
    Path("a-file").touch()
    monkeypatch.setenv("LEADKEEPER_DATA_DIR", folder)

    with pytest.raises(Misconfigured, match=f"{folder} cannot be used: {why}.*LEADKEEPER_DATA_DIR"):
        terminal.run("migrate")


def test_the_data_folder_is_made_closed_to_others(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_DATA_DIR", "fresh")

    terminal.lines("migrate")

    assert Path("fresh").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize(("url", "words"), [("nonsense", "is no address"), ("mysql://db/leads", "'mysql' is not supported")])
def test_an_address_of_no_database_is_told(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, url: str, words: str) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", url)

    with pytest.raises(Misconfigured, match=words):
        terminal.run("migrate")
