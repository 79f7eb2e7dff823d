"""Every data test runs on SQLite and on PostgreSQL: `db` is an open, migrated, empty database."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from leadkeeper.cli.measure.cluster import Cluster, find_binaries
from leadkeeper.store import migrate
from leadkeeper.store.database import Database
from tests.kept import Kept

settings.register_profile("leadkeeper", deadline=None)  # the first example pays for imports and a busy machine
settings.load_profile("leadkeeper")

FULL = os.environ.get("LEADKEEPER_TESTS") == "full"
_CLUSTER = "TEST_CLUSTER_OF_LEADKEEPER"
"""Not in our own prefix: there an unknown name is an error, also in programs the tests start."""


def skip(reason: str) -> None:
    """Skip for want of something on this machine; in a full run that is a failure."""
    if FULL:
        pytest.fail(f"LEADKEEPER_TESTS=full: {reason}")
    pytest.skip(reason)


def pytest_configure(config: pytest.Config) -> None:
    """Start one cluster for all test processes (xdist workers inherit its address)."""
    if hasattr(config, "workerinput") or _CLUSTER in os.environ:
        return
    binaries = find_binaries()
    if binaries is not None:
        cluster = Cluster(binaries)
        config.add_cleanup(cluster.stop)
        os.environ[_CLUSTER] = str(cluster.port)
        config.add_cleanup(lambda: os.environ.pop(_CLUSTER, None))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated empty database file."""
    path = tmp_path_factory.mktemp("template") / "leadkeeper.db"
    db = Database(f"sqlite:///{path}")
    migrate.upgrade(db)
    db.close()
    return path


@pytest.fixture(scope="session")
def kept() -> Iterator[Kept]:
    """This process's PostgreSQL database."""
    if _CLUSTER not in os.environ:
        skip("PostgreSQL is not installed (apt-get install postgresql)")
    database = Kept(f"postgresql://leadkeeper@127.0.0.1:{os.environ[_CLUSTER]}")
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh migrated database, once per engine."""
    if request.param == "sqlite":
        path = tmp_path / "data" / "leadkeeper.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    database: Kept = request.getfixturevalue("kept")
    yield database.url
    database.empty()


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An open, migrated, empty database."""
    database = Database(database_url)
    yield database
    database.close()
