"""A database URL names SQLite's file, one PostgreSQL server, or several of which one takes writes."""

import psycopg
import pytest

from leadkeeper.cli.config import masked
from leadkeeper.errors import Misconfigured
from leadkeeper.store.address import parse_url, servers
from leadkeeper.store.engine import writing_engine


@pytest.mark.parametrize(
    ("text", "hosts", "ports"),
    [
        ("postgresql://keeper:s3cr%40t@db1:5433,db2:5434/desk", "db1,db2", "5433,5434"),
        ("postgres://keeper@db1,db2:5434/desk", "db1,db2", "5432,5434"),
        ("postgresql+psycopg://keeper@[::1]:5433,db2/desk", "::1,db2", "5433,5432"),
    ],
)
def test_several_servers_are_tried_for_the_one_that_takes_writes(text: str, hosts: str, ports: str) -> None:
    url = parse_url(text)

    _, given = writing_engine(url).dialect.create_connect_args(url)
    as_libpq = psycopg.conninfo.conninfo_to_dict(url.set(drivername="postgresql").render_as_string(hide_password=False))
    for way in (given, as_libpq):
        assert (way["host"], way["port"], way["target_session_attrs"]) == (hosts, ports, "read-write")
        assert (way["user"], way["dbname"]) == ("keeper", "desk")
    assert servers(url) == 2


def test_which_of_several_servers_is_wanted_may_be_said() -> None:
    url = parse_url("postgresql://keeper@db1,db2/desk?target_session_attrs=any")

    assert url.query["target_session_attrs"] == "any"


def test_one_server_is_left_as_it_was_given() -> None:
    url = parse_url("postgresql://keeper@db1:5433/desk?sslmode=require")

    assert (url.host, url.port, dict(url.query), servers(url)) == ("db1", 5433, {"sslmode": "require"}, 1)


@pytest.mark.parametrize(
    "text",
    ["postgresql://u@db1:x,db2/d", "postgresql://u@db1,,db2/d", "postgresql://u@,/d", "mysql://a,b/d", "nonsense,", "sqlite://"],
)
def test_what_names_no_servers_is_refused_in_words(text: str) -> None:
    with pytest.raises(Misconfigured, match="LEADKEEPER_DATABASE_URL"):
        parse_url(text)


def test_the_password_for_several_servers_is_masked() -> None:
    shown = masked("postgresql://keeper:s3cret@db1:5433,db2:5434/desk")

    assert "s3cret" not in shown
    assert "db1" in shown
