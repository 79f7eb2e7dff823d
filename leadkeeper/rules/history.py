"""What rules did before, for those whose limits ask for it; others cost no statement."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, func, select

from leadkeeper.rules.facts import Facts, History
from leadkeeper.rules.model import Rule
from leadkeeper.store.schema import rule_runs as table


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
