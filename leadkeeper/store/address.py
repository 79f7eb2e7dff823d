"""Where the database is: its URL, which for PostgreSQL may name several servers, of which one takes writes.

    postgresql://user:secret@db1:5432,db2:5432/leadkeeper

SQLAlchemy does not read the several hosts that libpq takes; as parameters of the URL both do. The
first server that takes writes is used, so a promoted standby is found by itself.
"""

import re

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from leadkeeper.errors import Misconfigured

SHAPE = "use sqlite:///file or postgresql://user@host/db"
_SEVERAL = re.compile(r"(?P<start>postgres(?:ql)?(?:\+\w+)?://(?:[^/?#]*@)?)(?P<hosts>[^@/?#]*,[^@/?#]*)(?P<rest>[/?#].*|)", re.S)
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^:,\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_PORT = "5432"


def parse_url(text: str) -> URL:
    """The database URL with its driver; raises Misconfigured for another engine, and for what is no URL."""
    several = _SEVERAL.fullmatch(text)
    try:
        url = make_url(several["start"] + several["rest"] if several else text)
    except (ArgumentError, ValueError) as error:
        raise Misconfigured(f"LEADKEEPER_DATABASE_URL is no address: {SHAPE}") from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise Misconfigured("LEADKEEPER_DATABASE_URL: SQLite needs a file, for example sqlite:///data/leadkeeper.db")
        return url.set(drivername="sqlite+pysqlite")
    if backend in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
        return _of_servers(url, several["hosts"].split(",")) if several else url
    raise Misconfigured(f"LEADKEEPER_DATABASE_URL: {backend!r} is not supported; use sqlite:/// or postgresql://")


def servers(url: URL) -> int:
    """How many servers a URL names."""
    return str(url.query.get("host", "")).count(",") + 1


def _of_servers(url: URL, named: list[str]) -> URL:
    found = [_HOST.fullmatch(each) for each in named]
    hosts = [each["host"].strip("[]") for each in found if each is not None]
    if len(hosts) < len(named):
        raise Misconfigured("LEADKEEPER_DATABASE_URL: several servers are written host1:5432,host2:5432")
    ports = [each["port"] or _PORT for each in found if each is not None]
    which = url.query.get("target_session_attrs", "read-write")
    return url.update_query_dict({"host": ",".join(hosts), "port": ",".join(ports), "target_session_attrs": which})
