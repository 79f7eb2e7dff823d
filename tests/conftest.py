"""Every data test runs on SQLite and on PostgreSQL: `db` is an open, migrated, empty database."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from leadkeeper.cli.measure.cluster import Cluster, find_binaries
from leadkeeper.store import migrate
from leadkeeper.store.database import Database

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


def _cluster_url(database: str) -> str:
    return f"postgresql://leadkeeper@127.0.0.1:{os.environ[_CLUSTER]}/{database}"


def _admin(statement: str) -> None:
    engine = create_engine(_cluster_url("postgres").replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated empty database file."""
    path = tmp_path_factory.mktemp("template") / "leadkeeper.db"
    db = Database(f"sqlite:///{path}")
    migrate.upgrade(db)
    db.close()
    return path


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a migrated empty database on the cluster."""
    if _CLUSTER not in os.environ:
        skip("PostgreSQL is not installed (apt-get install postgresql)")
    name = f"template_{uuid.uuid4().hex[:12]}"
    _admin(f"create database {name}")
    db = Database(_cluster_url(name))
    migrate.upgrade(db)
    db.close()
    yield name
    _admin(f"drop database {name} with (force)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh migrated database, once per engine."""
    if request.param == "sqlite":
        path = tmp_path / "data" / "leadkeeper.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    name = f"test_{uuid.uuid4().hex[:12]}"
    _admin(f"create database {name} template {request.getfixturevalue('postgres_template')} strategy file_copy")
    yield _cluster_url(name)
    _admin(f"drop database {name} with (force)")


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An open, migrated, empty database."""
    database = Database(database_url)
    yield database
    database.close()
