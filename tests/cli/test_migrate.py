"""`leadkeeper migrate` and what opens a database."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from leadkeeper.cli.main import app
from leadkeeper.cli.opening import open_database
from leadkeeper.errors import SchemaMismatch
from leadkeeper.store import migrate as schema
from tests.cli.conftest import Terminal


def test_a_new_database_is_made_and_a_second_time_there_is_nothing_to_do() -> None:
    first, second = (CliRunner().invoke(app, ["migrate"], catch_exceptions=False) for _ in range(2))

    assert first.stdout == f"schema none -> {schema._head()}\n"
    assert second.stdout == f"schema {schema._head()}, nothing to do\n"
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
