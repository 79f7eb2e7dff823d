"""What the scheduled rules would look at now: a preview in two numbers."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.store.schema import CLOSED_STAGES, expiries, leads

AHEAD = timedelta(days=90)
"""Expiries nearer than this are looked at."""


@dataclass(frozen=True, slots=True)
class Due:
    """Open leads whose automation is on, counted once each."""

    leads_expiring_matched: int
    leads_needing_follow_up: int


def take(conn: Connection) -> Due:
    """The numbers of this moment."""
    now = clock.now()
    workable = (leads.c.stage.not_in(CLOSED_STAGES), leads.c.autopilot)
    soon = (
        select(func.count(leads.c.id.distinct()))
        .select_from(leads.join(expiries, expiries.c.lead_id == leads.c.id))
        .where(*workable, expiries.c.renewed_at.is_(None), expiries.c.expires_on <= (now + AHEAD).date())
    )
    waiting = select(func.count()).select_from(leads).where(*workable, leads.c.next_follow_up_at <= now)
    return Due(conn.execute(soon).scalar_one(), conn.execute(waiting).scalar_one())
