"""Commands are run as a person runs them: arguments in, text and exit code out, on a database of their own."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from leadkeeper.cli.main import app
from leadkeeper.store.database import Database


class Terminal:
    """Runs commands of the CLI on one database."""

    def __init__(self, data: Path, db: Database) -> None:
        self.data = data
        self.db = db

    def run(self, *arguments: str, stdin: str = "") -> Result:
        """The finished command; its errors are raised as `main` would catch them."""
        return CliRunner().invoke(app, list(arguments), input=stdin, catch_exceptions=False)

    def lines(self, *arguments: str, stdin: str = "") -> Sequence[str]:
        """What a command that must succeed prints."""
        done = self.run(*arguments, stdin=stdin)
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine the tests run on, and an empty folder to stand in."""
    for name in os.environ:
        if name.startswith(("LEADKEEPER_", "AUTOPILOT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def terminal(db: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal of an installation whose database is migrated and empty."""
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", database_url)
    monkeypatch.setenv("LEADKEEPER_DATA_DIR", str(data))
    yield Terminal(data, db)
