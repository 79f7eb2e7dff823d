"""Proof that the database can be written: one row, changed and committed."""

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.store.schema import settings
from leadkeeper.store.upsert import upsert

NAME = "probe"


def write(conn: Connection) -> None:
    """Write the moment; tells nobody, since nothing that anybody reads has changed."""
    now = clock.now()
    upsert(conn, settings, {"name": NAME, "value": now.isoformat(), "updated_at": now, "updated_by": None}, key=("name",))
