"""When a lead's visa, licence or passport ends: the business of renewals."""

from datetime import date

from sqlalchemy import Connection, Row, delete, select, update

from leadkeeper import clock
from leadkeeper.store.schema import expiries as table
from leadkeeper.store.upsert import insert_once, upsert

KINDS = (
    "visa", "emirates_id", "passport", "medical", "trade_licence", "establishment_card", "immigration_file",
    "labour_card", "ejari", "bank_kyc", "vat_return", "corporate_tax", "audit", "insurance", "other",
)  # fmt: skip


def learn(conn: Connection, lead_id: int, kind: str, expires_on: date) -> bool:
    """Take a date the customer gave; False when a person entered one, or it is known already."""
    row = {"lead_id": lead_id, "kind": kind, "expires_on": expires_on, "source": "customer", "created_at": clock.now()}
    if insert_once(conn, table, [row], table.c.id):
        return True
    changed = conn.execute(
        update(table)
        .where(table.c.lead_id == lead_id, table.c.kind == kind, table.c.source == "customer", table.c.expires_on != expires_on)
        .values(expires_on=expires_on, renewed_at=None)
    )
    return bool(changed.rowcount)


def set_by_person(conn: Connection, lead_id: int, kind: str, expires_on: date | None) -> None:
    """Take what a person entered; None removes the expiry."""
    if expires_on is None:
        conn.execute(delete(table).where(table.c.lead_id == lead_id, table.c.kind == kind))
        return
    row = {
        "lead_id": lead_id,
        "kind": kind,
        "expires_on": expires_on,
        "source": "person",
        "renewed_at": None,
        "created_at": clock.now(),
    }
    upsert(conn, table, row, key=("lead_id", "kind"))


def of_lead(conn: Connection, lead_id: int) -> list[Row[tuple[str, date]]]:
    """Every expiry of a lead, the nearest first."""
    return list(conn.execute(select(table).where(table.c.lead_id == lead_id).order_by(table.c.expires_on)))
