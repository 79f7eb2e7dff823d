"""What rules did before, for those whose limits ask for it; others cost no statement."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from leadkeeper.rules import book
from leadkeeper.rules.facts import Facts, History
from leadkeeper.rules.model import Rule
from leadkeeper.store.schema import messages
from leadkeeper.store.schema import rule_runs as table

NEWEST = 500
"""Messages of a rule that are looked at for its cap."""


def add(conn: Connection, facts: Facts, rules: Sequence[Rule]) -> Facts:
    """`facts` with the history of those `rules` that have a cooldown or an hourly cap."""
    limited = [rule for rule in rules if rule.limits.cooldown_minutes or rule.limits.max_per_hour]
    if not limited:
        return facts
    return replace(facts, history={rule.id: _of(conn, facts, rule) for rule in limited})


def _of(conn: Connection, facts: Facts, rule: Rule) -> History:
    fired = (table.c.rule_id == rule.id, table.c.verdict == "fired")
    last = None
    if rule.limits.cooldown_minutes:
        query = select(func.max(table.c.id)).where(*fired, table.c.conversation_id == facts.conversation_id)
        newest = query.scalar_subquery()
        last = conn.execute(select(table.c.at).where(table.c.id == newest)).scalar_one_or_none()
    full = None
    if rule.limits.max_per_hour:
        query = select(table.c.at).where(*fired).order_by(table.c.id.desc())
        oldest = conn.execute(query.offset(rule.limits.max_per_hour - 1).limit(1)).scalar_one_or_none()
        full = oldest + timedelta(hours=1) if oldest is not None else None
    return History(last, full)


def capped_until(conn: Connection, rule_run_id: int, message_id: int) -> datetime | None:
    """Until when this firing's message has to wait, because as many of its rule as an hour may have have left.

    Firings are counted when they are decided; what waited together since (for a halted account, a quiet
    night) must not leave together.
    """
    rule_id = conn.execute(select(table.c.rule_id).where(table.c.id == rule_run_id)).scalar()
    most = None if rule_id is None else book.get(conn, rule_id).limits.max_per_hour
    if most is None:
        return None
    newest = select(table.c.message_id).where(table.c.rule_id == rule_id, table.c.message_id.is_not(None))
    written = newest.order_by(table.c.id.desc()).limit(NEWEST).subquery()
    left = (
        select(messages.c.state_at)
        .join(written, written.c.message_id == messages.c.id)
        .where(messages.c.state.not_in(("draft", "ready", "cancelled", "failed")), messages.c.id != message_id)
        .order_by(messages.c.state_at.desc())
    )
    oldest = conn.execute(left.offset(most - 1).limit(1)).scalar()
    return None if oldest is None else oldest + timedelta(hours=1)
